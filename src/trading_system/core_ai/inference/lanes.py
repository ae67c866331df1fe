"""Staggered lanes: the window model exactly, one step at a time; all but one step after the answer is out.

One lane for each window that is still open. At a new row the oldest lane, which has seen all but the last row of its
window, takes its last step and answers: that is the critical path, `emit`. The others take theirs in `rest`, as one
batch, when nobody waits.

A lane's place in the batch is its age, whatever the bar, so that the same rows give the same bits in a process that
has just begun. It also means that nothing is ever reset: a lane of age a holds what the last a rows left in it, and
after `window` rows in a row the oldest has seen these and nothing else. Who asks must know that they were in a row.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from trading_system.core_ai.inference.sessions import one_thread
from trading_system.errors import ConfigurationError

STEP_FILE: Final = "step.onnx"
"""What a model's folder calls the graph of one step."""
ROW: Final = "features"
STATE: Final = "state"
ANSWER: Final = "probability"
NEXT: Final = "next"

Block = npt.NDArray[np.float32]


def step_session(step: bytes, *, width: int) -> ort.InferenceSession:
    """Return what runs `step`, the graph of one step for any number of lanes of `width` features.

    Raises:
        ConfigurationError: It is no such graph.
    """
    session = one_thread(step, STEP_FILE)
    takes = [(node.name, node.shape[1:]) for node in session.get_inputs()]
    gives = [(node.name, node.shape[1:]) for node in session.get_outputs()]
    size = takes[-1][1]
    if takes != [(ROW, [width]), (STATE, size)] or gives != [(ANSWER, []), (NEXT, size)] or len(size) != 1:
        raise ConfigurationError(f"{STEP_FILE} takes {takes} and gives {gives}: it is no step of {width} features")
    return session


def fresh(session: ort.InferenceSession, lanes: int) -> Block:
    """Return the state of `lanes` that have seen nothing, (B, S); see `training/step.py`."""
    state = np.zeros((lanes, session.get_inputs()[1].shape[1]), dtype=np.float32)
    state[:, -2] = -np.inf
    return state


def walked(session: ort.InferenceSession, windows: Block) -> Block:
    """Return what whole `windows`, (B, T, F), say when they are gone through step by step, (B,)."""
    state, answer = fresh(session, len(windows)), np.full(len(windows), np.nan, dtype=np.float32)
    for at in range(windows.shape[1]):
        answer, state = session.run([ANSWER, NEXT], {ROW: np.ascontiguousarray(windows[:, at]), STATE: state})
    return answer


class Lanes:
    """The open windows of one instrument, or of several whose rows come together.

    Attributes:
        window: Rows in a window, T.
        instruments: How many there are, I; each has T lanes.
    """

    def __init__(self, session: ort.InferenceSession, *, window: int, instruments: int = 1) -> None:
        """Take a session that `step_session` made; T >= 1, I >= 1."""
        (width,), (size,) = (node.shape[1:] for node in session.get_inputs())
        self.window, self.instruments = window, instruments
        self._session = session
        self._rows = np.zeros((window, instruments, width), dtype=np.float32)  # once for each age; the oldest first
        self._answer = np.zeros(instruments, dtype=np.float32)
        # By age, twice: what lanes hold before a step and after it. Nothing is written to age 0: it is always fresh.
        self._held = np.zeros((2, window, instruments, size), dtype=np.float32)
        self._held[:, 0] = fresh(session, instruments)
        oldest, younger = window - 1, (window - 1) * instruments
        before, after = self._held[:, :oldest].reshape(2, younger, size), self._held[:, 1:].reshape(2, younger, size)
        rows = self._rows[:oldest].reshape(younger, width)
        self._emits = [
            self._bound(self._rows[oldest], self._held[now, oldest], {ANSWER: self._answer}) for now in (0, 1)
        ]
        self._rests = [self._bound(rows, before[now], {NEXT: after[1 - now]}) for now in (0, 1)]
        self._now, self._waiting = 0, False

    def take(self, rows: npt.ArrayLike) -> None:
        """Let every lane see `rows`, (I, F), of one instrument (F,); no NaN. Nobody waits for an answer."""
        self.rest()
        self._rows[-1] = rows
        self._waiting = True

    def emit(self, rows: npt.ArrayLike) -> Block:
        """Return what the windows that end with `rows` say, (I,) probabilities; valid until the next call.

        Only the last step of the oldest lanes is worked out; `rest` does the others', now or at the next rows.
        """
        self.take(rows)
        self._session.run_with_iobinding(self._emits[self._now])
        return self._answer

    def rest(self) -> None:
        """Take the step of all lanes that are still open, if it is not taken yet."""
        if not self._waiting:
            return
        self._waiting = False
        if self.window > 1:
            self._rows[:-1] = self._rows[-1]
            self._session.run_with_iobinding(self._rests[self._now])
            self._now = 1 - self._now

    def _bound(self, rows: Block, state: Block, outputs: dict[str, Block]) -> ort.IOBinding:
        """Return a run from and to the very memory of these arrays, which must live as long as it."""
        binding = self._session.io_binding()
        for name, array in ((ROW, rows), (STATE, state)):
            binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in outputs.items():
            binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return binding
