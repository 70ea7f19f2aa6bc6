"""Runs that began alike can be made one network: the mean of their weights."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Dict

import pytest
import torch

pytest.importorskip("onnx")

from fer_edge.classify.onnx import read_contract
from fer_edge.errors import CheckpointError, UsageError
from fer_edge.training.checkpoint import load_checkpoint, save_checkpoint
from fer_edge.training.commands import COMMANDS
from fer_edge.training.data import FaceSet
from fer_edge.training.export import ExportOptions, export
from fer_edge.training.mean import load_mean
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
    _, network = load_mean(runs)
    first, second = (load_checkpoint(path)["ema"] for path in runs)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, ((first[name].double() + second[name]) / 2).to(value.dtype))
    assert not network.training


def test_the_order_of_the_runs_changes_nothing_and_one_alone_is_itself(runs: list[Path]) -> None:
    face = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(load_mean(runs)[1](face), load_mean(runs[::-1])[1](face))
    alone = load_mean(runs[:1])[1].state_dict()
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
    told = {"origin": {"recipe": "fernet_s", "commit": "0123456789ab"}}
    assert origin_of_mean([told, {"origin": {"recipe": "fernet_s (seed = 6)", "commit": "0123456789ab"}}]) == {
        "recipe": "mean of fernet_s and fernet_s (seed = 6)",
        "commit": "0123456789ab",
    }
    assert origin_of_mean([told, {"origin": {"commit": "ba9876543210"}}]) == {"commit": "0123456789ab, ba9876543210"}
    assert origin_of_mean([{}, told]) == {}
    assert origin_of_mean([told]) == told["origin"]


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
    mean = ["--mean", str(runs[1]), "--mean", str(runs[0])]
    with caplog.at_level("INFO"):
        assert export_by_command(runs[0], tmp_path / "mean.onnx", *mean, "--validation", str(small_file)) == 0
    (alone,) = [message for message in caplog.messages if "alone they have" in message]
    assert alone.count("%") == 3
    assert "worse" not in caplog.text


def test_a_mean_that_is_worse_than_each_of_its_parts_is_said_to_be(
    runs: list[Path], small_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # As good alone, and without a mean with the first.
    other = load_checkpoint(runs[0])
    save_checkpoint(tmp_path / "best.pt", {**other, "ema": turned_round(other["ema"])})
    mean = ["--mean", str(tmp_path / "best.pt")]
    assert export_by_command(runs[0], tmp_path / "mean.onnx", *mean, "--validation", str(small_file)) == 0
    assert "worse than each of them" in caplog.text


@pytest.mark.parametrize("also", [["--int8", "--calibration", "x"], ["--offset", "disgust=1"], ["--triton", "there"]])
def test_what_takes_a_finished_network_takes_no_mean(runs: list[Path], also: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        export_by_command(runs[0], tmp_path / "x.onnx", "--mean", str(runs[1]), "--validation", "no.parquet", *also)
    assert "Export the mean in FP32 first" in caught.value.remedy


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
