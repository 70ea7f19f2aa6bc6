from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reference_record import read_picture

from fer_edge import errors
from fer_edge.detect import DETECTORS, FaceDetector, open_detector
from fer_edge.inference.model_files import known_models
from fer_edge.settings import check_value

ROOT = Path(__file__).parents[2]


def test_every_registered_name_is_a_value_of_the_setting_and_stands_in_the_help_and_in_the_documents() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "fer_edge", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    documents = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    )
    for name in DETECTORS:
        assert check_value("detector", name) == name
        assert name in help_text
        assert f"`{name}`" in documents


def test_what_the_registry_says_of_a_detector_is_so() -> None:
    flavours = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for entry in DETECTORS.values():
        assert entry.about
        assert bool(entry.models) != bool(entry.extra)
        if entry.models:
            assert all(known_models()[model].role == "detector" for model in entry.models)
        else:
            assert f"\n{entry.extra} = [" in flavours


@pytest.mark.parametrize("name", ["blazeface", "auto", "blazeface-full"])
def test_a_shipped_detector_opens_by_name_and_knows_it(name: str) -> None:
    detector = open_detector(name, threads=1, min_score=0.6)
    assert isinstance(detector, FaceDetector)
    assert detector.name == name
    assert detector.detect(np.zeros((48, 64, 3), np.uint8)) == ()
    detector.close()


def test_yunet_opens_by_name_once_it_was_fetched(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fer-edge" / "models"
    folder.mkdir(parents=True)
    (folder / "face_detection_yunet_2023mar.onnx").symlink_to(shared / "models" / "face_detection_yunet_2023mar.onnx")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    detector = open_detector("yunet")
    assert detector.detect(np.zeros((48, 64, 3), np.uint8)) == ()
    detector.close()


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(errors.UsageError, match="blazeface-full, yunet, mediapipe"):
        open_detector("haar")


def test_importing_the_package_loads_no_library_of_a_detector() -> None:
    program = (
        "import sys, fer_edge.detect\n"
        "loaded = {'cv2', 'onnxruntime', 'mediapipe'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("name", ["blazeface", "mediapipe"])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = "onnxruntime" if name == "blazeface" else "mediapipe"
    for loaded in [module for module in sys.modules if module.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(errors.MissingExtra, match=f"'{library}'.*"):
        open_detector(name)


@pytest.mark.parametrize("name", ["blazeface", "auto", "blazeface-full"])
def test_faces_under_the_least_score_are_left_out_by_every_detector(name: str) -> None:
    picture = read_picture("portrait")
    detector = open_detector(name)
    (face,) = detector.detect(picture)
    detector.close()
    stricter = open_detector(name, min_score=face.score + 0.001)
    assert stricter.detect(picture) == ()
    stricter.close()
