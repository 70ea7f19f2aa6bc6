"""Where a face cannot be read the answer is doubted, with the reason; where it can be, it is not."""

from __future__ import annotations

from typing import Dict, Iterator, Mapping, Tuple

import cv2
import numpy as np
import pytest

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.classify import FakeClassifier
from fer_edge.classify.doubt import doubted
from fer_edge.classify.heads import one_for_each_head
from fer_edge.classify.looks import EDGES, edges
from fer_edge.classify.reader import ExpressionReader
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.types import DOUBTS, LABELS, Box, Expression, Face, Image

DETECTORS = ["blazeface", "blazeface-full"]
HEAD = (225.0, 110.0)
SKIN = (140, 170, 215)


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> Iterator[FaceDetector]:
    opened = open_detector(request.param)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def portrait() -> Image:
    image: Image = cv2.imread(str(PORTRAIT))
    return image


def turned(image: Image, degrees: float, scale: float = 1.0) -> Image:
    matrix = cv2.getRotationMatrix2D(HEAD, -degrees, scale)
    matrix[:, 2] += np.subtract((256, 256), HEAD)
    result: Image = cv2.warpAffine(image, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    return result


def reasons(image: Image, detector: FaceDetector) -> Tuple[Tuple[str, ...], ...]:
    seen = ExpressionReader(FakeClassifier()).read(image, one_for_each_head(detector.detect(image)))
    return tuple(one.expression.doubt for one in seen)


def masked(image: Image, colour: Tuple[int, int, int]) -> Image:
    """A mask from the middle of the nose to the chin."""
    covered = image.copy()
    outline = np.int32([(187, 126), (225, 121), (260, 126), (255, 168), (237, 186), (212, 186), (193, 168)])
    cv2.fillPoly(covered, [outline], colour)
    result: Image = cv2.GaussianBlur(covered, (0, 0), 0.7)
    return result


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_a_face_that_is_clear_to_see_is_hardly_ever_doubted(
    portrait: Image, detector: FaceDetector, scale: float
) -> None:
    doubts = []
    for degrees in range(-30, 31, 10):
        image = turned(portrait, degrees, scale)
        for version in (image, image[:, ::-1].copy(), image // 2, cv2.cvtColor(image[..., 1], cv2.COLOR_GRAY2BGR)):
            doubts += reasons(version, detector)[:1]
    assert len(doubts) == 28
    assert sum(map(bool, doubts)) <= 3


@pytest.mark.parametrize("light", [(1.0, 0.6, 0.5), (0.5, 0.7, 1.0), (0.6, 1.0, 0.6)])
def test_coloured_light_is_no_reason_for_doubt(
    portrait: Image, detector: FaceDetector, light: Tuple[float, float, float]
) -> None:
    assert reasons((portrait * light).astype(np.uint8), detector)[0] == ()


def test_no_upright_guess_on_a_head_that_is_upside_down_is_trusted(portrait: Image) -> None:
    found = doubted_ones = 0
    detector = open_detector("blazeface")
    for degrees in range(150, 215, 5):
        for why in reasons(turned(portrait, degrees), detector):
            found += 1
            doubted_ones += "upside down" in why
    detector.close()
    assert found >= 10, "the pictures show what the test is about"
    assert doubted_ones >= 0.75 * found


@pytest.mark.parametrize(
    "colour", [(220, 190, 140), (235, 235, 235), (25, 25, 25), SKIN], ids=["blue", "white", "black", "skin"]
)
def test_a_mask_of_any_colour_is_a_reason_for_doubt(
    portrait: Image, detector: FaceDetector, colour: Tuple[int, int, int]
) -> None:
    (why,) = reasons(turned(masked(portrait, colour), 0, 1.5), detector)
    assert why == ("covered",)


def test_a_network_that_is_cut_otherwise_is_doubted_alike(portrait: Image, detector: FaceDetector) -> None:
    class Otherwise(FakeClassifier):
        def __init__(self) -> None:
            super().__init__()
            self.spec = ModelSpec(name="otherwise", input_size=48, crop_margin=3.5, alignment="none")

    for image, expected in ((portrait, ()), (masked(portrait, SKIN), ("covered",))):
        (seen,) = ExpressionReader(Otherwise()).read(image, detector.detect(image))
        assert seen.expression.doubt == expected


def test_a_face_of_a_few_pixels_and_one_without_edges_are_not_looked_at_closely(portrait: Image) -> None:
    for image in (
        cv2.resize(masked(portrait, SKIN), (160, 160), interpolation=cv2.INTER_AREA),
        np.zeros_like(portrait),
    ):
        share = image.shape[0] / 512
        marks = {"right_eye": (204 * share, 105 * share), "left_eye": (245 * share, 107 * share)}
        face = Face(Box(180 * share, 70 * share, 90 * share, 90 * share), 0.9, marks)
        (seen,) = ExpressionReader(FakeClassifier()).read(image, [face])
        assert seen.expression.doubt == ()


def test_a_face_half_under_a_surer_one_is_doubted() -> None:
    def face(x: float, score: float) -> Face:
        marks = {"right_eye": (x + 15, 50.0), "left_eye": (x + 35, 50.0)}
        return Face(Box(x, 30, 50, 50), score, marks)

    blank = np.full((120, 200, 3), 90, np.uint8)
    seen = ExpressionReader(FakeClassifier()).read(blank, [face(40, 0.9), face(65, 0.6), face(140, 0.6)])
    assert [one.expression.doubt for one in seen] == [(), ("second face",), ()]
    assert [one.expression.uncertain for one in seen] == [False, True, False]


def test_reasons_are_added_in_their_order_and_none_is_lost() -> None:
    sure = Expression(np.full(7, 1 / 7, np.float32), LABELS[3], 1 / 7, False)
    assert doubted(sure, ()) is sure
    low = doubted(sure, ("low confidence",))
    both = doubted(low, ("second face", "turned"))
    assert (both.uncertain, both.doubt) == (True, ("turned", "second face", "low confidence"))
    assert doubted(both, DOUBTS).doubt == DOUBTS
    foreign = Expression(sure.probabilities, "happy", 0.9, uncertain=True)
    assert doubted(foreign, ()).uncertain, "what a classifier doubts stays doubted"


def test_edges_do_not_depend_on_brightness_contrast_mirroring_or_colour() -> None:
    draw = np.random.default_rng(0)
    grey = cv2.resize(draw.integers(80, 160, (12, 12), np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
    crop = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    plain = edges(crop[None])[0]
    assert plain.shape == (EDGES,)
    others: Dict[str, Image] = {
        "mirrored": crop[:, ::-1].copy(),
        "brighter": crop + np.uint8(40),
        "more contrast": np.clip((crop.astype(float) - 120) * 1.5 + 120, 0, 255).round().astype(np.uint8),
    }
    for name, other in others.items():
        np.testing.assert_allclose(
            edges(other[None])[0], plain, atol=0.35 if name == "more contrast" else 0.05, err_msg=name
        )
    assert not edges(np.full((1, 64, 64, 3), 77, np.uint8)).any(), "nothing to be seen"
    assert np.abs(edges(crop[None, ::-1].copy())[0] - plain).max() > 0.5, "upside down is another face"


def test_marks_of_any_detector_will_do(portrait: Image) -> None:
    """YuNet marks the corners of the mouth, a detector of somebody else perhaps the eyes alone."""
    both: Mapping[str, Tuple[float, float]] = {"right_eye": (204.0, 105.0), "left_eye": (245.0, 107.0)}
    corners = {**both, "right_mouth": (209.0, 147.0), "left_mouth": (241.0, 149.0)}
    for marks in (both, corners):
        face = Face(Box(180, 70, 90, 90), 0.9, marks)
        (clear,) = ExpressionReader(FakeClassifier()).read(portrait, [face])
        assert clear.expression.doubt == ()
