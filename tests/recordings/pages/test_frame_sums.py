"""Frames in steps: each lasts until the next, nothing measured is no zero, and an hour has no more steps than a minute."""

from __future__ import annotations

import math
from typing import List, Optional, Sequence, Tuple

import numpy as np
import pytest

from fer_edge.recordings.pages.frame_sums import MOST_STEPS, WIDTHS, FrameSteps, last_time, steps_of, sums_of
from fer_edge.recordings.pages.reading import Batch, Summary
from fer_edge.types import LABELS

HAPPY, SAD = LABELS.index("happy"), LABELS.index("sad")
NOBODY = -1


def summary(duration: Optional[float], frames: int, analysed: Optional[int] = None, kind: str = "video") -> Summary:
    analysed = frames if analysed is None else analysed
    seconds = dict.fromkeys(LABELS, 0.0)
    return Summary("a", "", duration, 10.0, frames, analysed, 0, 0, 0, seconds, None, None, (), {"kind": kind})


def batch(*rows: Tuple[float, int, int, int, float], files: Sequence[str] = ()) -> Batch:
    """Make a batch of (time, frame, label, track, valence)."""
    columns = list(zip(*rows))
    return Batch(
        np.array(columns[0], np.float64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.int64),
        np.array(columns[4], np.float64),
        list(files) or [""] * len(rows),
    )


def nobody(time: float, frame: int) -> Tuple[float, int, int, int, float]:
    return time, frame, NOBODY, NOBODY, math.nan


def test_a_frame_lasts_until_the_next_one_and_is_cut_where_a_step_ends() -> None:
    steps = FrameSteps(1.0, 3, 3.0, pictures=False, longest=2.0)
    rows = batch((0.0, 0, HAPPY, 1, 0.9), (0.5, 1, SAD, 1, -0.8), (2.0, 2, HAPPY, 1, 0.9))
    sums = sums_of([rows], steps, None)
    assert sums.measured.tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert sums.shown[:, HAPPY].tolist() == pytest.approx([0.5, 0.0, 1.0])
    assert sums.shown[:, SAD].tolist() == pytest.approx([0.5, 1.0, 0.0])
    assert sums.valence.tolist() == pytest.approx([0.05, -0.8, 0.9])
    assert (sums.lowest[0], sums.highest[0]) == (-0.8, 0.9)
    assert sums.valence_of[1] == pytest.approx((0.9 * 1.5 - 0.8 * 1.5) / 3)


def test_faces_of_a_frame_that_goes_on_in_the_next_batch_count_all() -> None:
    steps = FrameSteps(1.0, 2, 2.0, pictures=False, longest=2.0)
    rows = [(0.0, 0, HAPPY, 1, 0.9), (0.0, 0, SAD, 2, -0.8), (1.0, 1, SAD, 2, -0.8), (1.0, 1, SAD, 3, -0.6)]
    whole = sums_of([batch(*rows)], steps, None)
    for cut in range(1, len(rows)):
        parts = sums_of([batch(*rows[:cut]), batch(*rows[cut:])], steps, None)
        assert parts.shown.tolist() == whole.shown.tolist(), cut
        assert parts.measured.tolist() == whole.measured.tolist() == [1.0, 1.0]
    assert whole.people[1, SAD] == 2


def test_nothing_measured_is_not_nobody_in_view() -> None:
    steps = FrameSteps(1.0, 10, 10.0, pictures=False, longest=2.0)
    sums = sums_of([batch(nobody(0.0, 0), (8.0, 80, HAPPY, 1, 0.9))], steps, None)
    assert sums.people[0].sum() == 0, "a frame without faces"
    assert np.isnan(sums.people[3]).all(), "no frame"
    assert sums.people[8, HAPPY] == 1
    assert np.isnan(sums.valence[0])


def test_frames_of_a_recording_that_was_analysed_rarely_leave_no_holes() -> None:
    rare = summary(600.0, 6000, 120)
    steps = steps_of(rare)
    rows = [(5.0 * number, 50 * number, HAPPY, 1, 0.9) for number in range(120)]
    sums = sums_of([batch(*rows)], steps, None)
    assert sums.people[:, HAPPY].tolist() == pytest.approx([1.0] * steps.count)
    assert sums.shown.sum() == pytest.approx(600.0)


@pytest.mark.parametrize("duration", [0.04, 1.0, 7.3, 60.0, 3600.0, 36000.0, 1e7])
def test_steps_fit_a_screen_whatever_the_length(duration: float) -> None:
    steps = steps_of(summary(duration, max(1, int(duration * 25))))
    assert 1 <= steps.count <= MOST_STEPS
    assert steps.width in WIDTHS or steps.width % WIDTHS[-1] == 0
    assert (steps.count - 1) * steps.width < duration <= steps.count * steps.width + 1e-6
    assert steps.edges()[-1] == duration


def test_times_that_are_not_known_come_from_the_rate() -> None:
    steps = FrameSteps(1.0, 2, 2.0, pictures=False, longest=2.0)
    rows = batch((math.nan, 0, HAPPY, 1, 0.9), (math.nan, 10, SAD, 1, -0.8))
    sums = sums_of([rows], steps, 10.0)
    assert sums.shown[:, HAPPY].tolist() == [1.0, 0.0]
    assert sums.shown[:, SAD].tolist() == [0.0, 1.0]
    assert last_time([rows], 10.0) == pytest.approx(1.1)
    assert last_time([batch((4.0, 0, HAPPY, 1, 0.9))], 10.0) == pytest.approx(4.1)


def test_pictures_count_one_by_one_and_keep_the_name_of_the_first_in_a_step() -> None:
    steps = steps_of(summary(None, 4, kind="pictures"))
    files: List[str] = ["a.jpg", "a.jpg", "b.jpg", "d.jpg"]
    rows = batch(
        (9.0, 0, HAPPY, -1, 0.9), (9.0, 0, SAD, -1, -0.8), nobody(9.0, 1), (9.0, 3, SAD, -1, -0.8), files=files
    )
    sums = sums_of([rows], steps, None)
    assert (steps.width, steps.count) == (1, 4)
    assert sums.shown.sum(axis=1).tolist() == [2, 0, 0, 1]
    assert sums.measured.tolist() == [1, 1, 0, 1]
    assert sums.file == ["a.jpg", "b.jpg", "", "d.jpg"]
    assert steps_of(summary(None, 10_000, kind="pictures")).count <= MOST_STEPS


def test_what_comes_behind_the_end_or_goes_back_in_time_harms_nothing() -> None:
    steps = FrameSteps(1.0, 2, 2.0, pictures=False, longest=2.0)
    rows = batch((1.0, 0, HAPPY, 1, 0.9), (0.5, 1, SAD, 1, 0.1), (70.0, 2, SAD, 1, 0.1), (-3.0, 3, SAD, 1, 0.1))
    sums = sums_of([rows], steps, None)
    assert np.isfinite(sums.shown).all()
    assert sums.shown.min() >= 0
    assert sums_of([], steps, None).shown.sum() == 0
