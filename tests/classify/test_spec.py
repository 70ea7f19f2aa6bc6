from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.classify import spec
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import ModelMetadataError
from fer_edge.inference.model_files import find_model
from fer_edge.types import LABELS

CARD = Path(__file__).parents[2] / "models/MODEL_CARD.md"
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
    assert "models/MODEL_CARD.md" in caught.value.remedy


def in_the_card() -> Dict[str, List[str]]:
    """Give the rows of the model card's table of keys, by key."""
    rows = re.findall(r"^\| `fer_edge\.(\w+)` \| (.*) \|$", CARD.read_text(encoding="utf-8"), re.MULTILINE)
    found = {key: rest.split(" | ") for key, rest in rows}
    assert len(found) == len(rows)
    return found


def test_the_model_card_explains_exactly_the_keys_that_are_read_and_tells_the_needed_from_the_others() -> None:
    table = in_the_card()
    assert [key for key, row in table.items() if row[0] == "yes"] == list(spec._REQUIRED)
    assert [key for key, row in table.items() if row[0] == "no"] == list(spec._OPTIONAL)


BOUNDED = [key for key in {**spec._REQUIRED, **spec._OPTIONAL} if re.search("number", in_the_card()[key][2])]


@pytest.mark.parametrize("key", BOUNDED)
def test_the_ranges_and_defaults_of_the_model_card_are_those_of_the_reader(key: str) -> None:
    value = in_the_card()[key][2]
    bounds = re.search(r"(-?[\d.e-]+) to (-?[\d.e-]*\d)", value)
    assert bounds is not None
    whole, three = "whole" in value, "list" in value
    low, high = float(bounds.group(1)), float(bounds.group(2))
    written = {"below": low - abs(low) / 1000 - 1e-12, "low": low, "high": high, "above": high * 1.001}
    metadata = GOOD.to_metadata()
    for where, number in written.items():
        item = {"below": int(low) - 1, "above": int(high) + 1}.get(where, int(number)) if whole else number
        metadata[f"fer_edge.{key}"] = json.dumps([item] * 3 if three else item)
        if where in ("low", "high"):
            ModelSpec.from_metadata(metadata, "x")
        else:
            with pytest.raises(ModelMetadataError):
                ModelSpec.from_metadata(metadata, "x")
    default = re.search(r"; ([\d.]+) (\(unknown\) )?without", value)
    assert (default is not None) is (key in spec._OPTIONAL)
    if default is not None:
        assert getattr(ModelSpec(name="x"), key) == float(default.group(1))


def test_the_program_in_the_model_card_makes_a_network_of_ones_own_one_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    foreign = onnx.load(find_model("fernet"))
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "mine.onnx")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelMetadataError):
        OnnxClassifier("mine.onnx")
    (program,) = re.findall(r"^```python\n(.*?)^```", CARD.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(program, {})
    with closing(OnnxClassifier("mine-for-fer-edge.onnx")) as classifier:
        assert (classifier.spec.name, classifier.spec.crop_margin) == ("Mine", 2.7)


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
