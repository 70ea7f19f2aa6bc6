from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List

import cv2
import numpy as np
import pytest
from reference_record import iou, paired, read_picture, recorded_faces

from fer_edge import errors
from fer_edge.detect import yunet
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.letterbox import Letterbox
from fer_edge.detect.yunet import LANDMARKS, YuNetDetector
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_session import OnnxSession, open_session

SCENES = [
    "portrait",
    "tall",
    "face_80",
    "face_100",
    "face_150",
    "face_250",
    "turned_left",
    "turned_right",
    "two",
    "three",
]

OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2])

# YuNet frames a face from the hairline to the chin, BlazeFace a square from the brows to the chin. Measured over SCENES:
# boxes overlap by 0.62 or more, eyes differ by 0.14 of the box's width or less.
OVERLAP, EYES = 0.55, 0.18


@pytest.fixture(scope="module")
def model(shared: Path) -> Path:
    return shared / "models" / "face_detection_yunet_2023mar.onnx"


@pytest.fixture(scope="module")
def detector(model: Path) -> Iterator[YuNetDetector]:
    yunet = YuNetDetector(model=model)
    yield yunet
    yunet.close()


@pytest.mark.skipif(OPENCV < (4, 8), reason="OpenCV before 4.8 cannot load this YuNet")
@pytest.mark.parametrize("side", [160, 320, 640])
@pytest.mark.parametrize("scene", ["three", "face_150", "nobody"])
def test_it_finds_what_opencvs_own_yunet_finds(scene: str, side: int, model: Path) -> None:
    picture = read_picture(scene)
    tensor, placement = Letterbox(side, centred=True).fit(picture)
    square = np.ascontiguousarray(tensor[0].transpose(1, 2, 0)).astype(np.uint8)
    _, rows = cv2.FaceDetectorYN.create(str(model), "", (side, side), 0.5, 0.3).detect(square)
    expected = np.zeros((0, 15)) if rows is None else rows[np.argsort(-rows[:, 14])]
    detector = YuNetDetector(side=side, model=model)
    found = detector.detect(picture)
    detector.close()
    assert len(found) == len(expected)
    for face, row in zip(found, expected):
        assert face.score == pytest.approx(row[14], abs=1e-3)
        assert (face.box.width, face.box.height) == pytest.approx(row[2:4] * placement.scale, abs=0.1)
        corner, *marks = placement.to_image(np.concatenate([row[:2], row[4:14]]).reshape(6, 2))
        assert face.box[:2] == pytest.approx(corner, abs=0.1)
        for name, mark in zip(LANDMARKS, marks):
            assert face.landmarks[name] == pytest.approx(mark, abs=0.1)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("variant", ["short", "full"])
def test_it_finds_the_faces_that_blazeface_finds(scene: str, variant: str, detector: YuNetDetector) -> None:
    blazeface = BlazeFaceDetector(variant)
    expected = blazeface.detect(read_picture(scene))
    blazeface.close()
    found = detector.detect(read_picture(scene))
    assert len(found) == len(expected)
    for ours, theirs in zip(paired(found, expected), expected):
        assert iou(ours.box, theirs.box) > OVERLAP
        for eye in ("right_eye", "left_eye"):
            distance = np.hypot(*np.subtract(ours.landmarks[eye], theirs.landmarks[eye]))
            assert distance < EYES * theirs.box.width


def test_it_finds_a_face_that_is_too_small_for_blazeface(detector: YuNetDetector) -> None:
    scene = np.full((480, 640, 3), 100, np.uint8)
    scene[200:296, 300:396] = cv2.resize(read_picture("portrait"), (96, 96), interpolation=cv2.INTER_AREA)
    for variant in ("short", "full"):
        blazeface = BlazeFaceDetector(variant)
        assert blazeface.detect(scene) == ()
        blazeface.close()
    (face,) = detector.detect(scene)
    assert face.box.height < 50
    assert abs(face.box.x + face.box.width / 2 - 348) < 6


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (480, 1), (4320, 7680)])
def test_a_black_picture_holds_no_face(shape: tuple[int, int], detector: YuNetDetector) -> None:
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == ()


def test_a_gray_picture_is_refused(detector: YuNetDetector) -> None:
    with pytest.raises(ValueError, match="a detector takes"):
        detector.detect(np.zeros((480, 640), np.uint8))


@pytest.mark.parametrize("side", [0, 96, 300, 5000])
def test_a_side_that_the_network_cannot_take_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        YuNetDetector(side=side)


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(errors.ModelShapeError, match="not a YuNet"):
        YuNetDetector(model=find_model("blazeface_short"))


def test_a_missing_file_says_how_to_fetch_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(errors.ModelNotFound, match="fer-edge models pull yunet"):
        YuNetDetector()


def test_the_mapping_of_landmarks_is_the_persons_right_and_left(detector: YuNetDetector) -> None:
    (face,) = detector.detect(read_picture("face_150"))
    (reference,) = recorded_faces("short", "face_150")
    assert face.landmarks["right_eye"][0] < face.landmarks["left_eye"][0]
    assert face.landmarks["right_mouth"][0] < reference.landmarks["mouth"][0] < face.landmarks["left_mouth"][0]


def test_a_file_that_gives_its_outputs_in_another_order_finds_the_same_faces(
    model: Path, detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reversed:
        def __init__(self, session: OnnxSession) -> None:
            self._session = session
            self.inputs, self.outputs, self.path = session.inputs, session.outputs[::-1], session.path
            self.close = session.close

        def run(self, feeds: Any) -> List[Any]:
            return list(self._session.run(feeds))[::-1]

    monkeypatch.setattr(yunet, "open_session", lambda path, **more: Reversed(open_session(path, **more)))
    other = YuNetDetector(model=model)
    assert other.detect(read_picture("three")) == detector.detect(read_picture("three"))
    other.close()


@pytest.mark.parametrize("output", range(12))
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_network_that_gives_no_numbers_is_a_fault_and_not_an_empty_room(
    detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch, output: int, value: float
) -> None:
    run = detector._session.run

    def broken(feeds: Dict[str, np.ndarray]) -> List[np.ndarray]:
        results = run(feeds)
        for likely in range(6):
            results[detector._order[likely]][:, 0] = 1  # a face in the first cell of each size
        results[detector._order[output]][0, 0, -1] = value
        return results

    monkeypatch.setattr(detector._session, "run", broken)
    picture = np.full((48, 64, 3), 90, np.uint8)
    if output < 6 and np.isfinite(value):
        assert detector.detect(picture)[0].score == 1
    else:
        with pytest.raises(errors.StageFailed, match="yunet gave no numbers"):
            detector.detect(picture)


def test_a_network_that_gives_another_shape_than_its_file_says_is_refused(
    detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = detector._session.run
    monkeypatch.setattr(detector._session, "run", lambda feeds: [part[:, :5] for part in run(feeds)])
    with pytest.raises(errors.ModelShapeError, match="yunet gave"):
        detector.detect(np.full((48, 64, 3), 90, np.uint8))
