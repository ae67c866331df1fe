"""A study: every choice of a run, checked and complete, before a single bar is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from trading_system.backtest.asked import Asked, AskedStrategy, Assignment
from trading_system.backtest.choice_table import BY_INSTRUMENT, BY_STRATEGY, CHOICES, SECTIONS, unknown
from trading_system.backtest.choices import AUTO, UNSET, Choice
from trading_system.backtest.own_policy import PolicyFile
from trading_system.core_ai.inference.strategies.parameters import instead
from trading_system.core_ai.inference.strategies.registry import STRATEGIES, StrategyKind, make
from trading_system.core_ai.inference.strategies.script import load
from trading_system.core_ai.inference.strategies.strategy import Strategy, Value
from trading_system.errors import ConfigurationError


class Source(NamedTuple):
    """Where the bars of one instrument come from."""

    symbol: str
    path: str
    """A file, or the folder of a store."""


class Sleeve(NamedTuple):
    """A strategy on an instrument."""

    label: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Every choice of a run.

    Attributes:
        sources: Where the bars come from, by instrument.
        strategies: By their labels, in the order in which they decide.
        own: The user's policy in the place of ours; None for ours.
        choices: All that there are to be made, by name.
        values: What was chosen for all, by name.
        only: What was chosen otherwise for one strategy or one instrument, by its name.
        sha256: Hash that the bars of a symbol must have, where a run is to be made again.
    """

    sources: tuple[Source, ...]
    strategies: Mapping[str, Strategy]
    own: PolicyFile | None
    choices: Mapping[str, Choice]
    values: Mapping[str, Value]
    only: Mapping[str, Mapping[str, Value]]
    sha256: Mapping[str, str]

    @property
    def sleeves(self) -> tuple[Sleeve, ...]:
        """Every strategy on every instrument, in the order in which they decide."""
        return tuple(Sleeve(label, source.symbol) for label in self.strategies for source in self.sources)

    def of(self, name: str, owner: str = "") -> Value:
        """Return what was chosen, for the strategy or the instrument `owner` where it is asked for."""
        return self.only.get(owner, {}).get(name, self.values[name])

    def word(self, name: str, owner: str = "") -> str:
        """Return a choice that is a text."""
        return str(self.of(name, owner))

    def number(self, name: str, owner: str = "") -> float:
        """Return a choice that is a number."""
        return float(self.of(name, owner))

    def config(self) -> dict[str, Any]:
        """Return every choice as nested plain values; `asked.asked_of` makes the same study of them."""
        sections: dict[str, Any] = {section: {} for section in SECTIONS}
        for name, choice in self.choices.items():
            (sections[choice.section] if choice.section else sections)[name] = self.values[name]
        sections["bars"]["sources"] = [source._asdict() for source in self.sources]
        sections["policy"]["file"] = str(self.own.path) if self.own is not None else ""
        sections["strategies"] = [
            {"name": label, "strategy": strategy.name, "set": dict(strategy.parameters)}
            for label, strategy in self.strategies.items()
        ]
        return sections | ({"only": {owner: dict(values) for owner, values in self.only.items()}} if self.only else {})


PARAMETERS: Final = "parameters"
EVERYWHERE: Final = ""


class Place(NamedTuple):
    """Where an assignment belongs."""

    owner: str
    """A strategy's label or an instrument's symbol; `EVERYWHERE`."""
    name: str
    parameter: bool
    """Whether it is a parameter of the strategy and no choice of the run."""


class Names(NamedTuple):
    """All names that assignments may use."""

    choices: Mapping[str, Choice]
    strategies: Mapping[str, Sequence[str]]
    """The names of each strategy's parameters by its label."""
    symbols: Sequence[str]

    def places(self, name: str) -> list[Place]:
        """Return what `name` means: a choice of the run, or a parameter of every strategy that knows it.

        After an owner and a dot it means that owner's: of a strategy a parameter or a choice of its policy, of an
        instrument its terms and costs, of a section of the configuration its choices.

        Raises:
            ConfigurationError: Nothing of that name is known.
        """
        owner, _, inner = name.rpartition(".")
        if not owner:
            return self._anywhere(name)
        if owner in self.strategies:
            if inner in self.strategies[owner]:
                return [Place(owner, inner, True)]
            return [self._choice(owner, inner, BY_STRATEGY, self.strategies[owner])]
        if owner in self.symbols:
            return [self._choice(owner, inner, BY_INSTRUMENT)]
        if owner in SECTIONS:
            known = {name: choice for name, choice in self.choices.items() if choice.section == owner}
            if inner not in known:
                raise unknown(inner, known)
            return [Place(EVERYWHERE, inner, False)]
        owners = (*self.strategies, *self.symbols, *SECTIONS)
        raise ConfigurationError(f"{name}: no strategy and no instrument is called {owner!r}{instead(owner, owners)}")

    def _anywhere(self, name: str) -> list[Place]:
        if name in self.choices:
            return [Place(EVERYWHERE, name, False)]
        knowing = [label for label, names in self.strategies.items() if name in names]
        if not knowing:
            raise unknown(
                name, dict.fromkeys((*self.choices, *(n for names in self.strategies.values() for n in names)))
            )
        return [Place(label, name, True) for label in knowing]

    def _choice(self, owner: str, name: str, sections: frozenset[str], more: Sequence[str] = ()) -> Place:
        known = [each for each, choice in self.choices.items() if choice.section in sections]
        if name not in known and name in self.choices:
            raise ConfigurationError(f"{name} cannot be set for {owner} alone")
        if name not in known:
            raise unknown(name, dict.fromkeys((*more, *known)))
        return Place(owner, name, False)


def study_of(asked: Asked, sources: Sequence[Source], own: PolicyFile | None = None) -> Study:
    """Return the study that was asked for, with the defaults for all that was not.

    Args:
        asked: What was asked for.
        sources: Where its bars come from, see `sources.sources_of`.
        own: The policy at `asked.policy`, loaded.

    Raises:
        ConfigurationError: A name is unknown, with the nearest there is; a value is not of its kind or out of range; a
            strategy is missing, or a script's file cannot be used.
    """
    if not asked.strategies:
        raise ConfigurationError(f"say what to run: --strategy NAME; there are: {', '.join(STRATEGIES)}")
    choices = CHOICES if own is None else own.choices(CHOICES)
    strategies = {each.label: _parameters(each, asked.sets) for each in asked.strategies}
    names = Names(choices, strategies, [source.symbol for source in sources])
    values: dict[str, Value] = {}
    only: dict[str, dict[str, Value]] = {}
    given: dict[str, dict[str, Value]] = {each.label: dict(each.sets) for each in asked.strategies}
    for name, value in asked.sets:
        for place in names.places(name):
            if place.parameter:
                given[place.owner][place.name] = value
            elif place.owner:
                only.setdefault(place.owner, {})[place.name] = choices[place.name].read(value)
            else:
                values[place.name] = choices[place.name].read(value)
    study = Study(
        sources=tuple(sources),
        strategies={each.label: make(each.kind, given[each.label]) for each in asked.strategies},
        own=own,
        choices=choices,
        values={name: values.get(name, choice.default) for name, choice in choices.items()},
        only=only,
        sha256=asked.sha256,
    )
    _check(study)
    return study


def _parameters(asked: AskedStrategy, sets: Sequence[Assignment]) -> list[str]:
    """Return the names of the parameters of a strategy; a script's own are among them."""
    kind = _kind(asked.kind)
    names = [parameter.name for parameter in kind.parameters]
    if kind.open:
        files = [value for name, value in (*asked.sets, *sets) if name in ("file", f"{asked.label}.file")]
        if not files:
            raise ConfigurationError(f"strategy {asked.label}: say which file, as in --set file=mine.py")
        names += [parameter.name for parameter in load(Path(str(files[-1]))).parameters]
    return names


def _kind(name: str) -> StrategyKind:
    if name not in STRATEGIES:
        raise ConfigurationError(f"there is no strategy {name!r}{instead(name, STRATEGIES)}")
    return STRATEGIES[name]


def _check(study: Study) -> None:
    """Refuse choices that contradict each other.

    Raises:
        ConfigurationError: Which, and how.
    """
    if AUTO not in (study.of("from"), study.of("to")) and study.word("from") >= study.word("to"):
        raise ConfigurationError(f"from ({study.word('from')}) must be before to ({study.word('to')})")
    for name, value in study.values.items():
        if value == UNSET and not study.choices[name].words:
            raise ConfigurationError(f"{name} must be set: it is {study.choices[name].help} and has no default")
    for label in study.strategies:
        if "enter_above" in study.choices and "leave_below" in study.choices:
            enter, leave = study.number("enter_above", label), study.number("leave_below", label)
            if not leave < enter:
                raise ConfigurationError(f"leave_below ({leave}) must be less than enter_above ({enter})")
