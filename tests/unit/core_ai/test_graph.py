"""What an ONNX file says about itself is what the ONNX library reads in it, and what is none is refused."""

from contextlib import suppress

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from trading_system.core_ai.inference.graph import NoGraph, graph_of
from trading_system.core_ai.inference.manifest import DEMO_MODEL

MODEL = (DEMO_MODEL / "model.onnx").read_bytes()


def far(name: str = "far") -> TensorProto:
    """A tensor whose numbers stand in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="elsewhere.bin")
    return tensor


def model_with(**parts: list) -> onnx.ModelProto:
    """A model of one graph that holds `parts`."""
    return onnx.ModelProto(ir_version=10, graph=onnx.GraphProto(name="g", **parts))


def attribute(**parts: object) -> list[onnx.NodeProto]:
    """One node with one attribute."""
    return [onnx.NodeProto(op_type="Constant", attribute=[onnx.AttributeProto(name="a", **parts)])]


INNER = onnx.GraphProto(name="inner", initializer=[far()])
SPARSE = onnx.SparseTensorProto(values=far())
HIDING = {
    "a weight": model_with(initializer=[far()]),
    "a sparse weight": model_with(sparse_initializer=[SPARSE]),
    "a constant": model_with(node=attribute(t=far())),
    "one constant of many": model_with(node=attribute(tensors=[TensorProto(name="near"), far()])),
    "a sparse constant": model_with(node=attribute(sparse_tensor=SPARSE)),
    "one sparse constant of many": model_with(node=attribute(sparse_tensors=[SPARSE])),
    "a branch": model_with(node=attribute(g=INNER)),
    "one branch of many": model_with(node=attribute(graphs=[onnx.GraphProto(name="empty"), INNER])),
    "a branch of a branch": model_with(node=attribute(g=onnx.GraphProto(name="outer", node=attribute(g=INNER)))),
    "a function": onnx.ModelProto(
        graph=onnx.GraphProto(name="g"), functions=[onnx.FunctionProto(name="f", node=attribute(t=far()))]
    ),
    "a function's default": onnx.ModelProto(
        graph=onnx.GraphProto(name="g"),
        functions=[onnx.FunctionProto(name="f", attribute_proto=attribute(t=far())[0].attribute)],
    ),
    "the training's beginning": onnx.ModelProto(
        graph=onnx.GraphProto(name="g"), training_info=[onnx.TrainingInfoProto(initialization=INNER)]
    ),
    "the training's step": onnx.ModelProto(
        graph=onnx.GraphProto(name="g"), training_info=[onnx.TrainingInfoProto(algorithm=INNER)]
    ),
}


@pytest.mark.parametrize("where", HIDING)
def test_a_tensor_of_another_file_is_found_in(where: str) -> None:
    """Every place of onnx.proto where a tensor may stand."""
    assert graph_of(HIDING[where].SerializeToString()).external == ("far",)


def test_a_location_alone_is_enough() -> None:
    """Where the path is given but not said to be meant, or said to be meant and not given: nobody has to guess."""
    said, given = TensorProto(name="said", data_location=TensorProto.EXTERNAL), TensorProto(name="given")
    given.external_data.add(key="location", value="x")
    assert graph_of(model_with(initializer=[said, given]).SerializeToString()).external == ("said", "given")


def test_inputs_are_what_the_library_reads() -> None:
    """Name and shape; a free size is 0; a weight that is listed among the inputs, as old files do, is none."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 32, 10])
    weight = helper.make_tensor_value_info("w", TensorProto.FLOAT, [1])
    made = model_with(input=[value, weight], initializer=[helper.make_tensor("w", TensorProto.FLOAT, [1], [0.5])])
    assert graph_of(made.SerializeToString()).inputs == (("x", (0, 32, 10)),)


def test_the_model_that_ships_is_read() -> None:
    """A real file of the exporter: one input, everything inside."""
    ours = graph_of(MODEL)
    (theirs,) = onnx.load_model_from_string(MODEL).graph.input
    assert ours.inputs == ((theirs.name, tuple(dim.dim_value for dim in theirs.type.tensor_type.shape.dim)),)
    assert ours.external == ()


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04pickle.", b"\x08\x0a", b"\x3a\x7f", b"\x3b", b"\x38\x01", b"\xff" * 20, b"PK\x03\x04"]
)
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    """Nothing, a pickle, no graph, an early end, a group, a number for a graph, a number without end, a zip."""
    with pytest.raises(NoGraph):
        graph_of(content)


def test_two_graphs_are_refused() -> None:
    """A parser would merge them; we do not guess how."""
    with pytest.raises(NoGraph, match="2 graphs"):
        graph_of(MODEL + model_with().SerializeToString())


def test_a_tower_of_branches_is_refused() -> None:
    """Fifteen graphs in each other end in a refusal, and so do more: the stack cannot overflow."""
    graph = onnx.GraphProto(name="g")
    for _ in range(15):
        graph = onnx.GraphProto(name="g", node=attribute(g=graph))
    with pytest.raises(NoGraph, match="deep"):
        graph_of(onnx.ModelProto(graph=graph).SerializeToString())


@given(at=st.integers(0, len(MODEL) - 1), value=st.integers(0, 255), cut=st.booleans())
def test_any_damage_gives_an_answer_or_a_refusal(at: int, value: int, cut: bool) -> None:
    """One byte changed, or the rest cut off: nothing but `NoGraph` is raised."""
    damaged = MODEL[:at] + (b"" if cut else bytes([value]) + MODEL[at + 1 :])
    with suppress(NoGraph):
        assert isinstance(graph_of(damaged).inputs, tuple)
