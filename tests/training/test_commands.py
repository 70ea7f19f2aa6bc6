"""The verbs train, export and evaluate work one after the other, from the command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fer_edge.training.commands import COMMANDS


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
    assert run("evaluate", model, "--data", data, "--report", str(tmp_path / "figures")) == 0
    assert "# tiny on small.parquet" in capsys.readouterr().out
    assert json.loads((tmp_path / "figures.json").read_text())["faces"] == 56


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
