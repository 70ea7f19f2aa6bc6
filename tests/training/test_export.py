"""An exported file runs by itself, says what it is, and computes what PyTorch does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from fer_edge.classify.onnx import OnnxClassifier  # noqa: E402
from fer_edge.errors import CheckpointError, DataSetError, OutputNotWritable  # noqa: E402
from fer_edge.training.data import FaceSet  # noqa: E402
from fer_edge.training.evaluate import evaluate  # noqa: E402
from fer_edge.training.export import ExportOptions, export  # noqa: E402
from fer_edge.training.recipe import TrainSettings  # noqa: E402
from fer_edge.training.train import train  # noqa: E402
from fer_edge.types import LABELS  # noqa: E402

SETTINGS = TrainSettings(epochs=2, batch_size=28, threads=1, precision="fp32", device="cpu", learning_rate=1e-3)


@pytest.fixture(scope="module")
def checkpoint(small_set: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("run")
    train(SETTINGS, small_set, small_set, folder)
    return folder / "best.pt"


@pytest.fixture(scope="module")
def model(checkpoint: Path, small_set: FaceSet) -> Path:
    path = checkpoint.parent / "model.onnx"
    options = ExportOptions(name="little", crop_margin=2.2, crop_centre=0.5, uncertain_below=0.6)
    result = export(checkpoint, path, small_set, "stripes", options)
    assert result.largest_difference < 1e-3
    return path


def test_the_file_is_for_old_runtimes_and_small(model: Path) -> None:
    graph = onnx.load(model)
    assert graph.ir_version == 7
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 13)]
    assert {node.op_type for node in graph.graph.node} <= {
        "Conv",
        "Relu",
        "MaxPool",
        "Flatten",
        "Gemm",
        "BatchNormalization",
    }
    assert sum(node.op_type == "BatchNormalization" for node in graph.graph.node) == 1


def test_the_program_reads_back_what_the_file_says(model: Path) -> None:
    classifier = OnnxClassifier(model)
    spec = classifier.spec
    classifier.close()
    assert (spec.name, spec.labels, spec.crop_margin, spec.crop_centre) == ("little", LABELS, 2.2, 0.5)
    assert (spec.parameters, spec.uncertain_below) == (2_893_395, 0.6)
    assert spec.macs == 155_058_624
    accuracy = json.loads(spec.facts["accuracy"])
    assert accuracy["data"] == "stripes"
    assert accuracy["faces"] == 56
    assert "rights" in spec.facts["licence"]


def test_the_program_gets_the_accuracy_that_the_file_says(model: Path, small_set: FaceSet) -> None:
    classifier = OnnxClassifier(model)
    result = evaluate(classifier, small_set, "stripes")
    said = json.loads(classifier.spec.facts["accuracy"])
    classifier.close()
    assert result.accuracy == pytest.approx(said["accuracy"], abs=2 / 56)


def test_a_checkpoint_of_another_network_is_refused(checkpoint: Path, small_set: FaceSet, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    torch.save({"ema": torch.nn.Linear(2, 2).state_dict()}, other)
    with pytest.raises(CheckpointError, match="another network"):
        export(other, tmp_path / "x.onnx", small_set, "stripes", ExportOptions())
    assert not (tmp_path / "x.onnx").exists()


def test_a_failed_export_leaves_the_old_file(checkpoint: Path, small_set: FaceSet, tmp_path: Path) -> None:
    output = tmp_path / "model.onnx"
    output.write_bytes(b"old")
    unlabelled = replace(small_set, votes=np.zeros_like(small_set.votes))
    with pytest.raises(DataSetError, match="majority"):
        export(checkpoint, output, unlabelled, "nothing", ExportOptions())
    assert output.read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_named(checkpoint: Path, small_set: FaceSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputNotWritable, match="model"):
        export(checkpoint, tmp_path / "file" / "model.onnx", small_set, "stripes", ExportOptions())
