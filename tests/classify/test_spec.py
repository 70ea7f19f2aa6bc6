from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import ModelMetadataError
from fer_edge.types import LABELS

GOOD = ModelSpec(name="some network", temperature=1.3, parameters=7, facts={"licence": "CC0"})


@given(
    st.permutations(LABELS),
    st.integers(8, 1024),
    st.sampled_from(["gray", "rgb"]),
    st.floats(1, 10),
    st.floats(0.01, 100),
    st.dictionaries(st.sampled_from(["licence", "training_data", "accuracy"]), st.text()),
)
def test_what_is_written_is_read_back(labels, size, colour, margin, temperature, facts) -> None:  # type: ignore[no-untyped-def]
    spec = ModelSpec(
        name="x",
        labels=tuple(labels),
        input_size=size,
        colour=colour,
        crop_margin=margin,
        temperature=temperature,
        facts=facts,
    )
    assert ModelSpec.from_metadata(spec.to_metadata(), "x.onnx") == spec


def test_a_file_without_metadata_is_refused_and_every_missing_key_is_named() -> None:
    with pytest.raises(ModelMetadataError) as caught:
        ModelSpec.from_metadata({"fer_edge.name": "x", "author": "y"}, "foreign.onnx")
    for key in ("labels", "input_size", "layout", "colour", "scale", "mean", "std", "crop_margin", "alignment"):
        assert f"fer_edge.{key}" in str(caught.value)
    assert "foreign.onnx" in str(caught.value)
    assert "fer_edge.name," not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "\x1b[2Jowned"),
        ("name", "two\nlines"),
        ("name", "n" * 101),
        ("labels", '["happy", "sad"]'),
        ("labels", "not JSON"),
        ("labels", json.dumps(["angry"] * 7)),
        ("labels", "5"),
        ("input_size", "0"),
        ("input_size", "64.5"),
        ("input_size", "true"),
        ("colour", "yuv"),
        ("layout", "NHWC"),
        ("scale", "0"),
        ("scale", "NaN"),
        ("mean", "[0, 0]"),
        ("mean", "[0, 0, NaN]"),
        ("std", "[1, 1, 0]"),
        ("std", "1"),
        ("crop_margin", "-2"),
        ("temperature", "0"),
        ("uncertain_below", "1.5"),
        ("parameters", "-1"),
        ("parameters", "true"),
        ("temperature", "true"),
        ("parameters", '"many"'),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(key: str, value: str) -> None:
    metadata = {**GOOD.to_metadata(), f"fer_edge.{key}": value}
    with pytest.raises(ModelMetadataError, match=f"x.onnx.*fer_edge.{key}"):
        ModelSpec.from_metadata(metadata, "x.onnx")
