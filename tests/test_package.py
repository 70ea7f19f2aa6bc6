from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np
import pytest

import fer_edge
from fer_edge.app import kept
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.errors import StageFailed, UsageError
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import Box, Face


def test_the_program_in_the_package_docstring_works() -> None:
    assert fer_edge.__doc__
    lines = fer_edge.__doc__.split("::\n", 1)[1].split("\n\nSeveral cameras", 1)[0].splitlines()
    program = "\n".join(line[4:] for line in lines)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    words = [line.split() for line in done.stdout.splitlines()]
    # A busy machine leaves frames out; the program ends behind the thirtieth all the same. The demo shows one face.
    frames = [int(frame) for frame, _, _ in words]
    assert frames == sorted(set(frames))
    assert frames[-1] > 30
    assert all(label in fer_edge.LABELS for _, label, _ in words)


def test_importing_the_package_loads_no_inference_library_and_no_opencv() -> None:
    program = (
        "import sys, fer_edge, fer_edge.errors, fer_edge.types, fer_edge.settings.settings\n"
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


class Openly(FakeDetector):
    """Tells whether it was closed."""

    def __init__(self, faces: Sequence[Face]) -> None:
        super().__init__(faces)
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class OpenlyNamed(FakeClassifier):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_parts_of_ones_own_stay_open_after_one_picture_and_others_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    image = portrait()
    (seen,) = fer_edge.read_image(image)
    detector, classifier = Openly([seen.face]), OpenlyNamed()
    (named,) = fer_edge.read_image(image, detector=detector, model=classifier)
    assert named.expression.label == "happy"
    assert detector.closed == classifier.closed == 0
    monkeypatch.setattr(kept, "detector_factory", lambda settings, name: lambda: detector)
    monkeypatch.setattr(kept, "classifier_factory", lambda settings: lambda: classifier)
    fer_edge.read_image(image)
    assert detector.closed == classifier.closed == 1


def test_parts_of_ones_own_stay_open_after_watching_too() -> None:
    image = portrait()
    (seen,) = fer_edge.read_image(image)
    detector, classifier = Openly([seen.face]), OpenlyNamed()
    (observation,) = fer_edge.watch(FakeSource([image]), detector=detector, model=classifier)
    assert observation.faces[0].expression.label == "happy"
    assert detector.closed == classifier.closed == 0


class Blind(FakeDetector):
    def __init__(self, found: Any) -> None:
        super().__init__([])
        self._gives = found

    def detect(self, image: Any) -> Any:
        return self._gives


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (None, "The detector Blind gave None, and no sequence of faces"),
        ([(1, 2, 3, 4)], "no sequence of faces"),
        ([Face(Box(0, 0, 9, 9), 0.9, {})], "a face without its eyes; it has no landmarks"),
        ([Face(Box(0, 0, 9, 9), 0.9, {"nose": (1.0, 1.0)})], "it has nose"),
    ],
)
def test_a_detector_of_ones_own_that_gives_something_else_is_named(found: Any, complaint: str) -> None:
    with pytest.raises(StageFailed, match=complaint):
        list(fer_edge.watch(FakeSource([portrait()]), detector=Blind(found)))


def test_faces_that_the_detector_is_less_sure_of_than_asked_for_are_left_out() -> None:
    image = portrait()
    (seen,) = fer_edge.read_image(image, detector="blazeface")
    more = min(1.0, seen.face.score + 0.001)
    assert fer_edge.read_image(image, detector="blazeface", min_score=more) == ()
    # The default looks a second time, and may be surer then.
    assert all(again.face.score >= more for again in fer_edge.read_image(image, min_score=more))
    assert fer_edge.read_image(image, min_score=0.999) == ()
    (observation,) = fer_edge.watch(FakeSource([image]), model=FakeClassifier(), min_score=0.999)
    assert observation.faces == ()
    (observation,) = fer_edge.watch(FakeSource([image]), model=FakeClassifier())
    assert len(observation.faces) == 1


def test_the_model_that_is_named_is_the_one_that_reads() -> None:
    session = fer_edge.watch(FakeSource([portrait()]), model="fernet")
    list(session)
    named = session.facts()["classify"]["network"]
    session = fer_edge.watch(FakeSource([portrait()]))
    list(session)
    assert session.facts()["classify"]["network"] != named


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


@pytest.mark.parametrize("live", [[True], [False], [False, False], [False, True]])
def test_sinks_of_ones_own_are_told_whether_what_comes_is_live(live: List[bool]) -> None:
    sink = fer_edge.sinks.MemorySink()
    sources = [FakeSource([portrait()] * 2, live=one) for one in live]
    fer_edge.deliver(fer_edge.watch(sources), sink)
    assert sink.info is not None
    assert sink.info.live is any(live)
    assert (sink.info.camera == "") is (len(live) > 1)


NONSENSE = [
    *({"min_score": value} for value in (3, 0, 1, -0.5, float("nan"), "much", None, True)),
    *({"detector": value} for value in ("haar", "", None, 3, Path("blazeface"), FakeDetector)),
    *({"model": value} for value in ("", "a\0b", None, 3.5, b"fernet", FakeClassifier)),
]


@pytest.mark.parametrize("given", NONSENSE, ids=str)
def test_an_argument_that_makes_no_sense_is_refused_at_once_with_what_it_may_be(given: Dict[str, Any]) -> None:
    (name,) = given
    for call in (
        lambda: fer_edge.watch("demo", **given),
        lambda: fer_edge.read_image(np.zeros((48, 48, 3), np.uint8), **given),
    ):
        with pytest.raises(UsageError, match=f"{name}: .* will not do: it must be"):
            call()


def test_numbers_of_numpy_and_text_are_numbers_too() -> None:
    for value in (np.float32(0.25), np.float64(0.25), "0.25"):
        fer_edge.watch("demo", detector=FakeDetector(), model=FakeClassifier(), min_score=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["", " ", None, True, -1, 2.5, b"demo", "a\0b"])
def test_a_source_that_makes_no_sense_is_refused_at_once(source: Any) -> None:
    with pytest.raises(UsageError, match="source: .* will not do|No source was named"):
        fer_edge.watch(source)


@pytest.mark.parametrize(
    "image",
    [None, 3, "", np.zeros((48, 48), np.uint8), np.zeros((48, 48, 3)), np.zeros((0, 48, 3), np.uint8)],
    ids=range(6),
)
def test_what_is_no_picture_is_refused_at_once(image: Any) -> None:
    with pytest.raises(UsageError, match="image: .* will not do|No source was named"):
        fer_edge.read_image(image, detector=FakeDetector(), model=FakeClassifier())
