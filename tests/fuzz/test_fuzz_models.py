"""Model files: what they say about themselves, and files that are damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from mutation import examples, mutated
from victim import Victim

from fer_edge.classify.spec import ModelSpec
from fer_edge.classify.tensors import NetworkTensors
from fer_edge.errors import ModelCorrupt, ModelMetadataError, StageFailed
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_file import check_onnx
from fer_edge.types import LABELS

GOOD = ModelSpec(name="some network", temperature=1.3, parameters=7, facts={"licence": "CC0"}).to_metadata()
DEEP = "[" * 100_000
HUGE = "9" * 400

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**400), 10**400),
        st.floats(),
        st.sampled_from([*LABELS, "1.0", "", "NaN"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=8), st.dictionaries(st.sampled_from(LABELS), inner, max_size=7)),
    max_leaves=9,
)
TEXTS = st.one_of(
    JSON.map(json.dumps),
    st.sampled_from([DEEP, HUGE, f"[{HUGE},1,1]", "Infinity", "[1, 1, Infinity]", "[1e308, 0, 0]", '"123"']),
    st.text(max_size=20),
    st.permutations(LABELS).map(json.dumps),
    st.lists(st.floats(1e-300, 1e300), min_size=3, max_size=3).map(json.dumps),
)


@examples(300)
@given(st.sampled_from(sorted(GOOD)), TEXTS)
@example("fer_edge.labels", DEEP)
@example("fer_edge.scale", HUGE)
@example("fer_edge.std", f"[{HUGE}, 1, 1]")
@example("fer_edge.std", "[1, 1, Infinity]")
@example("fer_edge.std", "[1e-300, 1, 1]")
@example("fer_edge.mean", '"123"')
@example("fer_edge.mean", "[1e308, 0, 0]")
@example("fer_edge.temperature", "true")
@example("fer_edge.labels", json.dumps(dict.fromkeys(LABELS)))
def test_metadata_of_any_content_is_refused_by_name_or_gives_finite_numbers(key: str, text: str) -> None:
    try:
        spec = ModelSpec.from_metadata({**GOOD, key: text}, "x.onnx")
    except ModelMetadataError as error:
        assert key in error.message
        assert "x.onnx" in error.message
        return
    assert sorted(spec.labels) == sorted(LABELS)
    assert math.isfinite(spec.scale * spec.temperature * spec.crop_margin * spec.crop_centre)
    fed = NetworkTensors(spec).feed(np.full((1, spec.input_size, spec.input_size, 3), 255, np.uint8))
    assert np.isfinite(fed).all()


@examples(100)
@given(st.lists(st.floats(width=32), min_size=14, max_size=14), st.sampled_from(["0.01", "1", "100"]))
@example([math.nan] * 7 + [math.inf] * 7, "1")
@example([3.4e38, -3.4e38] * 7, "0.01")
def test_logits_of_any_kind_give_probabilities_or_are_called_no_numbers(logits: List[float], temperature: str) -> None:
    spec = ModelSpec.from_metadata({**GOOD, "fer_edge.temperature": temperature}, "x.onnx")
    given = np.asarray(logits, np.float32).reshape(2, 7)
    if not np.isfinite(given).all():
        with pytest.raises(StageFailed, match="some network gave no numbers"):
            NetworkTensors(spec).expressions(given)
        return
    for expression in NetworkTensors(spec).expressions(given):
        assert expression.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert 0 < expression.confidence <= 1


DETECTOR = find_model("blazeface_short").read_bytes()


@examples(25)
@given(mutated(DETECTOR, most=3))
@example(b"")
@example(b"\x08\x07")
@example(DETECTOR.replace(b"kernel_shape@\x05@\x05", b"kernel_shape@\x04@\x05", 1))
def test_a_damaged_detector_is_taken_or_refused(tmp_path: Path, victim: Victim, content: bytes) -> None:
    file = tmp_path / "fuzzed.onnx"
    file.write_bytes(content)
    assert not victim.open("detector", file).startswith("fault")


def small_network(metadata: Dict[str, str]) -> bytes:
    """Make an expression network that only averages, small enough for every byte of it to be hit."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = helper.make_tensor("w", kind, [3, 7], np.linspace(-1, 1, 21, dtype=np.float32).tolist())
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["y"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", kind, ["n", 3, 64, 64])],
        [helper.make_tensor_value_info("y", kind, ["n", 7])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    helper.set_model_props(model, metadata)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="module")
def network() -> bytes:
    return small_network(GOOD)


def test_the_small_network_itself_is_taken(tmp_path: Path, victim: Victim, network: bytes) -> None:
    tmp_path.joinpath("small.onnx").write_bytes(network)
    assert victim.open("model", tmp_path / "small.onnx") == "taken"


@examples(200)
@given(st.data())
def test_a_damaged_classifier_is_taken_or_refused(
    tmp_path: Path, victim: Victim, network: bytes, data: st.DataObject
) -> None:
    content = data.draw(mutated(network))
    assume(content)
    file = tmp_path / "fuzzed.onnx"
    file.write_bytes(content)
    assert not victim.open("model", file).startswith("fault")


def test_metadata_that_is_no_text_is_refused(tmp_path: Path, victim: Victim, network: bytes) -> None:
    tmp_path.joinpath("latin.onnx").write_bytes(network.replace(b"some network", b"some netw\xf6rk"))
    assert victim.open("model", tmp_path / "latin.onnx") == "ModelCorrupt"


def borrows(message: Any) -> bool:
    """Say whether a message, read by the library that ONNX itself uses, names another file anywhere in it."""
    if message.DESCRIPTOR.name == "TensorProto" and (message.external_data or message.data_location):
        return True
    parts = [value for about, value in message.ListFields() if about.message_type is not None]
    return any(borrows(part) for value in parts for part in (value if hasattr(value, "append") else [value]))


@pytest.fixture(scope="module")
def greedy() -> bytes:
    """A small network whose weights, at several depths, lie elsewhere."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = helper.make_tensor("w", kind, [], bytes(4), raw=True)
    onnx.external_data_helper.set_external_data(weights, "elsewhere", 0, 4)
    weights.data_location = onnx.TensorProto.EXTERNAL
    branch = helper.make_graph([helper.make_node("Constant", [], ["z"], value=weights)], "b", [], [])
    graph = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=branch)], "g", [], [], [weights])
    content: bytes = helper.make_model(graph).SerializeToString()
    return content


@examples(300)
@given(st.data())
def test_no_damage_hides_that_a_model_takes_its_weights_from_another_file(greedy: bytes, data: st.DataObject) -> None:
    import google.protobuf.message
    import onnx

    content = data.draw(mutated(greedy))
    try:
        model = onnx.ModelProto.FromString(content)
    except google.protobuf.message.DecodeError:
        return
    if borrows(model):
        with pytest.raises(ModelCorrupt):
            check_onnx(content, "x.onnx")
