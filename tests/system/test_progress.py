from __future__ import annotations

import threading

import pytest

from fer_edge.system import progress
from fer_edge.system.progress import ticking


def test_who_waits_for_a_build_sees_the_time_go_by_and_the_line_cleared_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.01)
    lines, twice = [], threading.Event()

    def show(line: str) -> None:
        lines.append(line)
        if len(lines) >= 2:
            twice.set()

    with ticking(show, "building"):
        assert twice.wait(30)
    assert lines[0] == "building: 0 s"
    assert lines[-1] == ""


def test_the_line_is_cleared_and_the_ticking_ends_when_a_build_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.01)
    lines = []
    with pytest.raises(ValueError, match="failed"), ticking(lines.append, "building"):
        raise ValueError("failed")
    assert lines[-1] == ""
    assert not [thread for thread in threading.enumerate() if thread.name == "fer-edge-build"]
