"""How a graph is run where it trades: on one thread, so that no answer depends on how busy the machine was."""

from typing import Final

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as native

from trading_system.errors import ConfigurationError

_REFUSALS: Final = (  # they share no narrower class than Exception
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NotImplemented,
    native.RuntimeException,
)


def one_thread(graph: bytes, name: str) -> ort.InferenceSession:
    """Return a session that runs `graph` on the thread that calls it.

    Raises:
        ConfigurationError: ONNX Runtime cannot load it; the message calls it `name`.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    try:
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except _REFUSALS as error:
        raise ConfigurationError(f"{name}: ONNX Runtime cannot load it: {error}") from error
