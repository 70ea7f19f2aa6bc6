"""Training learns, survives a crash, and refuses what does not fit."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from waiting import wait_until

from fer_edge.errors import CheckpointError, DataSetError, UsageError
from fer_edge.training.checkpoint import load_checkpoint, save_checkpoint
from fer_edge.training.data import FaceSet
from fer_edge.training.module import EpochResult
from fer_edge.training.recipe import Augmentation, TrainSettings
from fer_edge.training.train import train

QUICK = TrainSettings(epochs=3, batch_size=28, threads=1, precision="fp32", device="cpu", learning_rate=1e-3)


def losses(folder: Path) -> list[float]:
    with (folder / "log.csv").open() as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


def test_the_loss_falls_and_the_network_learns_the_patterns(small_set: FaceSet, tmp_path: Path) -> None:
    mild = Augmentation(rotation=2, shift=0.02, erase=0)
    settings = replace(QUICK, epochs=10, batch_size=14, augmentation=mild, dropout=0.0)
    best = train(settings, small_set, small_set, tmp_path)
    fell = losses(tmp_path)
    assert fell[-1] < 0.7 * fell[0]
    assert best.accuracy > 0.5


def test_a_run_cut_off_in_the_middle_of_an_epoch_ends_as_an_unbroken_one(small_set: FaceSet, tmp_path: Path) -> None:
    train(QUICK, small_set, small_set, tmp_path / "unbroken")

    class PowerCut(BaseException):
        pass

    steps = 0

    def cut(_step: int, _steps: int) -> None:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise PowerCut

    with pytest.raises(PowerCut):
        train(QUICK, small_set, small_set, tmp_path / "broken", on_step=cut)
    assert load_checkpoint(tmp_path / "broken" / "last.pt")["finished_epochs"] == 1

    epochs: list[int] = []
    train(QUICK, small_set, small_set, tmp_path / "broken", on_epoch=lambda result: epochs.append(result.epoch))
    assert epochs == [2, 3]
    unbroken, broken = (load_checkpoint(tmp_path / name / "last.pt") for name in ("unbroken", "broken"))
    for name, value in unbroken["ema"].items():
        assert torch.equal(value, broken["ema"][name]), name
    assert losses(tmp_path / "unbroken") == losses(tmp_path / "broken")


def test_a_run_of_a_version_with_fewer_settings_goes_on(small_set: FaceSet, tmp_path: Path) -> None:
    lenet = replace(QUICK, network="lenet", epochs=1)
    train(lenet, small_set, small_set, tmp_path)
    state = load_checkpoint(tmp_path / "last.pt")
    del state["settings"]["start"], state["settings"]["augmentation"]["detector_cut"]
    save_checkpoint(tmp_path / "last.pt", state)
    train(lenet, small_set, small_set, tmp_path)
    with pytest.raises(CheckpointError, match="augmentation"):
        train(replace(lenet, augmentation=Augmentation(detector_cut=0.5)), small_set, small_set, tmp_path)


def test_the_rate_falls_on_a_plateau_and_the_count_outlives_a_break(small_set: FaceSet, tmp_path: Path) -> None:
    # So slow that no epoch is better than the one before.
    settings = replace(QUICK, network="lenet", epochs=4, schedule="plateau", patience=0, learning_rate=3e-8)

    class PowerCut(BaseException):
        pass

    def cut(result: EpochResult) -> None:
        if result.epoch == 2:
            raise PowerCut

    def rates(folder: Path) -> list[str]:
        with (folder / "log.csv").open() as file:
            return [row["learning_rate"] for row in csv.DictReader(file)]

    train(settings, small_set, small_set, tmp_path / "unbroken")
    with pytest.raises(PowerCut):
        train(settings, small_set, small_set, tmp_path / "broken", on_epoch=cut)
    train(settings, small_set, small_set, tmp_path / "broken")
    assert rates(tmp_path / "unbroken") == rates(tmp_path / "broken")
    assert float(rates(tmp_path / "broken")[-1]) < 3e-8


def test_a_run_can_begin_with_the_weights_of_another(small_set: FaceSet, tmp_path: Path) -> None:
    lenet = replace(QUICK, network="lenet")
    train(lenet, small_set, small_set, tmp_path / "first")
    start = tmp_path / "first" / "best.pt"
    still = replace(lenet, epochs=1, learning_rate=0.0, dropout=0.0, start=str(start))
    train(still, small_set, small_set, tmp_path / "second")
    before, after = load_checkpoint(start)["ema"], load_checkpoint(tmp_path / "second" / "best.pt")["ema"]
    for name, value in before.items():
        assert torch.equal(value, after[name]), name
    with pytest.raises(CheckpointError, match="of the network lenet"):
        train(replace(QUICK, start=str(start)), small_set, small_set, tmp_path / "third")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_on_pictures_as_webcams_give_them_is_the_same_when_it_was_cut_off(
    precision: str, small_set: FaceSet, tmp_path: Path
) -> None:
    shares = dict.fromkeys(
        ("flat", "blur", "grain", "coarse", "cover", "roll", "turn", "mixup", "jpeg", "low_light"), 0.6
    )
    webcam = Augmentation(calm=0.2, **shares)
    settings = replace(QUICK, network="lenet", epochs=2, precision=precision, augmentation=webcam)
    train(settings, small_set, small_set, tmp_path / "unbroken")

    class PowerCut(BaseException):
        pass

    def cut(_result: EpochResult) -> None:
        raise PowerCut

    with pytest.raises(PowerCut):
        train(settings, small_set, small_set, tmp_path / "broken", on_epoch=cut)
    train(settings, small_set, small_set, tmp_path / "broken")
    assert losses(tmp_path / "broken") == losses(tmp_path / "unbroken")


@pytest.mark.slow
def test_a_killed_process_loses_at_most_an_epoch(small_file: Path, tmp_path: Path) -> None:
    program = "import sys; from fer_edge.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "train", "--data", str(small_file), "--validation", str(small_file)]
    command += [
        "--run",
        str(tmp_path),
        "--epochs",
        "400",
        "--batch-size",
        "28",
        "--precision",
        "fp32",
        "--threads",
        "1",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        log = tmp_path / "log.csv"

        def look() -> bool:
            assert process.poll() is None, "training ended by itself"
            return log.exists() and len(log.read_text().splitlines()) > 2

        wait_until(look, "an epoch that is finished", seconds=120)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    logged = len(losses(tmp_path))
    assert load_checkpoint(tmp_path / "last.pt")["finished_epochs"] in (logged, logged + 1)
    assert load_checkpoint(tmp_path / "best.pt")["finished_epochs"] >= 1


def test_the_best_epoch_is_what_best_holds(small_set: FaceSet, tmp_path: Path) -> None:
    results: list[EpochResult] = []
    best = train(QUICK, small_set, small_set, tmp_path, on_epoch=results.append)
    assert best.accuracy == max(result.accuracy for result in results)
    assert load_checkpoint(tmp_path / "best.pt")["finished_epochs"] == best.epoch
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_folder_of_another_run_is_refused(small_set: FaceSet, tmp_path: Path) -> None:
    once = replace(QUICK, epochs=1)
    train(once, small_set, small_set, tmp_path)
    with pytest.raises(CheckpointError, match="seed differ"):
        train(replace(once, seed=2), small_set, small_set, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x3e" * 50, b"\x80\x02}q\x00.", b"\xff" * 100])
def test_a_damaged_checkpoint_is_refused_by_name(small_set: FaceSet, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"last\.pt"):
        train(QUICK, small_set, small_set, tmp_path)


def test_settings_and_data_that_do_not_fit_are_refused(small_set: FaceSet, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="optimizer"):
        train(replace(QUICK, optimizer="none"), small_set, small_set, tmp_path)
    with pytest.raises(DataSetError, match="batch"):
        train(replace(QUICK, batch_size=57), small_set, small_set, tmp_path)
