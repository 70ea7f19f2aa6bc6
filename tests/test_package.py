from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import fer_edge
from fer_edge.capture.fake import FakeSource
from fer_edge.sinks.jsonl import JsonlSink


def test_the_program_in_the_package_docstring_works() -> None:
    assert fer_edge.__doc__
    lines = fer_edge.__doc__.split("::\n", 1)[1].split("\n\nOne picture", 1)[0].splitlines()
    program = "\n".join(line[4:] for line in lines)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    words = [line.split() for line in done.stdout.splitlines()]
    assert len(words) > 10
    assert all(label in fer_edge.LABELS for _, label, _ in words)


def test_importing_the_package_loads_no_inference_library_and_no_opencv() -> None:
    program = (
        "import sys, fer_edge, fer_edge.errors, fer_edge.types, fer_edge.settings\n"
        "print([name for name in ('torch', 'onnxruntime', 'tensorrt', 'mediapipe', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_every_runtime_module_loads_no_inference_library() -> None:
    program = (
        "import importlib, pkgutil, sys, fer_edge\n"
        "for module in pkgutil.walk_packages(fer_edge.__path__, 'fer_edge.'):\n"
        "    if not module.name.startswith(('fer_edge.training', 'fer_edge.zoo', 'fer_edge.__main__')):\n"
        "        importlib.import_module(module.name)\n"
        "print([name for name in ('torch', 'onnxruntime', 'tensorrt', 'mediapipe') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_listed() -> None:
    for name in fer_edge.__all__:
        assert getattr(fer_edge, name) is not None
    assert set(fer_edge.__all__) <= set(dir(fer_edge))
    with pytest.raises(AttributeError, match="no_such_name"):
        fer_edge.no_such_name  # noqa: B018


def portrait() -> np.ndarray:
    image = cv2.imread(str(Path(fer_edge.__file__).parent / "capture" / "astronaut.jpg"))
    assert image is not None
    return image


def test_one_picture_is_read_from_an_array_and_from_a_file(tmp_path: Path) -> None:
    image = portrait()
    path = tmp_path / "portrait.png"
    cv2.imwrite(str(path), image)
    (seen,) = fer_edge.read_image(image)
    (seen_in_file,) = fer_edge.read_image(path)
    assert seen.expression.label == "happy"
    assert seen_in_file.expression.label == seen.expression.label
    assert seen_in_file.face.box == pytest.approx(seen.face.box)


def test_a_source_of_ones_own_is_watched() -> None:
    image = portrait()
    observations = list(fer_edge.watch(FakeSource([image, image[:, ::-1].copy(), np.zeros_like(image)])))
    assert [len(observation.faces) for observation in observations] == [1, 1, 0]


def test_sinks_of_ones_own_get_every_observation_and_are_closed(tmp_path: Path) -> None:
    class Counting(fer_edge.Sink):
        frames = 0
        closed = False

        def write(self, observation: fer_edge.Observation, rates: fer_edge.Rates) -> None:
            self.frames += 1

        def close(self) -> None:
            self.closed = True

    counting, lines = Counting(), tmp_path / "out.jsonl"
    fer_edge.deliver(fer_edge.watch(FakeSource([portrait()] * 4)), counting, JsonlSink(lines))
    assert counting.frames == 4
    assert counting.closed
    assert lines.read_text().count('"happy"') >= 4
