"""When a live source counts as dead: on a clock of the test's own."""

from __future__ import annotations

from typing import List

import numpy as np
import pytest

from fer_edge.capture.stall import FROZEN_AFTER, UNDECODABLE_AFTER, FrozenImage, StallTimer, UndecodableImages
from fer_edge.errors import SourceStalled, SourceUnreadable


@pytest.fixture
def now() -> List[float]:
    return [100.0]


@pytest.fixture
def timer(now: List[float]) -> StallTimer:
    return StallTimer("the camera", 5.0, "Look at it.", lambda: now[0])


def wait(timer: StallTimer, now: List[float], seconds: float) -> None:
    timer.start()
    now[0] += seconds
    timer.nothing()


def test_a_source_is_dead_after_it_gave_nothing_for_the_whole_timeout(timer: StallTimer, now: List[float]) -> None:
    for _ in range(9):
        wait(timer, now, 0.5)
    with pytest.raises(SourceStalled, match=r"the camera gave no frame for 5 s\.\n.*Look at it"):
        wait(timer, now, 0.5)


def test_each_frame_begins_the_wait_anew(timer: StallTimer, now: List[float]) -> None:
    for _ in range(10):
        wait(timer, now, 4.5)
        timer.frame()


def test_time_in_which_nobody_asked_for_a_frame_does_not_count(timer: StallTimer, now: List[float]) -> None:
    for _ in range(9):
        wait(timer, now, 0.5)
        now[0] += 1000.0


def picture(level: int = 7, shape: tuple = (48, 64, 3)) -> np.ndarray:  # type: ignore[type-arg]
    return np.full(shape, level, np.uint8)


def test_a_source_that_gives_the_same_picture_for_the_whole_patience_is_stalled(now: List[float]) -> None:
    frozen = FrozenImage(lambda: now[0])
    frozen.look(picture())
    now[0] += FROZEN_AFTER - 0.1
    frozen.look(picture())
    now[0] += 0.2
    with pytest.raises(SourceStalled, match="the same picture for 10 s"):
        frozen.look(picture())


@pytest.mark.parametrize(
    ("row", "column", "channel"), [(0, 0, 0), (1, 1, 0), (47, 63, 2), (17, 33, 1), (16, 1, 0), (8, 8, 2)]
)
def test_one_value_that_changes_anywhere_is_life(now: List[float], row: int, column: int, channel: int) -> None:
    frozen = FrozenImage(lambda: now[0])
    for turn in range(10):
        image = picture()
        image[row, column, channel] = turn
        frozen.look(image)
        now[0] += FROZEN_AFTER - 0.1


def test_a_picture_of_another_size_is_another_one(now: List[float]) -> None:
    frozen = FrozenImage(lambda: now[0])
    for turn in range(10):
        frozen.look(picture(shape=(48 + turn, 64, 3)))
        now[0] += FROZEN_AFTER - 0.1


def test_the_patience_begins_anew_with_each_change(now: List[float]) -> None:
    frozen = FrozenImage(lambda: now[0])
    for level in (1, 1, 2, 2, 1, 1):
        frozen.look(picture(level))
        now[0] += FROZEN_AFTER * 0.6


def test_damaged_pictures_end_a_source_when_none_is_whole_for_the_whole_patience(now: List[float]) -> None:
    undecodable = UndecodableImages(lambda: now[0])
    error = SourceUnreadable("no picture")
    for _ in range(5):
        undecodable.damaged(error)
        now[0] += UNDECODABLE_AFTER - 0.1
        undecodable.whole()
        now[0] += UNDECODABLE_AFTER
    undecodable.damaged(error)
    now[0] += UNDECODABLE_AFTER - 0.1
    undecodable.damaged(error)
    now[0] += 0.2
    with pytest.raises(SourceUnreadable):
        undecodable.damaged(error)
