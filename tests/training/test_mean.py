"""Runs that began alike can be made one network: the mean of their weights."""

from __future__ import annotations

import argparse
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
import torch

pytest.importorskip("onnx")

from fer_edge.classify.onnx import read_contract
from fer_edge.errors import CheckpointError, UsageError
from fer_edge.training.checkpoint import load_checkpoint, load_trained, save_checkpoint
from fer_edge.training.commands import COMMANDS
from fer_edge.training.data import FaceSet
from fer_edge.training.export import ExportOptions, export
from fer_edge.training.mean import mean_of
from fer_edge.training.origin import origin_of_mean
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.train import train

SETTINGS = TrainSettings(
    network="lenet",
    epochs=1,
    batch_size=28,
    threads=1,
    precision="fp32",
    device="cpu",
    learning_rate=1e-3,
    recipe="mine",
)


@pytest.fixture(scope="module")
def runs(small_set: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give two runs that began with a third one's weights."""
    folder: Path = tmp_path_factory.mktemp("runs")
    train(replace(SETTINGS, epochs=20), small_set, small_set, folder / "start")
    for seed in (1, 2):
        settings = replace(SETTINGS, seed=seed, start=str(folder / "start" / "best.pt"))
        train(settings, small_set, small_set, folder / str(seed))
    return [folder / str(seed) / "best.pt" for seed in (1, 2)]


def test_every_weight_is_the_mean_of_the_runs(runs: list[Path]) -> None:
    network = mean_of([load_trained(run) for run in runs])
    first, second = (load_checkpoint(path)["ema"] for path in runs)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, ((first[name].double() + second[name]) / 2).to(value.dtype))
    assert not network.training


def test_the_order_of_the_runs_changes_nothing_and_one_alone_is_itself(runs: list[Path]) -> None:
    face = torch.rand(3, 3, 64, 64)
    trained = [load_trained(run) for run in runs]
    with torch.inference_mode():
        torch.testing.assert_close(mean_of(trained)(face), mean_of(trained[::-1])(face))
    alone = mean_of(trained[:1]).state_dict()
    assert all(torch.equal(value, alone[name]) for name, value in load_checkpoint(runs[0])["ema"].items())


def test_the_file_of_a_mean_names_both_recipes_and_the_commit_once(
    runs: list[Path], small_set: FaceSet, tmp_path: Path
) -> None:
    result = export(runs[0], tmp_path / "mean.onnx", small_set, "stripes", ExportOptions(), runs[1:])
    assert len(result.apart) == 2
    facts = read_contract(tmp_path / "mean.onnx")[0].facts
    own = load_checkpoint(runs[0])["origin"]
    # Both runs are of "mine", which is no shipped recipe, and began with best.pt.
    assert facts["recipe"] == " and ".join([f"mean of {own['recipe']}", load_checkpoint(runs[1])["origin"]["recipe"]])
    assert facts.get("commit", "") == own.get("commit", "")
    assert json.loads(facts["accuracy"])["accuracy"] == pytest.approx(result.accuracy, abs=1e-4)


def test_a_mean_does_not_know_what_one_of_its_parts_does_not_know() -> None:
    told = {"recipe": "fernet_s", "commit": "0123456789ab"}
    assert origin_of_mean([told, {"recipe": "fernet_s (seed = 6)", "commit": "0123456789ab"}]) == {
        "recipe": "mean of fernet_s and fernet_s (seed = 6)",
        "commit": "0123456789ab",
    }
    assert origin_of_mean([told, {"commit": "ba9876543210"}]) == {"commit": "0123456789ab, ba9876543210"}
    assert origin_of_mean([{}, told]) == {}
    assert origin_of_mean([told]) == told
    assert len(origin_of_mean([{"recipe": "r" * 9_000}] * 30)["recipe"]) == 10_000


@pytest.mark.parametrize(("key", "value"), [("network", "mobilenet_v1"), ("colour", "rgb")])
def test_what_is_of_another_network_or_colour_has_no_mean_with_it(
    runs: list[Path], small_set: FaceSet, tmp_path: Path, key: str, value: str
) -> None:
    other = tmp_path / "best.pt"
    if key == "network":
        train(replace(SETTINGS, network=value), small_set, small_set, tmp_path)
    else:
        save_checkpoint(other, {**load_checkpoint(runs[1]), key: value})
    with pytest.raises(CheckpointError, match=value) as caught:
        export(runs[0], tmp_path / "mean.onnx", small_set, "stripes", ExportOptions(), [other])
    assert str(other) in str(caught.value)
    assert str(runs[0]) in str(caught.value)
    assert not (tmp_path / "mean.onnx").exists()


def test_the_command_tells_what_each_run_has_alone(
    runs: list[Path], small_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        mean = ["--mean", str(runs[1]), "--validation", str(small_file)]
        assert export_by_command(runs[0], tmp_path / "mean.onnx", *mean) == 0
    for run in runs:
        (alone,) = [message for message in caplog.messages if message.startswith(f"{run} alone: ")]
        assert alone.endswith(" %")


def test_a_mean_that_is_worse_than_one_of_its_parts_is_said_to_be(
    runs: list[Path], small_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # As good alone, and without a mean with the first.
    other = load_checkpoint(runs[0])
    save_checkpoint(tmp_path / "best.pt", {**other, "ema": turned_round(other["ema"])})
    mean = ["--mean", str(tmp_path / "best.pt")]
    assert export_by_command(runs[0], tmp_path / "mean.onnx", *mean, "--validation", str(small_file)) == 0
    assert "One of them alone is better than their mean" in caplog.text
    assert (tmp_path / "mean.onnx").is_file()


def test_a_run_does_not_count_double(runs: list[Path], small_file: Path, tmp_path: Path) -> None:
    (tmp_path / "link.pt").symlink_to(runs[0])
    mean = ["--mean", str(tmp_path / "link.pt"), "--validation", str(small_file)]
    with pytest.raises(UsageError, match="link.pt is given twice"):
        export_by_command(runs[0], tmp_path / "mean.onnx", *mean)


def _without_names(state: Dict[str, Any]) -> None:
    state["ema"] = [1, 2]


def _no_numbers(state: Dict[str, Any]) -> None:
    state["ema"] = {**state["ema"], "head.6.bias": torch.full((7,), float("nan"))}


def _of_another_kind(state: Dict[str, Any]) -> None:
    state["ema"] = {name: value.bool() for name, value in state["ema"].items()}


def _numbered(state: Dict[str, Any]) -> None:
    state["ema"] = dict(enumerate(state["ema"].values()))


def _of_no_colour(state: Dict[str, Any]) -> None:
    state["colour"] = "\x1b[2J" + "ultraviolet" * 99_999


@pytest.mark.parametrize("spoil", [_without_names, _no_numbers, _of_another_kind, _numbered, _of_no_colour])
def test_a_checkpoint_whose_weights_are_no_weights_is_named_before_the_set_is_read(
    runs: list[Path], tmp_path: Path, spoil: Callable[[Dict[str, Any]], None]
) -> None:
    state = load_checkpoint(runs[1])
    spoil(state)
    save_checkpoint(tmp_path / "other.pt", state)
    mean = ["--mean", str(tmp_path / "other.pt"), "--validation", str(tmp_path / "no.parquet")]
    with pytest.raises(CheckpointError, match=r"other\.pt") as caught:
        export_by_command(runs[0], tmp_path / "mean.onnx", *mean)
    assert str(caught.value).replace("\n", "").isprintable()
    assert len(str(caught.value)) < 1000


def test_damage_in_the_middle_of_a_checkpoint_is_noticed(runs: list[Path], tmp_path: Path) -> None:
    content = bytearray(runs[1].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(8) if any(content[middle : middle + 8]) else b"\1" * 8
    (tmp_path / "rotten.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"rotten\.pt is damaged"):
        load_trained(tmp_path / "rotten.pt")


def test_a_packed_checkpoint_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("best/data.pkl", bytes(1 << 20))
    with pytest.raises(CheckpointError, match=r"bomb\.pt is no checkpoint"):
        load_trained(tmp_path / "bomb.pt")


@pytest.mark.parametrize("name", ["missing.pt", "a" * 300 + ".pt", "folder", "pipe"])
def test_what_cannot_be_read_as_a_run_is_named(runs: list[Path], tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match=name[:20]):
        load_trained(tmp_path / name)


@pytest.mark.parametrize("also", [["--int8", "--calibration", "x"], ["--offset", "disgust=1"], ["--triton", "there"]])
def test_what_takes_a_finished_network_takes_no_mean(runs: list[Path], also: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        export_by_command(runs[0], tmp_path / "x.onnx", "--mean", str(runs[1]), "--validation", "no.parquet", *also)
    assert "Export the mean in FP32 first" in caught.value.remedy


@pytest.mark.parametrize("also", [["--int8", "--calibration", "x"], ["--offset", "disgust=1"]])
def test_what_takes_a_finished_network_says_that_a_checkpoint_is_none(
    runs: list[Path], also: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="is a checkpoint") as caught:
        export_by_command(runs[0], tmp_path / "x.onnx", "--validation", "no.parquet", *also)
    assert "Export it first" in caught.value.remedy


def export_by_command(checkpoint: Path, output: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    COMMANDS["export"].add_arguments(parser)
    return COMMANDS["export"].run(parser.parse_args([str(checkpoint), str(output), *words]))


def turned_round(weights: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
    """Give LeNet's weights with the units of two layers turned round: the same answers from other places."""
    turned = {name: value.clone() for name, value in weights.items()}
    for layer, after in (("head.1", "head.3"), ("head.3", "head.6")):
        turned[f"{layer}.weight"] = turned[f"{layer}.weight"].flip(0)
        turned[f"{layer}.bias"] = turned[f"{layer}.bias"].flip(0)
        turned[f"{after}.weight"] = turned[f"{after}.weight"].flip(1)
    return turned
