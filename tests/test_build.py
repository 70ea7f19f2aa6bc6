from __future__ import annotations

import logging

import pytest

from fer_edge.build import PROGRESS_SECONDS, logged_progress


def test_progress_of_long_work_is_logged_now_and_then_and_not_at_every_line(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = logged_progress(lambda: now)
    with caplog.at_level(logging.INFO, logger="fer_edge"):
        for second in range(1, 26):
            now = float(second)
            log(f"building: {second} s")
        now += PROGRESS_SECONDS
        log("")
    assert caplog.messages == ["building: 10 s", "building: 20 s"]
