from __future__ import annotations

import pytest

from fer_edge.pipeline.frame_counter import FrameBalance, FrameLedger


def test_each_frame_is_counted_where_it_went_and_until_then_as_under_way() -> None:
    ledger = FrameLedger()
    for index in range(6):
        ledger.capture(index)
    ledger.emit(0)
    ledger.drop(1)
    ledger.drop(2)
    assert ledger.balance() == FrameBalance(captured=6, emitted=1, dropped=2, in_flight=3)


def test_a_frame_that_is_under_way_cannot_be_booked_in_again() -> None:
    ledger = FrameLedger()
    ledger.capture(1)
    with pytest.raises(ValueError, match="frame 1 was captured twice"):
        ledger.capture(1)
    assert ledger.balance().captured == 1


def test_a_frame_cannot_be_booked_out_twice_whichever_way_it_went() -> None:
    ledger = FrameLedger()
    for index in range(2):
        ledger.capture(index)
    ledger.emit(0)
    ledger.drop(1)
    for index in range(2):
        with pytest.raises(KeyError):
            ledger.emit(index)
        with pytest.raises(KeyError):
            ledger.drop(index)
    assert ledger.balance() == FrameBalance(captured=2, emitted=1, dropped=1, in_flight=0)
