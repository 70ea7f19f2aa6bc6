"""The scripts that make docs/table1.md tell what was measured from what was not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from fer_edge.classify.onnx import OnnxClassifier

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def benchmark(folder: Path, name: str, **rates: float) -> Path:
    results = [
        {
            "model": model,
            "threads": 1,
            "faces_per_frame": 1.0,
            "fps": dict.fromkeys(("total", "classification", "detection"), rate),
        }
        for model, rate in rates.items()
    ]
    machine = {"cpu": "a processor", "cores": 2, "python": "3.11", "onnxruntime": "1.32"}
    protocol = {"source": "demo", "size": "640x480", "detector": "blazeface", "duration_s": 10.0}
    path = folder / name
    path.write_text(json.dumps({"environment": machine, "protocol": protocol, "results": results}))
    return path


@pytest.fixture
def evaluations(tmp_path: Path) -> Path:
    folder = tmp_path / "rows"
    folder.mkdir()
    figures: dict[str, Any] = {"data": "val.parquet", "faces": 3328, "rule": "FER+ majority label: the single maximum"}
    figures.update(accuracy=0.625, macro_f1=0.4, nll_uncalibrated=1.05)
    (folder / "lenet.json").write_text(json.dumps(figures))
    return folder


def test_a_row_has_the_papers_figures_beside_ours_and_the_median_of_the_runs(evaluations: Path, tmp_path: Path) -> None:
    speeds = [benchmark(tmp_path, f"{rate}.json", lenet=rate, vgg19=rate / 10) for rate in (900, 100, 200)]
    page = tmp_path / "page.md"
    done = run("make_table1.py", evaluations, *speeds, "--output", page, "--training", "On an abacus.")
    assert done.returncode == 0, done.stderr
    lines = [line for line in page.read_text().splitlines() if line.count(" | ") == 9]
    rows = {line.split(" | ")[1]: line for line in lines}
    assert "| 528,311 / 505,271 | 5 | 75.17 / 62.50 | 0.400 | 0.973 / 1.050 | 4.95 / 200 |" in rows["LeNet"]
    assert "| 93.54 / - | - | 0.364 / - | 2.32 / 20.0 |" in rows["VGG 19"]
    assert "| 97.32 / - | - | 0.133 / - | 15 / - | 18 / - | 78 / - |" in rows["FerNet"]
    text = page.read_text()
    assert "- **Trained:** LeNet. On an abacus.\n" in text
    assert "random weights: MobileNetV1," in text
    with Image.open(tmp_path / "page.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5


def test_what_was_written_by_hand_into_the_page_is_kept(evaluations: Path, tmp_path: Path) -> None:
    page, speed = tmp_path / "page.md", benchmark(tmp_path, "speed.json", lenet=100.0)
    assert run("make_table1.py", evaluations, speed, "--output", page).returncode == 0
    bare = page.read_text()
    by_hand = "## What follows for the paper's claims\n\nNothing.\n\n"
    page.write_text(bare.replace("## How far", by_hand + "## How far").replace("| LeNet |", "| an old row |"))
    assert run("make_table1.py", evaluations, speed, "--output", page).returncode == 0
    assert page.read_text() == bare.replace("## How far", by_hand + "## How far")


def test_a_table_without_any_evaluation_is_refused(tmp_path: Path) -> None:
    done = run("make_table1.py", tmp_path, benchmark(tmp_path, "speed.json", lenet=1.0), "--output", tmp_path / "p.md")
    assert done.returncode != 0
    assert "train_table1.py" in done.stderr
    assert not (tmp_path / "p.md").exists()


def test_a_benchmark_that_is_none_is_named(evaluations: Path, tmp_path: Path) -> None:
    broken = tmp_path / "speed.json"
    broken.write_text("not JSON")
    done = run("make_table1.py", evaluations, broken, "--output", tmp_path / "p.md")
    assert done.returncode != 0
    assert str(broken) in done.stderr
    assert "Traceback" not in done.stderr


def test_an_untrained_network_runs_says_so_and_is_never_certain(tmp_path: Path) -> None:
    kept = tmp_path / "mobilenet_v3_small.onnx"
    kept.write_bytes(b"trained before")
    done = run("export_untrained.py", tmp_path, "--only", "lenet", "mobilenet_v3_small")
    assert done.returncode == 0, done.stderr
    assert kept.read_bytes() == b"trained before"
    classifier = OnnxClassifier(tmp_path / "lenet.onnx")
    crops = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    assert all(answer.uncertain for answer in classifier.classify(crops))
    assert "untrained" in classifier.spec.name
    assert "random weights" in classifier.spec.facts["training_data"]
    classifier.close()
