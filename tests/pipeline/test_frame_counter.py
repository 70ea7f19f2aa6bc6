from __future__ import annotations

import pytest

from fer_edge.pipeline.frame_counter import FrameCounter
from fer_edge.types import FrameBalance


def test_each_frame_is_counted_where_it_went_and_until_then_as_under_way() -> None:
    counter = FrameCounter()
    for index in range(6):
        counter.capture(index)
    counter.emit(0)
    counter.drop(1)
    counter.drop(2)
    assert counter.balance() == FrameBalance(captured=6, emitted=1, dropped=2, in_flight=3)


def test_a_frame_that_is_under_way_cannot_be_booked_in_again() -> None:
    counter = FrameCounter()
    counter.capture(1)
    with pytest.raises(ValueError, match="frame 1 was captured twice"):
        counter.capture(1)
    assert counter.balance().captured == 1


def test_a_frame_cannot_be_booked_out_twice_whichever_way_it_went() -> None:
    counter = FrameCounter()
    for index in range(2):
        counter.capture(index)
    counter.emit(0)
    counter.drop(1)
    for index in range(2):
        with pytest.raises(KeyError):
            counter.emit(index)
        with pytest.raises(KeyError):
            counter.drop(index)
    assert counter.balance() == FrameBalance(captured=2, emitted=1, dropped=1, in_flight=0)
