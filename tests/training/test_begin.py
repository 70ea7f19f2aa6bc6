"""A run can begin with an exported file: the same answers at first, and weights that learn."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.errors import CheckpointError, ModelCorrupt, ModelNotFound
from fer_edge.inference.model_files import find_model
from fer_edge.training.augment import to_network_size
from fer_edge.training.begin import begin, begin_with_file, check_begin
from fer_edge.training.data import FaceSet
from fer_edge.training.export import to_onnx
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.train import train
from fer_edge.zoo.catalogue import build_network

pytest.importorskip("onnxruntime")


def settings(network: str, start: str) -> TrainSettings:
    return TrainSettings(network=network, start=start)


@pytest.mark.parametrize("name", ["fernet_r", "fernet"])
def test_a_network_begun_with_a_shipped_file_answers_as_the_file_does(name: str, small_set: FaceSet) -> None:
    network = build_network(name)
    begin(network, settings(name, name), small_set.images)
    images = to_network_size(torch.from_numpy(small_set.images), 64)
    with torch.inference_mode():
        logits = network.eval()(images)
    classifier = OnnxClassifier(find_model(name))
    crops = np.ascontiguousarray((images.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy())
    answers = np.stack([each.probabilities for each in classifier.classify(crops)])
    mine = torch.softmax(logits / classifier.spec.temperature, 1).numpy()
    classifier.close()
    # The classifier's pixels are rounded to eight bits.
    assert np.abs(mine - answers).max() < 0.02


def test_its_norms_have_the_statistics_of_the_faces_so_that_learning_goes_on_where_it_was(small_set: FaceSet) -> None:
    network = build_network("fernet_r")
    begin(network, settings("fernet_r", "fernet_r"), small_set.images)
    images = to_network_size(torch.from_numpy(small_set.images), 64)
    with torch.inference_mode():
        evaluated = network.eval()(images)
        # In a batch of these very faces a norm finds the mean and the variance that it has.
        trained = network.train()(images)
    assert (evaluated - trained).abs().max() < 0.1 * evaluated.abs().max()


def test_an_exported_network_comes_back_the_same(small_set: FaceSet, tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = build_network("resnet18")
    images = to_network_size(torch.from_numpy(small_set.images[:16]), 64)
    network.train()(images)
    onnx.save(to_onnx(network), tmp_path / "mine.onnx")
    again = build_network("resnet18")
    begin(again, settings("resnet18", str(tmp_path / "mine.onnx")), small_set.images)
    with torch.inference_mode():
        assert torch.allclose(network.eval()(images), again.eval()(images), atol=1e-4)


def test_fernet_s_begins_as_fernet_r_whose_second_blocks_add_nothing(small_set: FaceSet) -> None:
    short, whole = build_network("fernet_s"), build_network("fernet_r")
    begin(short, settings("fernet_s", "fernet_r"), small_set.images)
    begin(whole, settings("fernet_r", "fernet_r"), small_set.images)
    blocks = [module for module in whole.features if hasattr(module, "body")]
    for second in blocks[1::2]:
        # What comes in is never negative, so that a block whose own part is 0 gives it on as it is.
        nn.init.zeros_(second.body[-1].weight)
        nn.init.zeros_(second.body[-1].bias)
    images = to_network_size(torch.from_numpy(small_set.images), 64)
    with torch.inference_mode():
        assert torch.allclose(short.eval()(images), whole.eval()(images), atol=1e-4)


def test_fernet_s_goes_on_from_a_file_of_its_own(small_set: FaceSet, tmp_path: Path) -> None:
    network, again = build_network("fernet_s"), build_network("fernet_s")
    images = to_network_size(torch.from_numpy(small_set.images[:16]), 64)
    network.train()(images)
    onnx.save(to_onnx(network), tmp_path / "short.onnx")
    begin(again, settings("fernet_s", str(tmp_path / "short.onnx")), small_set.images)
    with torch.inference_mode():
        assert torch.allclose(network.eval()(images), again.eval()(images), atol=1e-4)


def test_fernet_s_does_not_begin_with_a_network_of_another_construction() -> None:
    with pytest.raises(CheckpointError, match="another network"):
        check_begin(settings("fernet_s", "fernet"))


def test_another_network_and_one_in_int8_are_refused_before_anything_long() -> None:
    with pytest.raises(CheckpointError, match="another network"):
        check_begin(settings("fernet", "fernet_r"))
    with pytest.raises(CheckpointError, match="INT8"):
        check_begin(settings("fernet_r", str(find_model("fernet_r").with_name("fernet_r.int8.onnx"))))


def test_a_file_of_the_same_layers_in_other_sizes_is_refused(small_set: FaceSet, tmp_path: Path) -> None:
    pixels = 3 * 64 * 64
    onnx.save(to_onnx(nn.Sequential(nn.Flatten(), nn.Linear(pixels, 5))), tmp_path / "five.onnx")
    network = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 7))
    with pytest.raises(CheckpointError, match="another network"):
        begin_with_file(network, str(tmp_path / "five.onnx"), small_set.images)


def test_a_start_that_is_not_there_or_is_no_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="nobody"):
        check_begin(settings("fernet_r", "nobody"))
    with pytest.raises(CheckpointError, match=r"missing\.pt"):
        check_begin(settings("fernet_r", str(tmp_path / "missing.pt")))
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x07no network at all")
    with pytest.raises(ModelCorrupt, match=r"broken\.onnx"):
        check_begin(settings("fernet_r", str(tmp_path / "broken.onnx")))
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ModelNotFound, match=r"pipe\.onnx"):
        check_begin(settings("fernet_r", str(tmp_path / "pipe.onnx")))
    for name in ("a" * 300, "a" * 300 + ".onnx", "a" * 300 + ".pt"):
        with pytest.raises((CheckpointError, ModelNotFound), match="aaa"):
            check_begin(settings("fernet_r", str(tmp_path / name)))
    check_begin(settings("fernet_r", ""))


def test_a_wrong_start_is_told_before_the_teachers_are_asked(small_set: FaceSet, tmp_path: Path) -> None:
    wrong = TrainSettings(network="fernet_r", start="nobody", distill=0.5, teacher="somebody", device="cpu")
    with pytest.raises(ModelNotFound, match="nobody"):
        train(wrong, small_set, small_set, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_beginning_is_not_needed_to_go_on(small_set: FaceSet, tmp_path: Path) -> None:
    quick = TrainSettings(network="lenet", epochs=1, batch_size=28, threads=1, precision="fp32", device="cpu")
    train(quick, small_set, small_set, tmp_path / "start")
    start = tmp_path / "start" / "best.pt"
    second = replace(quick, start=str(start))
    train(second, small_set, small_set, tmp_path / "run")
    start.unlink()
    assert train(second, small_set, small_set, tmp_path / "run").epoch == 1
