"""A policy of the user's own: a Python file whose `decide` takes the place of ours, in a back-test and in a replay.

The file holds a function of the shape of `desk.decide.decide`, marked with `@kernel`, and, where it knows other numbers
than ours, a NamedTuple `Policy` of ints and floats; they are set like any other choice.
"""

import ast
import hashlib
import itertools
import linecache
import math
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from trading_system.backtest.choices import UNSET, Choice
from trading_system.backtest.rows import reader
from trading_system.backtest.run import OwnPolicy
from trading_system.blotter.state import AccountCarried, Asks, Policy, SleeveCarried, Step
from trading_system.core_ai.inference.strategies.strategy import Value
from trading_system.errors import ConfigurationError, TradingError
from trading_system.kernel import kernel

LONGEST: Final = 600
"""Letters of a compiler's message that are shown."""
ANSWERS: Final[Mapping[str, type[Any]]] = {kind.__name__: kind for kind in (Step, Asks, SleeveCarried, AccountCarried)}
"""What an answer is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A user's policy, loaded.

    Attributes:
        path: Where it lies, as it was named.
        digest: SHA-256 of its bytes, hex.
        policy: What the loop needs of it.
        defaults: The fields of its NamedTuple and their defaults; None where there is none. Empty where it uses ours.
    """

    path: Path
    digest: str
    policy: OwnPolicy
    defaults: Mapping[str, Value | None] = field(default_factory=dict)

    def choices(self, ours: Mapping[str, Choice]) -> Mapping[str, Choice]:
        """Return all choices of a run under this policy: its own numbers in the place of our policy's.

        A number without a default gets ours of the same name; where there is none, it must be set.

        Raises:
            ConfigurationError: A field is called like a choice that is no policy's.
        """
        if self.policy.kind is Policy:
            return ours
        others = {name: choice for name, choice in ours.items() if choice.section != "policy"}
        for name in self.defaults:
            if name in others:
                raise ConfigurationError(f"{self.path}: call the field {name} otherwise: the run has a choice of it")
        return others | {name: self._choice(name, default, ours) for name, default in self.defaults.items()}

    def _choice(self, name: str, default: Value | None, ours: Mapping[str, Choice]) -> Choice:
        whole = self.policy.kind.__annotations__[name] in (int, "int")
        if default is None and name in ours and isinstance(ours[name].default, int | float):
            default = ours[name].default
        if default is None:
            return Choice(name=name, section="policy", default=UNSET, whole=whole, help=f"of {self.path.name}")
        if not isinstance(default, int | float) or not math.isfinite(default):
            raise ConfigurationError(f"{self.path}: the default of {name} must be a number, not {default!r}")
        default = int(default) if whole else float(default)
        return Choice(name=name, section="policy", default=default, help=f"of {self.path.name}")


def load_policy(path: Path) -> PolicyFile:
    """Return the policy at `path`. The file is run: it is code of whoever names it.

    Raises:
        ConfigurationError: It cannot be read or run, or what it must define is missing or wrong.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    digest = hashlib.sha256(source).hexdigest()
    module = ModuleType(f"trading_system_policy_{digest[:16]}")
    module.__file__ = str(path)
    with blamed_on(path, "cannot be run"):
        tree = ast.parse(source, str(path))
        linecache.checkcache(str(path))
        sys.modules[module.__name__] = module  # as import does: classes in it look themselves up there
        exec(compile(tree, str(path), "exec", dont_inherit=True), module.__dict__)
    _check_fields(path, tree)
    decide, kind = getattr(module, "decide", None), getattr(module, "Policy", Policy)
    if not callable(decide) or not hasattr(decide, "__code__"):
        raise ConfigurationError(f"{path}: define a function decide(account, sleeve, bar, view, policy)")
    defaults: dict[str, Value | None] = {}
    try:
        if kind is not Policy:
            reader(kind)
            defaults = {name: kind._field_defaults.get(name) for name in kind._fields}
        policy = OwnPolicy(decide=kernel(decide), kind=kind)
        policy.swaps()
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return PolicyFile(path=path, digest=digest, policy=policy, defaults=defaults)


@contextmanager
def blamed_on(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside the user's file into one message with its line. It ends what was being done.

    Raises:
        ConfigurationError: In the place of what was raised; what is not of the file's making is raised as it is.
    """
    try:
        yield
    except TradingError:
        raise
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines.append(error.lineno)
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise ConfigurationError(f"{where}: {what}: {type(error).__name__}: {error}") from error


@contextmanager
def compiling(own: PolicyFile | None) -> Iterator[None]:
    """Turn what the compiler says of a user's policy into one message; without such a policy it is our own bug.

    Raises:
        ConfigurationError: The policy cannot be compiled; with what the compiler says.
    """
    if own is None:
        yield
        return
    try:
        yield
    except (TradingError, MemoryError):
        raise
    except Exception as error:  # the compiler fails in many ways, some of them its own
        raise ConfigurationError(
            f"{own.path}: decide() runs as Python and cannot be compiled: use plain arithmetic (kernel.py says which), "
            "give whole numbers where those are wanted, pass every field of what it returns, mark helpers with "
            f"@kernel. The compiler says: {reason_of(error)}"
        ) from error


def reason_of(error: Exception) -> str:
    """Return the innermost reason in a compiler's long message, on one line."""
    parts = re.split(r"\(step: [^)]*\)\s", str(error))
    lines = (line.strip() for line in parts[-1].splitlines())
    told = " ".join(line for line in itertools.takewhile(lambda line: not line.startswith("During: "), lines) if line)
    return f"{type(error).__name__}: {told[:LONGEST]}"


def _check_fields(path: Path, tree: ast.AST) -> None:
    """Refuse an answer that leaves fields to their defaults: the compiler knows none.

    Raises:
        ConfigurationError: Which fields are missing, and in which line.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in ANSWERS:
            continue
        fields = ANSWERS[node.func.id]._fields
        given = {keyword.arg for keyword in node.keywords}
        missing = [name for name in fields[len(node.args) :] if name not in given]
        if missing and None not in given:
            raise ConfigurationError(
                f"{path}, line {node.lineno}: {node.func.id} needs every field, since compiled code knows no defaults; "
                f"missing: {', '.join(missing)}"
            )
