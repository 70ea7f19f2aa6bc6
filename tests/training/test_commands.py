"""The verbs train, export and evaluate work one after the other, from the command line."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer_edge.errors import DiskFull, OutputNotWritable, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.training.checkpoint import load_checkpoint
from fer_edge.training.commands import COMMANDS
from fer_edge.training.data import FaceSet
from fer_edge.training.module import EpochResult
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.train import train
from fer_edge.types import LABELS


def run(verb: str, *words: str) -> int:
    parser = argparse.ArgumentParser()
    COMMANDS[verb].add_arguments(parser)
    return COMMANDS[verb].run(parser.parse_args(words))


def test_train_export_and_evaluate_follow_each_other(
    small_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    data = str(small_file)
    quick = ["--epochs", "1", "--batch-size", "28", "--threads", "1", "--precision", "fp32", "--device", "cpu"]
    assert run("train", "--data", data, "--validation", data, "--run", str(tmp_path / "run"), *quick) == 0
    model = str(tmp_path / "model.onnx")
    assert run("export", str(tmp_path / "run" / "best.pt"), model, "--validation", data, "--name", "tiny") == 0
    again = ["--validation", data, "--name", "tiny"]
    assert run("export", str(tmp_path / "run" / "best.pt"), model, *again) == 0, "what it wrote itself, it replaces"
    for _ in range(2):
        assert run("evaluate", model, "--data", data, "--report", str(tmp_path / "figures"), "--stress") == 0
    assert "# tiny on small.parquet" in capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["faces"], figures["stress"]["faces"]) == (56, 56)
    parser = argparse.ArgumentParser()
    COMMANDS["evaluate"].add_arguments(parser)
    said = "".join(parser.format_help().split())
    written = [path.name for path in tmp_path.glob("figures*")]
    assert len(written) == 6
    assert [name for name in written if name.replace("figures", "PATH") not in said] == []


TAKEN = {
    "train": ("run", ["best.pt", "log.csv", "settings.json", "curves.png"]),
    "export": ("model.onnx", [""]),
    "evaluate": ("figures", [".json", ".md", "-confusion.png", "-coverage.png", "-reliability.png", "-stress.png"]),
}
STRANGERS = {
    ".pt": b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + bytes(100),
    ".csv": b"epoch,loss\n1,2.5\n",
    ".json": b'{\n  "model": "a car",\n  "data": 3\n}\n',
    ".png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\0\0\0\x10tEXtSoftware\0a camera",
    ".md": b"# My diary\n\nNobody shall read it.\n",
    ".onnx": b"\x08\x07\x12\x07pytorch\x1a\x032.1",
}


@pytest.mark.parametrize(("verb", "name"), [(verb, name) for verb, (_, names) in TAKEN.items() for name in names])
def test_a_strangers_file_is_told_before_the_work_begins_and_stays(verb: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    target = tmp_path / TAKEN[verb][0]
    file = target / name if verb == "train" else target.with_name(target.name + name)
    content = STRANGERS[file.suffix]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    missing = str(tmp_path / "no-such-set.parquet")
    words = {
        "train": ["--data", missing, "--validation", missing, "--run", str(target)],
        "export": [str(tmp_path / "no-such.pt"), str(target), "--validation", missing],
        "evaluate": ["fernet", "--data", missing, "--report", str(target), "--stress"],
    }
    with pytest.raises(OutputNotWritable, match=f"{file.name} exists already, and is none that fer-edge wrote"):
        run(verb, *words[verb])
    assert file.read_bytes() == content


def test_fer2013_is_measured_on_its_public_test_unless_a_part_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    data = str(tmp_path / "fer2013.csv")
    usages = ["Training"] * 21 + ["PublicTest"] * 14 + ["PrivateTest"] * 7
    with Path(data).open("w", newline="") as file:
        pixels = " ".join(["90"] * 48 * 48)
        rows = [[index % 7, pixels, usage] for index, usage in enumerate(usages)]
        csv.writer(file).writerows([["emotion", "pixels", "Usage"], *rows])
    assert run("evaluate", "fernet", "--data", data) == 0
    page = capsys.readouterr().out
    assert "# FerNet on fer2013.csv, validation part" in page
    assert "14 faces have one" in page
    assert run("evaluate", "fernet", "--data", data, "--part", "test") == 0
    assert "7 faces have one" in capsys.readouterr().out

    quick = ["--network", "lenet", "--epochs", "1", "--batch-size", "7", "--threads", "1", "--device", "cpu"]
    assert run("train", "--data", data, "--run", str(tmp_path / "run"), *quick) == 0
    model = tmp_path / "model.onnx"
    assert run("export", str(tmp_path / "run" / "best.pt"), str(model), "--validation", data) == 0
    metadata = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    measured = json.loads(metadata["fer_edge.accuracy"])
    assert (measured["data"], measured["faces"]) == ("fer2013.csv, validation part", 14)


def test_faces_are_not_cut_by_two_detectors(small_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "faces" / "anger").mkdir(parents=True)
    (tmp_path / "KDEF").mkdir()
    (tmp_path / "KDEF" / "AF01ANS.JPG").touch()
    both = ["--detector", "blazeface", "--data-detector", "yunet"]
    with pytest.raises(UsageError, match=r"cut by yunet .*\(--data-detector\); --detector blazeface would"):
        run("evaluate", "fernet", "--data", str(tmp_path / "faces"), *both)
    with pytest.raises(UsageError, match=r"cut by blazeface .*\(--data-detector\); --detector yunet would"):
        run("evaluate", "fernet", "--data", str(tmp_path / "KDEF"), "--detector", "yunet")
    with pytest.raises(UsageError, match="Leave --data-detector out"):
        run("evaluate", "fernet", "--data", str(small_file), *both)


def test_a_disk_that_fills_up_leaves_the_last_checkpoint_to_go_on_from(small_set: FaceSet, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    settings = TrainSettings(network="lenet", epochs=2, batch_size=28, threads=1, precision="fp32", device="cpu")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    best, last = tmp_path / "best.pt", tmp_path / "last.pt"

    def fill(_: EpochResult) -> None:
        # The weights alone fit still, and what is needed to go on does not.
        assert best.stat().st_size < 4_000_000 < last.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, limits[1]))

    try:
        with pytest.raises(DiskFull, match=r"last\.pt was not written") as raised:
            train(settings, small_set, small_set, tmp_path, on_epoch=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert raised.value.exit_code == 31
    assert load_checkpoint(last)["finished_epochs"] == 1
    assert load_checkpoint(best)["finished_epochs"] >= 1
    assert list(tmp_path.glob(".*.tmp")) == []
    epochs: list[int] = []
    train(settings, small_set, small_set, tmp_path, on_epoch=lambda result: epochs.append(result.epoch))
    assert epochs == [2]


def test_faces_are_evaluated_in_the_colour_that_the_model_sees(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    onnx = pytest.importorskip("onnx")
    for number, label in enumerate(LABELS):
        (tmp_path / "faces" / label).mkdir(parents=True)
        Image.new("RGB", (64, 64), (36 * number, 90, 255 - 36 * number)).save(tmp_path / "faces" / label / "one.png")
    model = onnx.load(find_model("fernet"))
    next(entry for entry in model.metadata_props if entry.key == "fer_edge.colour").value = "rgb"
    onnx.save(model, tmp_path / "rgb.onnx")

    def figures(model: str, *words: str) -> dict[str, Any]:
        assert run("evaluate", model, "--data", str(tmp_path / "faces"), "--report", str(tmp_path / "r"), *words) == 0
        told: dict[str, Any] = json.loads((tmp_path / "r.json").read_text())
        return told

    seen = figures(str(tmp_path / "rgb.onnx"))
    assert seen == figures(str(tmp_path / "rgb.onnx"), "--colour", "rgb")
    assert seen != figures(str(tmp_path / "rgb.onnx"), "--colour", "gray")
    assert figures("fernet") == figures("fernet", "--colour", "gray")


def test_a_network_trained_in_colour_is_exported_and_measured_in_colour(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    onnx = pytest.importorskip("onnx")
    random = np.random.default_rng(0)
    for label in LABELS:
        (tmp_path / "faces" / label).mkdir(parents=True)
        # More red and less green make the same grey.
        red = 36 * LABELS.index(label)
        for number in range(8):
            noise = random.integers(0, 20, (64, 64, 3))
            picture = (noise + (red, (0.299 * 234 - 0.299 * red) / 0.587 + 60, 80)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "faces" / label / f"{number}.png")
    data, folder, model = str(tmp_path / "faces"), tmp_path / "run", str(tmp_path / "model.onnx")
    quick = ["--network", "lenet", "--epochs", "6", "--batch-size", "14", "--threads", "1", "--device", "cpu"]
    assert run("train", "--data", data, "--colour", "rgb", "--validation", data, "--run", str(folder), *quick) == 0
    with (folder / "log.csv").open() as file:
        trained = max(float(row["accuracy"]) for row in csv.DictReader(file))
    assert trained > 0.25, "more than by chance"
    assert run("export", str(folder / "best.pt"), model, "--validation", data) == 0
    metadata = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    assert metadata["fer_edge.colour"] == "rgb"
    capsys.readouterr()
    assert run("evaluate", model, "--data", data, "--report", str(tmp_path / "r")) == 0
    assert json.loads((tmp_path / "r.json").read_text())["accuracy"] == pytest.approx(trained, abs=0.02)


@pytest.mark.parametrize("words", [["--epochs", "0"], ["--dropout", "2"], ["--optimizer", "magic"]])
def test_a_value_that_makes_no_sense_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("train", "--data", "a", "--validation", "b", *words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_reading_the_arguments_loads_no_heavy_library() -> None:
    program = (
        "import sys, fer_edge.training.commands; print([n for n in ('torch', 'onnx', 'pyarrow') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
