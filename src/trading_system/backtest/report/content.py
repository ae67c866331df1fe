"""What a report says of a run, as the form that its page and its `report.json` share."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from trading_system.backtest.report import schema
from trading_system.backtest.report.costs import costs_of
from trading_system.backtest.report.findings import Findings
from trading_system.backtest.report.thinning import bins
from trading_system.backtest.result import Result, Traded
from trading_system.backtest.statistics.summary import Statistic
from trading_system.errors import ConfigurationError
from trading_system.market.columns import Floats
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import NS_PER_S, iso

SURE: Final = ("sharpe_low", "sharpe_high", "deflated_sharpe", "trials")
"""Statistics without which no Sharpe ratio is shown."""


def complete(result: Result, findings: Findings) -> None:
    """Refuse what is no report: one without costs, seed, data hash or baseline beside it.

    Raises:
        ConfigurationError: One of them is missing, named; or the run has no slice.
    """
    missing = {
        "a slice of bars": len(result.close_ns) > 0,
        "its costs (config: costs)": bool(result.config.get("costs")),
        "a seed": isinstance(result.seed, int),
        "the hash of its data": bool(result.traded) and all(each.sha256 for each in result.traded),
        "its Sharpe ratio and how sure that is": {"sharpe", *SURE} <= {each.name for each in findings.statistics},
        "its baseline, buying and holding": len(findings.held) == len(result.close_ns) > 0,
        "the version of its code": bool(result.code_version),
        "the number of its trials": result.trials >= 1,
    }
    absent = [what for what, there in missing.items() if not there]
    if absent:
        raise ConfigurationError(f"a run without {' and without '.join(absent)} is not reported: see docs/report.md")


def report_of(result: Result, findings: Findings, fills: pl.DataFrame, files: Mapping[str, str]) -> schema.Report:
    """Return the content of the report; `files` are the SHA-256 of the tables beside it by name.

    Raises:
        ConfigurationError: Something that every report must say is missing.
    """
    complete(result, findings)
    markets = [_market(each) for each in result.traded]
    return schema.Report(
        format=schema.FORMAT,
        command=result.command,
        synthetic=synthetic(result.config),
        optimistic=list(result.optimistic),
        quote=result.quote,
        span=schema.Span(
            first=iso(int(result.close_ns[0])),
            last=iso(int(result.close_ns[-1])),
            interval_s=result.interval_ns / NS_PER_S,
            slices=len(result.close_ns),
        ),
        equity=schema.Equity(
            start=findings.start,
            end=int(result.equity_atoms[-1]) / ATOMS,
            held_end=float(findings.held[-1]),
        ),
        sleeves=[schema.Sleeve(strategy=strategy, symbol=symbol) for strategy, symbol in result.sleeves],
        markets=markets,
        statistics=[_number(each) for each in findings.statistics],
        months=[
            schema.Month(year=int(year), month=int(month), value=float(value)) for year, month, value in findings.months
        ],
        trades=histogram(findings.trade_returns),
        costs=costs_of(fills, markets),
        fills=dict(sorted(Counter(fills["reason"].to_list()).items())),
        counts=dict(sorted(result.counts.items())),
        denials=dict(sorted(result.denials.items())),
        trials=schema.Trials(count=result.trials, sharpes=histogram(result.trial_sharpes), pbo=result.pbo),
        config=plain(result.config),
        code_version=result.code_version,
        seed=result.seed,
        files=dict(sorted(files.items())),
    )


def histogram(values: Floats) -> schema.Histogram | None:
    """Return how the finite ones of `values` are spread; None where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    edges, counts = bins(finite)
    return schema.Histogram(total=len(finite), edges=edges.tolist(), counts=counts.tolist())


def plain(value: Any) -> Any:
    """Return nested plain values, mappings sorted by key, what JSON cannot say (infinity) in words.

    >>> plain({"b": (1, float("inf")), "a": True})
    {'a': True, 'b': [1, 'inf']}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def synthetic(config: Any) -> bool:
    """Return whether a configuration says, wherever in it, that its data is synthetic.

    >>> synthetic({"bars": {"synthetic": True}}), synthetic({"bars": [{"synthetic": False}]})
    (True, False)
    """
    if isinstance(config, Mapping):
        return bool(config.get("synthetic")) or any(synthetic(each) for each in config.values())
    return isinstance(config, list | tuple) and any(synthetic(each) for each in config)


def _number(statistic: Statistic) -> schema.Number:
    value, why = statistic.value, statistic.why or ""
    if value is not None and not math.isfinite(value):
        value, why = None, why or f"it came out as {value}"
    return schema.Number(
        name=statistic.name,
        label=statistic.label,
        unit=statistic.unit,
        group=statistic.group,
        formula=statistic.formula,
        source=statistic.source,
        value=float(value) if isinstance(value, float) else value,  # numpy's floats are not JSON's
        why=why,
    )


def _market(traded: Traded) -> schema.Market:
    instrument, bars = traded.instrument, traded.bars
    return schema.Market(
        venue=instrument.venue,
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        tick=f"{instrument.tick:f}",
        lot=f"{instrument.lot:f}",
        bars=len(bars),
        first=iso(int(bars.close_ns[0])) if len(bars) else "",
        last=iso(int(bars.close_ns[-1])) if len(bars) else "",
        sha256=traded.sha256,
    )
