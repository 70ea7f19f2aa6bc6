from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.types import LABELS, Box, Expression, Face, Frame, Image, Observation, ObservedFace, Rates, Track
from fer_edge.ui.drawing import COLOURS, style_for
from fer_edge.ui.grid import Grid, Numbered
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane
from fer_edge.ui.view import View

RATES = Rates()


def seen(box: Box, track: int = 0, fade: float = 0.0, label: str = "happy", uncertain: bool = False) -> ObservedFace:
    probabilities = np.full(7, 0.05, np.float32)
    probabilities[LABELS.index(label)] = 0.7
    expression = Expression(probabilities, label, 0.7, uncertain)
    return ObservedFace(
        Face(box, 0.9, {}), expression, Track(track, 3.0, expression, 1.0, fade, fade) if track else None
    )


def noise(width: int = 640, height: int = 480) -> Image:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    fade=st.floats(0, 1),
    box=st.builds(Box, st.floats(-80, 330), st.floats(-80, 250), st.floats(1, 300), st.floats(1, 300)),
    uncertain=st.booleans(),
    traced=st.booleans(),
)
def test_a_fading_face_lies_between_the_image_and_the_face_in_full(
    fade: float, box: Box, uncertain: bool, traced: bool
) -> None:
    traces = {5: ((-3.0, 0.5), (0.0, -0.5))} if traced else {}
    drawn = []
    for hidden in ([], [seen(box, 5, 0.0, uncertain=uncertain)], [seen(box, 5, fade, uncertain=uncertain)]):
        drawn.append(noise(320, 240))
        Overlay().paint(drawn[-1], [], style_for(240), [], [], hidden=hidden, traces=traces)
    without, full, fading = (image.astype(int) for image in drawn)
    assert (fading >= np.minimum(without, full)).all()
    assert (fading <= np.maximum(without, full)).all()
    if fade < 1:
        assert np.abs(fading - (fade * without + (1 - fade) * full)).max() <= 1
    else:
        assert np.array_equal(fading, without)


def test_a_face_fades_step_by_step_and_is_gone_at_the_end() -> None:
    image = noise()
    found = seen(Box(300, 200, 90, 110), 2)
    with_none = Overlay().draw(image, [found], RATES).astype(int)
    far: List[float] = []
    for fade in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn = Overlay().draw(image, [found], RATES, hidden=[seen(Box(60, 90, 120, 140), 1, fade)])
        far.append(float(np.abs(drawn - with_none).mean()))
    assert far == sorted(far, reverse=True)
    assert far[0] > far[1] > far[2] > far[3] > far[4] == 0


def test_a_face_that_was_just_missed_is_drawn_as_before_with_its_bars() -> None:
    image = noise()
    face = seen(Box(100, 100, 120, 140), 1)
    assert np.array_equal(Overlay().draw(image, [], RATES, hidden=[face]), Overlay().draw(image, [face], RATES))


@pytest.mark.parametrize("uncertain", [False, True])
def test_a_face_that_is_followed_has_its_number_before_its_label(uncertain: bool) -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    box = Box(200, 200, 150, 180)
    one, other, long, none = (
        Overlay(bars=False).draw(image, [seen(box, track, uncertain=uncertain)], RATES) for track in (3, 8, 1234, 0)
    )
    rows, columns = np.nonzero((one != other).any(axis=2))
    assert rows.max() < 200, "the number stands in the label"
    assert 200 <= columns.min() <= columns.max() < 225
    right = [np.nonzero((drawn[:190] != image[:190]).any(axis=2))[1].max() for drawn in (none, one, long)]
    assert right[0] < right[1] < right[2]


def test_the_number_is_quieter_than_the_label() -> None:
    image = np.full((480, 640, 3), 255, np.uint8)
    drawn = Overlay(bars=False).draw(image, [seen(Box(200, 200, 150, 180), 3)], RATES)
    tag = drawn[182:190, 203:213]
    assert np.median(tag) < 60
    assert not (tag == COLOURS["happy"]).all(axis=2).any()


def pane(
    hidden: Sequence[ObservedFace], mirror: bool = False, name: str = "front", faces: Sequence[ObservedFace] = ()
) -> Pane:
    frame = Frame(0, 0.0, datetime.now(timezone.utc), np.full((240, 320, 3), 90, np.uint8))
    return Pane(name, frame, Observation(frame, tuple(faces), hidden=tuple(hidden)), mirror=mirror)


def centre(image: Image, ground: Image) -> float:
    return float(np.nonzero((image != ground).any(axis=2))[1].mean())


class Screen:
    """Stands in for the window."""

    def __init__(self) -> None:
        self.shown: List[Image] = []
        self.keys: List[str] = []

    def show(self, image: Image) -> None:
        self.shown.append(image.copy())

    def poll(self) -> Optional[str]:
        return self.keys.pop(0) if self.keys else None

    def size(self) -> Optional[Tuple[int, int]]:
        return 640, 480

    def free_proportions(self) -> None:
        pass


def view_of(screen: Screen) -> View:
    return View(screen, Overlay(), threading.Event(), iter(range(10**6)).__next__)  # type: ignore[arg-type]


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("cameras", [1, 2])
def test_a_hidden_face_fades_in_the_window_where_it_was_also_mirrored(cameras: int, mirror: bool) -> None:
    images = []
    for hidden in ([], [seen(Box(10, 60, 60, 80), 1, 0.4)]):
        screen = Screen()
        view_of(screen).refresh([pane(hidden, mirror, str(number)) for number in range(cameras)])
        images.append(screen.shown[-1])
    empty, drawn = (image[:, : image.shape[1] // cameras] for image in images)
    assert (centre(drawn, empty) > drawn.shape[1] / 2) == mirror


def test_hidden_faces_are_mirrored_as_the_others_are() -> None:
    there = seen(Box(10, 60, 60, 80), 1, 0.4)
    mirrored = pane([there], True, faces=[there])
    assert mirrored.hidden == mirrored.faces
    assert mirrored.hidden[0].face.box == Box(250, 60, 60, 80)
    assert Pane("door").hidden == ()


def shown_with(keys: Dict[int, str], cameras: int, shown: int) -> List[Image]:
    """Return what a window shows of a face whose expression changes, while keys are pressed before some of the frames."""
    screen = Screen()
    view = view_of(screen)
    for index in range(shown):
        frame = Frame(index, float(index), datetime.now(timezone.utc), np.full((240, 320, 3), 90, np.uint8))
        faces = (seen(Box(100, 60, 90, 90), 1, label="happy" if index % 2 else "sad"),)
        panes = [Pane(str(number), frame, Observation(frame, faces)) for number in range(cameras)]
        screen.keys = [keys[index]] if index in keys else []
        for _ in range(2):  # a key is obeyed behind what is shown
            view.refresh(panes)
    return screen.shown


@pytest.mark.parametrize("cameras", [1, 3])
def test_the_key_t_shows_and_hides_what_was_also_before_it_was_pressed(cameras: int) -> None:
    plain = shown_with({}, cameras, 6)[-1]
    late = shown_with({5: "t"}, cameras, 6)[-1]
    early = shown_with({0: "t"}, cameras, 6)[-1]
    again = shown_with({2: "t", 5: "t"}, cameras, 6)[-1]
    assert not np.array_equal(plain, late)
    assert np.array_equal(late, early)
    assert np.array_equal(plain, again)


def test_the_switch_of_the_traces_takes_effect_in_a_cell_that_stands_still() -> None:
    grid = Grid(Overlay())
    plain = [Numbered(0, pane([], faces=[seen(Box(100, 60, 90, 90), 1)])), Numbered(1, Pane("door"))]
    before = grid.draw(plain, (800, 400))
    assert before is not None
    before = before.copy()
    traced = [Numbered(0, replace(plain[0].pane, traces={1: ((-2.0, 0.5), (0.0, 0.5))})), plain[1]]
    after = grid.draw(traced, (800, 400))
    assert after is not None
    rows, _ = np.nonzero((after != before).any(axis=2))
    assert rows.size


def test_an_overlay_draws_the_same_whatever_it_drew_before() -> None:
    arguments: Any = {"hidden": [seen(Box(300, 90, 90, 90), 2, 0.5)], "traces": {1: ((-1.0, 0.1), (0.0, 0.4))}}
    overlay, image = Overlay(), noise()
    first = overlay.draw(image, [seen(Box(100, 90, 90, 90), 1)], RATES, **arguments)
    overlay.draw(image, [seen(Box(10, 10, 90, 90), 3)], RATES)
    assert np.array_equal(first, overlay.draw(image, [seen(Box(100, 90, 90, 90), 1)], RATES, **arguments))
