"""The table of all statistics: names, formulas, sources, and how each is worked out from a run."""

from collections.abc import Callable
from typing import Final, NamedTuple

from trading_system.backtest.statistics import certainty, drawdown, equity, overfitting, trading
from trading_system.backtest.statistics.facts import Facts
from trading_system.errors import DataError
from trading_system.market.money import ATOMS


class Formula(NamedTuple):
    """One statistic; the fields are those of `summary.Statistic`, and `of` works it out or raises `DataError`."""

    name: str
    label: str
    group: str
    unit: str
    formula: str
    source: str
    of: Callable[[Facts], float | int]


def _cagr(facts: Facts) -> float:
    return equity.cagr(float(facts.equity[0]), float(facts.equity[-1]), facts.years)


def _probabilistic(facts: Facts) -> float:
    moves = facts.returns
    return certainty.probabilistic_sharpe(facts.sharpe, 0.0, len(moves), equity.skewness(moves), equity.kurtosis(moves))


def _deflated(facts: Facts) -> float:
    moves, trials = facts.returns, facts.result.trials
    skew, kurt = equity.skewness(moves), equity.kurtosis(moves)
    return overfitting.deflated_sharpe(facts.sharpe, facts.trial_sharpes, len(moves), skew, kurt, trials=trials)


def _track_record(facts: Facts) -> float:
    moves = facts.returns
    needed = certainty.min_track_record(facts.sharpe, 0.0, equity.skewness(moves), equity.kurtosis(moves))
    return needed / facts.per_year


def _overfitting(facts: Facts) -> float:
    if facts.result.pbo is None:
        raise DataError("there was no choice among trials" if facts.result.trials == 1 else "it was not worked out")
    return facts.result.pbo


BAILEY_2012: Final = "Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier"
BAILEY_2014: Final = "Bailey and López de Prado (2014), The Deflated Sharpe Ratio"
BAILEY_2017: Final = "Bailey, Borwein, López de Prado and Zhu (2017), The Probability of Backtest Overfitting"
POLITIS: Final = "Politis and Romano (1994), The Stationary Bootstrap"
BOOTSTRAP: Final = (
    "{} percentile of the ratios of up to 1,000 resampled runs: stationary bootstrap, mean block of ⌈P^⅓⌉ periods, "
    "seeded by the run"
)

FORMULAS: Final[tuple[Formula, ...]] = (
    Formula(
        "total_return", "Total return", "return", "fraction", "E_end / E_start − 1", "",
        lambda facts: equity.total_return(facts.equity),
    ),
    Formula(
        "cagr", "Growth a year (CAGR)", "return", "fraction",
        "(E_end / E_start)^(1 / years) − 1; a year has 365.25 days", "",
        _cagr,
    ),
    Formula(
        "volatility", "Volatility a year", "risk", "fraction", "std(r) × √(periods a year); std with P − 1", "",
        lambda facts: equity.volatility(facts.returns, facts.per_year),
    ),
    Formula(
        "max_drawdown", "Deepest drawdown", "risk", "fraction",
        "max over t of 1 − E_t / max(E_0 … E_t), bar by bar", "",
        lambda facts: facts.falls.deepest,
    ),
    Formula(
        "max_drawdown_bars", "Its length in bars", "risk", "bars",
        "from the peak before the deepest drawdown until equity is back at it, or to the end of the run", "",
        lambda facts: facts.falls.end - facts.falls.peak,
    ),
    Formula(
        "max_drawdown_s", "Its length", "risk", "s", "the same, from close to close", "",
        lambda facts: facts.seconds(facts.falls.peak, facts.falls.end),
    ),
    Formula(
        "longest_underwater_bars", "Longest time under water in bars", "risk", "bars",
        "the longest stretch from a peak until equity is back at it, or to the end of the run", "",
        lambda facts: facts.falls.longest_end - facts.falls.longest_peak,
    ),
    Formula(
        "longest_underwater_s", "Longest time under water", "risk", "s", "the same, from close to close", "",
        lambda facts: facts.seconds(facts.falls.longest_peak, facts.falls.longest_end),
    ),
    Formula(
        "skew", "Skewness", "risk", "ratio", "mean((r − mean r)³) / σ³; 0 for a normal distribution", "",
        lambda facts: equity.skewness(facts.returns),
    ),
    Formula(
        "kurtosis", "Kurtosis", "risk", "ratio", "mean((r − mean r)⁴) / σ⁴; 3 for a normal distribution", "",
        lambda facts: equity.kurtosis(facts.returns),
    ),
    Formula(
        "tail_ratio", "Tail ratio", "risk", "ratio", "|95th percentile of r| / |5th percentile of r|", "",
        lambda facts: equity.tail_ratio(facts.returns),
    ),
    Formula(
        "sharpe", "Sharpe ratio", "return", "ratio",
        "mean(r) / std(r) × √(periods a year); no risk-free rate", "Sharpe (1994), The Sharpe Ratio",
        lambda facts: equity.sharpe(facts.returns, facts.per_year),
    ),
    Formula(
        "sortino", "Sortino ratio", "return", "ratio", "mean(r) / √(mean(min(r, 0)²)) × √(periods a year)",
        "Sortino and Price (1994), Performance Measurement in a Downside Risk Framework",
        lambda facts: equity.sortino(facts.returns, facts.per_year),
    ),
    Formula(
        "calmar", "Calmar ratio", "return", "ratio", "growth a year / deepest drawdown, over the whole run",
        "Young (1991), Calmar Ratio: A Smoother Tool",
        lambda facts: equity.calmar(_cagr(facts), facts.falls.deepest),
    ),
    Formula(
        "sharpe_low", "Sharpe ratio, lower limit", "certainty", "ratio", BOOTSTRAP.format("2.5th"), POLITIS,
        lambda facts: facts.interval[0],
    ),
    Formula(
        "sharpe_high", "Sharpe ratio, upper limit", "certainty", "ratio", BOOTSTRAP.format("97.5th"), POLITIS,
        lambda facts: facts.interval[1],
    ),
    Formula(
        "probabilistic_sharpe", "Probabilistic Sharpe ratio", "certainty", "fraction",
        "Φ(SR √(P − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²)): how sure the true ratio is above 0; SR = mean(r) / std(r), "
        "γ₃ skewness, γ₄ kurtosis",
        BAILEY_2012,
        _probabilistic,
    ),
    Formula(
        "deflated_sharpe", "Deflated Sharpe ratio", "certainty", "fraction",
        "the same against SR₀ = √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), the best that N trials without skill "
        "would show; V variance of the trials' ratios, γ ≈ 0.5772; SR₀ = 0 for one trial",
        BAILEY_2014,
        _deflated,
    ),
    Formula(
        "min_track_record_years", "Shortest telling track record", "certainty", "years",
        "(1 + (1 − γ₃ SR + (γ₄ − 1)/4 SR²) (Φ⁻¹(0.95) / SR)²) / periods a year: what would be needed to be 95 % sure "
        "of a ratio above 0",
        BAILEY_2012,
        _track_record,
    ),
    Formula(
        "pbo", "Probability of overfitting", "certainty", "fraction",
        "how often the trial that is best in one half of the time is no better than the median in the other, over all "
        "halves of 16 stretches",
        BAILEY_2017,
        _overfitting,
    ),
    Formula(
        "periods", "Periods", "certainty", "count",
        "P: returns behind the ratios, of UTC days or of longer bars; of a few, no ratio says much", "",
        lambda facts: len(facts.returns),
    ),
    Formula(
        "trials", "Trials", "certainty", "count", "policies tried to find this one", "",
        lambda facts: facts.result.trials,
    ),
    Formula(
        "exposure", "Time in the market", "exposure", "fraction", "bars with an open trade at their close / bars", "",
        lambda facts: trading.exposure(facts.trades.entry_slice, facts.ends, len(facts.equity)),
    ),
    Formula(
        "gross_exposure", "Mean gross exposure", "exposure", "fraction", "mean over t of Σ|position worth|_t / E_t", "",
        lambda facts: trading.gross_exposure(facts.gross, facts.equity),
    ),
    Formula(
        "turnover", "Turnover a year", "exposure", "ratio", "Σ(price × quantity) / mean(E) / years", "",
        lambda facts: trading.turnover(facts.costs[3], facts.equity, facts.years),
    ),
    Formula(
        "fees", "Fees", "costs", "quote", "Σ fees; those taken in base currency at their fill's price", "",
        lambda facts: facts.costs[0],
    ),
    Formula(
        "spread", "Spread", "costs", "quote", "Σ half the spread × quantity", "",
        lambda facts: facts.costs[1],
    ),
    Formula(
        "slippage", "Slippage", "costs", "quote",
        "Σ side × (price − the bar's price) × quantity, less the spread; > 0 cost us", "",
        lambda facts: facts.costs[2],
    ),
    Formula(
        "fees_of_start", "Fees of start equity", "costs", "fraction", "fees / E_start", "",
        lambda facts: facts.of_start(facts.costs[0]),
    ),
    Formula(
        "spread_of_start", "Spread of start equity", "costs", "fraction", "spread / E_start", "",
        lambda facts: facts.of_start(facts.costs[1]),
    ),
    Formula(
        "slippage_of_start", "Slippage of start equity", "costs", "fraction", "slippage / E_start", "",
        lambda facts: facts.of_start(facts.costs[2]),
    ),
    Formula(
        "trades", "Trades", "trades", "count", "round trips that ended: from flat to flat, or through zero", "",
        lambda facts: len(facts.closed),
    ),
    Formula(
        "open_trades", "Trades still open", "trades", "count",
        "round trips not ended; they count in no other number here", "",
        lambda facts: len(facts.trades) - len(facts.closed),
    ),
    Formula(
        "win_rate", "Win rate", "trades", "fraction", "trades with pnl > 0 / trades; pnl after all costs", "",
        lambda facts: trading.win_rate(facts.closed.pnl_atoms),
    ),
    Formula(
        "profit_factor", "Profit factor", "trades", "ratio", "Σ pnl > 0 / |Σ pnl < 0|", "",
        lambda facts: trading.profit_factor(facts.closed.pnl_atoms),
    ),
    Formula(
        "payoff", "Payoff", "trades", "ratio", "mean win / mean loss", "",
        lambda facts: trading.payoff(facts.closed.pnl_atoms),
    ),
    Formula(
        "expectancy", "Expectancy", "trades", "quote", "mean(pnl)", "",
        lambda facts: trading.mean_of(facts.closed.pnl_atoms) / ATOMS,
    ),
    Formula(
        "average_trade", "Average trade", "trades", "fraction", "mean(pnl / worth of its entries)", "",
        lambda facts: trading.mean_of(facts.closed.returns),
    ),
    Formula(
        "best_trade", "Best trade", "trades", "fraction", "max(pnl / worth of its entries)", "",
        lambda facts: trading.best_of(facts.closed.returns),
    ),
    Formula(
        "worst_trade", "Worst trade", "trades", "fraction", "min(pnl / worth of its entries)", "",
        lambda facts: trading.worst_of(facts.closed.returns),
    ),
    Formula(
        "average_bars", "Average length of a trade", "trades", "bars", "mean(bars from the first fill to the last)", "",
        lambda facts: trading.mean_of(facts.closed.bars),
    ),
    Formula(
        "kelly", "Kelly fraction of the trades", "trades", "fraction", "W − (1 − W) / payoff; W win rate",
        "Kelly (1956), A New Interpretation of Information Rate",
        lambda facts: trading.kelly(facts.closed.pnl_atoms),
    ),
    Formula(
        "sqn", "System quality number", "trades", "ratio", "√N × mean(pnl) / std(pnl); std with N − 1",
        "Tharp (2008), Definitive Guide to Position Sizing",
        lambda facts: trading.system_quality(facts.closed.pnl_atoms),
    ),
    Formula(
        "held_return", "Buy and hold: return", "baseline", "fraction",
        "H_end / E_start − 1: all instruments in equal parts, bought at the close of the first bar that could decide, "
        "at what this run's fills cost on average, marked at the last close",
        "",
        lambda facts: facts.of_start(float(facts.held[-1])) - 1.0,
    ),
    Formula(
        "held_max_drawdown", "Buy and hold: deepest drawdown", "baseline", "fraction",
        "max over t of 1 − H_t / max(H_0 … H_t), bar by bar", "",
        lambda facts: drawdown.max_drawdown(facts.held),
    ),
)  # fmt: skip
"""r are the returns of P periods: UTC days where bars are shorter than a day, else bars. E: equity after all costs."""
