"""The program on a 64-bit Arm processor, emulated, sees what it sees here: a test of function, never of speed.

It needs a root file system with fer-edge in it, which ``make test-aarch64`` makes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import cv2
import numpy as np
import pytest

from fer_edge.capture.synthetic import PORTRAIT, DemoSource
from fer_edge.types import Image

ROOT = Path(os.environ.get("AARCH64_ROOT", "/nowhere"))

pytestmark = pytest.mark.skipif(
    "AARCH64_ROOT" not in os.environ, reason="needs a root file system for Arm: make test-aarch64"
)


@dataclass(frozen=True)
class Tolerance:
    pixels: float
    probability: float


ROUNDING = Tolerance(0.2, 0.002)
"""The processors add in another order, so the last bits of a sum differ."""

DECODING = Tolerance(1.0, 0.02)
"""Decoders of lossy pictures round differently on the two already."""

# In a mount namespace of its own, so that /proc goes when the program does, even after kill -9. Not /sys: ONNX Runtime ends
# with a segmentation fault where it describes a PC's processor to a program for Arm.
ENTER = 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i "$@"'
ENVIRONMENT = ("PATH=/usr/bin:/bin", "HOME=/root", "PYTHONPATH=/opt/fer-edge:/opt/packages")


def there(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program on the emulated processor."""
    command = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        ENTER,
        str(ROOT),
        *ENVIRONMENT,
        "python3",
        "-m",
        "fer_edge",
        *arguments,
    ]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)


def here(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fer_edge", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def seen_by(done: subprocess.CompletedProcess[str]) -> List[Dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def agree(ours: List[Dict[str, Any]], theirs: List[Dict[str, Any]], tolerance: Tolerance) -> Tuple[int, float]:
    """Compare what two processors saw; give the number of faces and the largest difference of a probability."""
    assert ours
    assert [line["frame"] for line in theirs] == [line["frame"] for line in ours]
    faces, largest = 0, 0.0
    for our_line, their_line in zip(ours, theirs):
        assert len(their_line["faces"]) == len(our_line["faces"])
        for our_face, their_face in zip(our_line["faces"], their_line["faces"]):
            assert their_face["expression"] == our_face["expression"]
            assert their_face["box"] == pytest.approx(our_face["box"], abs=tolerance.pixels)
            for name, point in our_face["landmarks"].items():
                assert their_face["landmarks"][name] == pytest.approx(point, abs=tolerance.pixels)
            assert their_face["probabilities"] == pytest.approx(our_face["probabilities"], abs=tolerance.probability)
            faces += 1
            largest = max(
                largest, *(abs(their_face["probabilities"][k] - p) for k, p in our_face["probabilities"].items())
            )
    return faces, largest


def upside_down(image: Image, centre: Tuple[int, int], half_width: int, half_height: int) -> Image:
    """Turn an ellipse of the picture over, which makes another expression of a mouth or an eye."""
    x, y = centre
    changed = image.copy()
    part = changed[y - half_height : y + half_height, x - half_width : x + half_width]
    mask = np.zeros((*part.shape[:2], 1), np.float32)
    cv2.ellipse(mask, (half_width, half_height), (half_width - 4, half_height - 3), 0, 0, 360, 1.0, -1)
    part[:] = part[::-1] * mask + part * (1 - mask)
    return changed


@pytest.fixture
def exchange() -> Iterator[Path]:
    """Give a folder that the emulated program knows as /opt/exchange."""
    folder = ROOT / "opt" / "exchange"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def analyse(name: str, tolerance: Tolerance) -> Tuple[int, float]:
    """Give a file or folder in the exchange to both; see `agree`."""
    options = ("--display", "none", "--log-level", "warning", "--output", "-", "--camera")
    ours = here(*options, str(ROOT / "opt" / "exchange" / name))
    return agree(seen_by(ours), seen_by(there(*options, f"/opt/exchange/{name}")), tolerance)


def test_it_is_an_arm_processor() -> None:
    done = there("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "aarch64" in done.stdout


def test_pictures_show_the_same_faces_and_expressions(exchange: Path) -> None:
    portrait = cv2.imread(str(PORTRAIT))
    mouth, right_eye, left_eye = (220, 149), (202, 105), (246, 110)
    other_mouth = upside_down(portrait, mouth, 34, 18)
    pictures = {
        "plain": portrait,
        "mouth": other_mouth,
        "mouth and eyes": upside_down(upside_down(other_mouth, right_eye, 18, 12), left_eye, 18, 12),
        "dark": portrait // 4,
        "nobody": np.zeros_like(portrait),
    }
    (exchange / "pictures").mkdir()
    for number, (name, picture) in enumerate(pictures.items()):
        assert cv2.imwrite(str(exchange / "pictures" / f"{number} {name}.png"), picture)
    faces, largest = analyse("pictures", ROUNDING)
    assert faces == 4
    print(f"pictures: {faces} faces, probabilities differ by {largest:.4f} at most")


def test_a_clip_shows_the_same_faces_and_expressions(exchange: Path) -> None:
    writer = cv2.VideoWriter(str(exchange / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (640, 480))
    with DemoSource(3) as source:
        source.open()
        for index in range(0, 100, 25):
            writer.write(source.render(index))
    writer.release()
    faces, largest = analyse("clip.avi", DECODING)
    assert faces == 12
    print(f"clip: {faces} faces, probabilities differ by {largest:.4f} at most")


def test_real_people_show_the_same_faces_and_expressions(exchange: Path, shared: Path) -> None:
    clip = "head-pose-face-detection-female-and-male.gif"
    shutil.copy(shared / "clips" / clip, exchange / clip)
    faces, largest = analyse(clip, ROUNDING)
    assert faces > 0
    print(f"{clip}: {faces} faces, probabilities differ by {largest:.4f} at most")


def test_a_short_benchmark_ends_with_a_whole_report(exchange: Path) -> None:
    done = there("--benchmark", "--frames", "3", "--warm-up", "0", "--report", "/opt/exchange/speed.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((exchange / "speed.json").read_text(encoding="utf-8"))
    assert report["environment"]["machine"] == "aarch64"
    (result,) = report["results"]
    assert result["frames"]["emitted"] >= 3
    assert result["fps"]["total"] > 0
