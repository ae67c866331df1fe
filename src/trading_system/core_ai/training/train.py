"""The training loop, straight down: seed, early stop, best checkpoint, calibration.

The same bars, plan and seed give the same weights to the bit on the same machine and versions: one
thread, deterministic algorithms, every random choice from the seed.
"""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from trading_system.core_ai.inference.manifest import FORMAT, Manifest
from trading_system.core_ai.training.dataset import Dataset, Split, dataset_of, move_sizes, split, training_rows
from trading_system.core_ai.training.evaluate import evaluate, log_losses
from trading_system.core_ai.training.network import DirectionNetwork
from trading_system.data_pipeline.bar_store import bars_hash
from trading_system.data_pipeline.normalizers.features import MODEL_SET, Anchor, FeatureSet, named
from trading_system.data_pipeline.normalizers.scaler import fit
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar, interval_ns

_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every choice of a training.

    Attributes:
        window: Rows that the network looks at.
        horizon: How far it looks, bars; also the embargo between the parts.
        hidden: Width of LSTM and attention.
        dropout: Share of what the last layer sees that is left out in each step of the training, 0..1.
        epochs: At most so many passes over the training part.
        patience: Passes without a better validation log-loss before it stops.
        batch: Examples in one step.
        learning_rate, weight_decay: Of AdamW.
        gradient_norm: Longest step's gradient; longer ones are shortened to it.
        train_share, validation_share: Parts of all bars; the rest tests.
        seed: Of every random choice.
    """

    window: int = 32
    horizon: int = 16
    hidden: int = 8
    dropout: float = 0.2
    epochs: int = 40
    patience: int = 8
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    gradient_norm: float = 1.0
    train_share: float = 0.7
    validation_share: float = 0.15
    seed: int = 7


class Epoch(NamedTuple):
    """What one pass gave: its number from 1, and the mean log-losses."""

    number: int
    train: float
    validation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A network, what to write beside it, and windows to check an export on."""

    network: DirectionNetwork
    manifest: Manifest
    windows: npt.NDArray[np.float32]
    best: Epoch


def train(
    bars: Sequence[Bar],
    *,
    interval: str,
    plan: Plan,
    tell: Callable[[Epoch], None],
    features: FeatureSet = MODEL_SET,
) -> Trained:
    """Return a network trained, calibrated and scored on `bars`, oldest first.

    Args:
        bars: Of one instrument.
        interval: Their length as venues write it.
        plan: The choices.
        tell: Told of each epoch.
        features: What the network sees; a desk must be able to work them out again from its last bars.

    Raises:
        ConfigurationError: The bars are too few, or only ever go one way; a desk could not have the features.
    """
    check_servable(features)
    dataset = dataset_of(bars, window=plan.window, horizon=plan.horizon, features=features)
    parts = split(dataset, train_share=plan.train_share, validation_share=plan.validation_share, embargo=plan.horizon)
    scaler = fit(training_rows(dataset, parts.train))
    gain, loss = move_sizes(dataset, parts.train)
    with reproducible(plan.seed):
        network = DirectionNetwork(scaler, hidden=plan.hidden, dropout=plan.dropout)
        best = descend(network, dataset, parts, plan, tell)
        temperature = calibrate(odds_of(network, dataset, parts.validation), dataset.rises[parts.validation])
        network.temperature.fill_(temperature)
        with torch.no_grad():
            answers = network(torch.from_numpy(dataset.windows(parts.test)))
    scores, verdict = evaluate(
        answers.numpy().astype(np.float64),
        bars,
        dataset,
        parts,
        block=max(plan.horizon, _DAY_NS // interval_ns(interval)),
        seed=plan.seed,
    )
    manifest = Manifest(
        format=FORMAT,
        symbol=bars[0].symbol,
        interval=interval,
        feature_set=features.name,
        features=features.names,
        window=plan.window,
        horizon=plan.horizon,
        gain=gain,
        loss=loss,
        low=scaler.low,
        high=scaler.high,
        floor=scaler.floor,
        ceiling=scaler.ceiling,
        temperature=float(network.temperature),
        trained_from_ns=bars[0].open_ns,
        trained_to_ns=bars[int(dataset.ends[parts.train[-1]]) + plan.horizon].close_ns,
        bars=len(bars),
        data_sha256=bars_hash(bars),
        seed=plan.seed,
        plan={name: value for name, value in asdict(plan).items() if name != "seed"},
        examples={name: len(part) for name, part in asdict(parts).items()},
        scores=dict(scores),
        verdict=verdict,
        versions={
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
        },
    )
    return Trained(network=network, manifest=manifest, windows=dataset.windows(np.arange(len(dataset.ends))), best=best)


def check_servable(features: FeatureSet) -> None:
    """Refuse what a desk could not have: it knows its last bars and the features of the house, and nothing else.

    Raises:
        ConfigurationError: A feature never forgets, needs more than bars, or is somebody's own file.
    """
    unfit = [each.name for each in features.features if each.anchor is not Anchor.WINDOW or each.aux]
    if unfit:
        raise ConfigurationError(
            f"features {', '.join(unfit)} never forget, or need more than bars: a desk that starts again from its last "
            "bars could not have them; see `trading-system data features ls`"
        )
    for name in features.names:
        named(name)  # a model names its features, and a desk makes them by name


def descend(
    network: DirectionNetwork, dataset: Dataset, parts: Split, plan: Plan, tell: Callable[[Epoch], None]
) -> Epoch:
    """Train `network` in place and leave it as it was after its best epoch, which is returned."""
    x = torch.from_numpy(dataset.windows(parts.train))
    y = torch.from_numpy(dataset.rises[parts.train].astype(np.float32))
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    criterion = nn.BCEWithLogitsLoss()
    best, kept = Epoch(0, np.inf, np.inf), deepcopy(network.state_dict())
    for number in range(1, plan.epochs + 1):
        network.train()
        total = 0.0
        order = torch.randperm(len(x))
        for start in range(0, len(x), plan.batch):
            chosen = order[start : start + plan.batch]
            loss: Tensor = criterion(network.logits(x[chosen]), y[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), plan.gradient_norm)
            optimizer.step()
            total += loss.item() * len(chosen)
        network.eval()
        odds = odds_of(network, dataset, parts.validation)
        validation = float(log_losses(_sigmoid(odds), dataset.rises[parts.validation]).mean())
        epoch = Epoch(number, total / len(x), validation)
        tell(epoch)
        if epoch.validation < best.validation:
            best, kept = epoch, deepcopy(network.state_dict())
        elif number - best.number >= plan.patience:
            break
    network.load_state_dict(kept)
    return best


def odds_of(network: DirectionNetwork, dataset: Dataset, part: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the network's uncalibrated log-odds of a rise for the examples in `part`."""
    with torch.no_grad():
        return network.logits(torch.from_numpy(dataset.windows(part))).numpy().astype(np.float64)


def calibrate(odds: npt.NDArray[np.float64], rises: npt.NDArray[np.bool_]) -> float:
    """Return the temperature, 0.05..20, by which to divide `odds` for the lowest log-loss.

    One number cannot invent skill: it only makes the network as sure as it was right. A network that
    is no better than chance ends at 20, close to even odds.

    Source: Guo et al. (2017), "On Calibration of Modern Neural Networks", arXiv:1706.04599.
    """
    grid = np.geomspace(0.05, 20.0, 1_201)
    return float(grid[np.argmin([log_losses(_sigmoid(odds / each), rises).mean() for each in grid])])


def _sigmoid(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    probabilities: npt.NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * odds))  # never overflows
    return probabilities


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Give the same bits each time inside: one thread, fixed order of sums, chance from `seed`."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)
            torch.set_num_threads(threads)
