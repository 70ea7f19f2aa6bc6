from __future__ import annotations

import numpy as np
import pytest

from fer_edge.capture.fake import FakeSource
from fer_edge.errors import SourceStalled

IMAGES = [np.full((4, 6, 3), i, np.uint8) for i in range(3)]


def test_the_given_pictures_come_in_order_and_then_the_end() -> None:
    source = FakeSource(IMAGES)
    with source:
        seen = []
        while source.grab():
            seen.append(int(source.retrieve()[0, 0, 0]))
        assert seen == [0, 1, 2]
        assert source.grab() is False
    assert (source.opened, source.closed) == (1, 1)


def test_changing_a_retrieved_picture_leaves_the_next_one_alone() -> None:
    with FakeSource(IMAGES[:1], repeat=True) as source:
        source.grab()
        source.retrieve()[:] = 99
        source.grab()
        assert not source.retrieve().any()


def test_the_error_that_was_asked_for_comes_in_place_of_the_end() -> None:
    with FakeSource(IMAGES[:1], error=SourceStalled("gone")) as source:
        assert source.grab() is True
        with pytest.raises(SourceStalled):
            source.grab()


def test_a_rate_is_kept_and_no_wait_is_longer_than_half_a_second() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        assert seconds <= 0.5
        now[0] += seconds

    with FakeSource(IMAGES, live=True, fps=1.0, clock=lambda: now[0], sleep=sleep) as source:
        answers = [source.grab() for _ in range(5)]
    assert answers == [True, None, True, None, True]
    assert now[0] == pytest.approx(2.0)


def test_as_a_file_with_a_rate_it_tells_its_time() -> None:
    for live, fps, times in ((False, 1000.0, [0.0, 0.001]), (True, 1000.0, [None, None]), (False, 0.0, [None, None])):
        with FakeSource([np.zeros((4, 4, 3), np.uint8)] * 2, live=live, fps=fps) as source:
            seen = []
            while source.grab():
                source.retrieve()
                seen.append(source.media_time)
        assert seen == times
