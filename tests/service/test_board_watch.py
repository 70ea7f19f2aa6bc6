from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import List

import pytest
from fake_machines import nano, nothing_runs

from fer_edge.board.memory import Memory
from fer_edge.board.power import PowerMode
from fer_edge.board.state import BoardState, read_board_state
from fer_edge.board.temperature import Cooling
from fer_edge.service.board_watch import QUIET, BoardWatch


class Board:
    """A board whose state the test sets, with a clock."""

    def __init__(self, state: BoardState) -> None:
        self.state = state
        self.now = 0.0
        self.watch = BoardWatch(600.0, lambda: self.state, clock=lambda: self.now)

    def look(self, seconds: float = 30.0) -> None:
        self.now += seconds
        self.watch.look()


@pytest.fixture
def board(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Board:
    caplog.set_level(logging.INFO, "fer_edge")
    return Board(read_board_state(nano(tmp_path), nothing_runs))


def events(caplog: pytest.LogCaptureFixture) -> List[str]:
    found = [record.event for record in caplog.records if hasattr(record, "event")]
    caplog.clear()
    return found


def test_each_change_is_one_line_and_nothing_is_said_while_nothing_changes(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    cool = board.state
    board.look()
    assert events(caplog) == ["board"]
    board.look()
    assert events(caplog) == []
    board.state = replace(cool, cooling=(Cooling("cpu-throttle-alert", 1, 2),))
    for _ in range(3):
        board.look()
    assert events(caplog) == ["heat_slows_down"]
    board.state = cool
    board.look()
    assert events(caplog) == []
    board.look(QUIET)
    board.state = replace(cool, power_mode=PowerMode(1, "5W"))
    board.look()
    assert events(caplog) == ["heat_is_over", "power_mode"]
    board.state = replace(cool, power_mode=None)
    board.look()
    board.state = replace(cool, power_mode=PowerMode(1, "5W"))
    board.look()
    assert events(caplog) == []
    board.look(600.0)
    assert events(caplog) == ["board"]


def test_a_board_that_swings_around_its_limit_does_not_fill_the_log(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    cool = board.state
    for number in range(200):
        board.state = replace(cool, cooling=(Cooling("cpu-throttle-alert", number % 2, 2),))
        board.look()
    assert [event for event in events(caplog) if event.startswith("heat")] == ["heat_slows_down"]


def test_heat_and_short_memory_are_reasons_for_being_degraded_as_long_as_they_last(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    cool = board.state
    board.look()
    assert board.watch.troubles() == ()
    hot = replace(cool, cooling=(Cooling("gpu-throttle-alert", 2, 2),), memory=Memory(3964.0, 90.0, None, None))
    board.state = hot
    board.look()
    assert board.watch.troubles() == (
        "the board is slowed down by heat (gpu-throttle-alert)",
        "only 90 of 3964 MiB of memory are left",
    )
    assert "memory_is_short" in events(caplog)
    board.state = cool
    board.look()
    assert board.watch.troubles() == ()
    board.look(QUIET)
    assert "memory_is_back" in events(caplog)


def test_memory_is_little_from_a_twentieth_on(board: Board) -> None:
    for available, little in ((210.0, False), (199.0, True), (None, False)):
        board.state = replace(board.state, memory=Memory(4000.0, available, None, None))
        board.look()
        assert (board.watch.troubles() != ()) == little, available


def test_a_board_that_cannot_be_read_ends_nothing_and_a_look_that_hangs_does_not_hold_up_the_end() -> None:
    looks: List[int] = []
    looked_twice, go_on = threading.Event(), threading.Event()

    def read() -> BoardState:
        looks.append(1)
        if len(looks) == 1:
            raise OSError("a sensor hangs")
        looked_twice.set()
        go_on.wait(60)
        return BoardState()

    with BoardWatch(600.0, read, period=0.01):
        assert looked_twice.wait(10)
    # The look is still under way, and the block is over all the same.
    assert not go_on.is_set()
    go_on.set()
