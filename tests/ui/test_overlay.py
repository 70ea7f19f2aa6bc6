from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.types import DOUBTS, LABELS, Box, Expression, Face, Image, ObservedFace, Rates, StageRate, Track
from fer_edge.ui.drawing import COLOURS, Rect, style_for
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.placing import place_faces
from fer_edge.ui.wording import STALE_AFTER, chip_text

RATES = Rates(29.94, {"detection": StageRate(410.2), "classification": StageRate(241.3)})
SIZES = [(320, 240), (640, 480), (1920, 1080)]


def observed(box: Box, label: str = "happy", confidence: float = 0.9, uncertain: bool = False) -> ObservedFace:
    probabilities = np.full(7, (1 - confidence) / 6, np.float32)
    probabilities[LABELS.index(label)] = confidence
    return ObservedFace(Face(box, 0.9, {}), Expression(probabilities, label, confidence, uncertain))


def ground(kind: str, width: int, height: int) -> Image:
    if kind == "noise":
        return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.full((height, width, 3), {"white": 255, "black": 0, "grey": 128}[kind], np.uint8)


def luminance(pixels: np.ndarray) -> np.ndarray:
    linear = (pixels.astype(np.float64) / 255) ** 2.2
    return linear @ np.array([0.0722, 0.7152, 0.2126])


def changed(before: Image, after: Image) -> Tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return rows, columns


def test_the_given_picture_is_left_untouched_and_a_new_one_of_the_same_size_comes_back() -> None:
    image = ground("noise", 640, 480)
    image.setflags(write=False)
    before = image.copy()
    drawn = Overlay().draw(image, [observed(Box(100, 100, 120, 140))], RATES, age=1.0, notice="hello")
    assert np.array_equal(image, before)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.writeable
    assert not np.shares_memory(drawn, image)


def test_a_picture_that_is_a_view_of_another_is_drawn_as_well() -> None:
    image = ground("grey", 640, 480)[::2, 320:]
    drawn = Overlay().draw(image, [observed(Box(100, 100, 60, 60))], RATES)
    assert drawn.shape == (240, 320, 3)
    assert changed(image, drawn)[0].size


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("kind", ["white", "black", "noise"])
def test_the_text_of_the_fps_plate_stands_out_from_the_plate(kind: str, width: int, height: int) -> None:
    image = ground(kind, width, height)
    drawn = Overlay().draw(image, [], RATES)
    if kind == "black":
        plate = drawn[-height // 5 :, : width // 2]
    else:
        rows, columns = changed(image, drawn)
        plate = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    shades = luminance(plate)
    dark, bright = np.median(shades), shades.max()
    assert (bright + 0.05) / (dark + 0.05) > 4.5, "the contrast that WCAG 2.1 asks of text"


@pytest.mark.parametrize("age", [0.0, 1.0])
@pytest.mark.parametrize("label", LABELS)
def test_the_label_can_be_read_on_its_chip(label: str, age: float) -> None:
    image = ground("noise", 640, 480)
    box = Box(200, 200, 150, 180)
    drawn = Overlay(bars=False).draw(image, [observed(box, label)], Rates(), age=age)
    chip = luminance(drawn[178:190, 212:250])
    fill, spread = np.median(chip), (chip.min(), chip.max())
    ratio = max((fill + 0.05) / (spread[0] + 0.05), (spread[1] + 0.05) / (fill + 0.05))
    assert ratio > 4.0


@pytest.mark.parametrize(("width", "height"), [*SIZES, (160, 120), (96, 64), (64, 400)])
def test_the_fps_plate_fits_into_the_picture_with_a_margin(width: int, height: int) -> None:
    image = ground("grey", width, height)
    drawn = Overlay().draw(image, [], Rates(1234.5, {"detection": StageRate(9e9), "classification": StageRate(12345)}))
    rows, columns = changed(image, drawn)
    assert rows.size
    assert columns.min() >= 1
    assert columns.max() <= width - 2
    assert rows.max() <= height - 2
    assert rows.min() >= 1


def test_each_of_the_three_figures_is_on_the_picture() -> None:
    image = ground("black", 640, 480)
    drawn = [
        Overlay().draw(image, [], rates)
        for rates in (
            RATES,
            Rates(11.1, {"detection": StageRate(410.2), "classification": StageRate(241.3)}),
            Rates(29.94, {"detection": StageRate(511.1), "classification": StageRate(241.3)}),
            Rates(29.94, {"detection": StageRate(410.2), "classification": StageRate(311.1)}),
        )
    ]
    assert all(not np.array_equal(drawn[0], other) for other in drawn[1:])


def test_figures_that_are_not_finite_are_drawn_as_nothing() -> None:
    image = ground("grey", 320, 240)
    strange = Overlay().draw(
        image, [], Rates(float("nan"), {"detection": StageRate(float("inf")), "classification": StageRate(-1.0)})
    )
    nothing = Rates(0.0, {"detection": StageRate(), "classification": StageRate()})
    assert np.array_equal(strange, Overlay().draw(image, [], nothing))


def test_a_certain_expression_has_its_colour_and_an_uncertain_one_has_no_colour_of_any_expression() -> None:
    image = ground("grey", 640, 480)
    box = Box(200, 200, 150, 180)
    certain = Overlay(bars=False).draw(image, [observed(box, "sad")], RATES)
    uncertain = Overlay(bars=False).draw(image, [observed(box, "sad", 0.4, uncertain=True)], RATES)
    assert (certain == COLOURS["sad"]).all(axis=2).sum() > 500
    assert not (uncertain == COLOURS["sad"]).all(axis=2).any()


def test_an_uncertain_label_is_worded_otherwise_than_a_certain_one_of_the_same_confidence() -> None:
    image = ground("black", 640, 480)
    box = Box(200, 200, 150, 180)
    widths = []
    for uncertain in (False, True):
        drawn = Overlay(bars=False).draw(image, [observed(box, "neutral", 0.4, uncertain)], RATES)
        widths.append(changed(image[:195], drawn[:195])[1].max())
    assert widths[1] > widths[0], "the question mark makes it longer"


@pytest.mark.parametrize("reason", DOUBTS)
def test_a_label_says_why_it_is_doubted_in_place_of_how_sure_it_would_be(reason: str) -> None:
    doubted = Expression(np.full(7, 1 / 7, np.float32), "sad", 0.43, True, (reason,))
    assert chip_text(doubted) == ("sad? 43%" if reason == "low confidence" else f"sad? {reason}")
    assert chip_text(replace(doubted, doubt=(reason, "low confidence"))) == chip_text(doubted)
    assert chip_text(replace(doubted, doubt=())) == "sad? 43%", "as a classifier of somebody else says it"
    assert chip_text(replace(doubted, doubt=(), uncertain=False)) == "sad 43%"


@pytest.mark.parametrize("first", LABELS)
def test_the_colours_of_two_expressions_are_never_close(first: str) -> None:
    for second in LABELS:
        if second != first:
            distance = np.linalg.norm(np.subtract(COLOURS[first], COLOURS[second], dtype=float))
            assert distance > 60, (first, second)


def test_an_old_result_is_dated_and_dimmed_and_a_fresh_one_is_not() -> None:
    image = ground("grey", 640, 480)
    faces = [observed(Box(200, 200, 150, 180), "happy")]
    plain, fresh, old = (Overlay(bars=False).draw(image, faces, RATES, age=age) for age in (None, STALE_AFTER, 0.8))
    assert np.array_equal(plain, fresh)
    assert not (old == COLOURS["happy"]).all(axis=2).any()
    assert not np.array_equal(plain[:40, :200], old[:40, :200]), "the age stands in the upper left corner"


def test_a_notice_with_signs_beyond_ascii_is_shown_with_question_marks() -> None:
    image = ground("grey", 640, 480)
    assert np.array_equal(
        Overlay().draw(image, [], RATES, notice="caméra\tlost"), Overlay().draw(image, [], RATES, notice="cam?ra?lost")
    )


def test_a_long_notice_of_many_lines_stays_within_the_picture() -> None:
    image = ground("grey", 320, 240)
    drawn = Overlay().draw(image, [], RATES, notice="\n".join(["a rather long line of help, " * 4] * 12))
    rows, columns = changed(image, drawn)
    assert columns.max() <= 318
    assert rows.min() >= 1


def test_bars_are_drawn_beside_the_face_only_when_asked_for() -> None:
    image = ground("grey", 640, 480)
    faces = [observed(Box(100, 100, 150, 180), "surprise")]
    overlay = Overlay(bars=True)
    with_bars = overlay.draw(image, faces, RATES)
    overlay.bars = False
    without = overlay.draw(image, faces, RATES)
    _, columns = changed(without, with_bars)
    assert columns.min() >= 250, "the face itself stays free"


def test_bars_never_cover_another_face() -> None:
    image = ground("grey", 640, 480)
    boxes = [Box(20 + 78 * i, 150, 70, 90) for i in range(8)]
    faces = [observed(box) for box in boxes]
    with_bars, without = (Overlay(bars=bars).draw(image, faces, RATES) for bars in (True, False))
    for box in boxes:
        area = np.s_[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)]
        assert np.array_equal(with_bars[area], without[area])


def test_bars_are_left_out_where_the_face_fills_the_picture() -> None:
    image = ground("grey", 320, 240)
    faces = [observed(Box(10, 5, 300, 230))]
    assert np.array_equal(Overlay(bars=True).draw(image, faces, RATES), Overlay(bars=False).draw(image, faces, RATES))


def test_the_longer_bar_belongs_to_the_more_probable_expression() -> None:
    image = ground("black", 640, 480)
    probabilities = np.array([0.05, 0.0, 0.3, 0.65, 0.0, 0.0, 0.0], np.float32)
    face = ObservedFace(Face(Box(100, 100, 150, 180), 0.9, {}), Expression(probabilities, "happy", 0.65, False))
    drawn = Overlay().draw(image, [face], RATES)[:, 260:]
    pixels = {label: (drawn == COLOURS[label]).all(axis=2).sum() for label in LABELS}
    assert pixels["happy"] > pixels["fear"] > pixels["angry"] > 0
    assert pixels["disgust"] == pixels["sad"] == pixels["surprise"] == 0


def test_labels_of_faces_side_by_side_do_not_overlap() -> None:
    image = ground("black", 640, 480)
    labels = ["happy", "sad", "angry"]
    boxes = [Box(100, 200, 60, 60), Box(140, 200, 60, 60), Box(180, 200, 60, 60)]

    def chip_pixels(chosen: slice) -> int:
        faces = [observed(box, label) for box, label in zip(boxes[chosen], labels[chosen])]
        drawn = Overlay(bars=False).draw(image, faces, Rates())
        return int((drawn == COLOURS["happy"]).all(axis=2).sum())

    alone, together = chip_pixels(slice(0, 1)), chip_pixels(slice(0, 3))
    assert together > 0.8 * alone, "only lines of the neighbours' boxes may cross"


ENDLESS = [Box(10, 10, float("inf"), 80), Box(10, 10, float("nan"), 80), Box(float("-inf"), 10, float("inf"), 80)]


@pytest.mark.parametrize(
    "box", [Box(-500, 10, 80, 80), Box(700, 10, 80, 80), Box(10, 10, 0, 50), Box(9, 9, 50, -4), *ENDLESS]
)
def test_a_box_that_cannot_be_seen_draws_nothing(box: Box) -> None:
    image = ground("grey", 640, 480)
    assert np.array_equal(Overlay().draw(image, [observed(box)], RATES), Overlay().draw(image, [], RATES))


def test_the_label_of_a_face_that_leaves_the_picture_stays_inside() -> None:
    image = ground("black", 640, 480)
    drawn = Overlay(bars=False).draw(image, [observed(Box(600, -50, 100, 120), "happy")], Rates())
    rows, columns = np.nonzero((drawn == COLOURS["happy"]).all(axis=2))
    assert columns.min() < 560, "the chip was moved to the left"
    assert rows.size > 800


def test_a_label_for_which_no_room_is_left_is_still_inside_the_picture() -> None:
    image = ground("black", 640, 480)
    box = Box(200, 0, 60, 60)

    def happy(faces: List[ObservedFace]) -> int:
        return int((Overlay(bars=False).draw(image, faces, Rates()) == COLOURS["happy"]).all(axis=2).sum())

    last, sad = observed(box, "happy"), observed(box, "sad")
    (chip,) = place_faces(Rect(0, 0, 640, 480), style_for(480), [last], [])
    assert happy([sad] * 12 + [last]) > 0.1 * chip.chip.rect.width * chip.chip.rect.height


def test_the_frame_of_a_small_face_leaves_the_face_to_be_seen() -> None:
    image = ground("grey", 640, 480)
    for uncertain in (False, True):
        drawn = Overlay(bars=False).draw(image, [observed(Box(300, 200, 20, 20), uncertain=uncertain)], Rates())
        assert (drawn[200:220, 300:320] == image[200:220, 300:320]).mean() > 0.9
        assert (drawn[190:230, 290:330] != image[190:230, 290:330]).any()


number = st.one_of(
    st.floats(-300, 900), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -0.0, 1e18, -1e18])
)


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 500),
    boxes=st.lists(st.builds(Box, number, number, number, number), max_size=5),
    confidence=st.one_of(st.floats(0, 1), st.just(float("nan"))),
    age=st.one_of(st.none(), st.floats(0, 1e12)),
    uncertain=st.booleans(),
    rate=st.floats(),
    notice=st.text(max_size=60),
    fade=st.floats(),
    trace=st.lists(st.tuples(st.floats(), st.floats()), max_size=4),
)
def test_anything_can_be_drawn_on_a_picture_of_any_size(
    width: int,
    height: int,
    boxes: list,
    confidence: float,
    age: float,
    uncertain: bool,
    rate: float,
    notice: str,
    fade: float,
    trace: List[Tuple[float, float]],
) -> None:
    image = np.full((height, width, 3), 90, np.uint8)
    faces = [observed(box, "fear", confidence, uncertain) for box in boxes]
    rates = Rates(rate, {"detection": StageRate(rate), "classification": StageRate(rate)})
    hidden = [replace(face, track=Track(9, 1.0, face.expression, 1.0, 0.5, fade)) for face in faces]
    drawn = Overlay().draw(image, faces, rates, age, notice, hidden, {9: tuple(trace)})
    assert drawn.shape == (height, width, 3)
    assert (image == 90).all()
