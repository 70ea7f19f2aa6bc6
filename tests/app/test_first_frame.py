from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np
import pytest

from fer_edge.app.first_frame import FirstFrame
from fer_edge.app.live import LiveRun
from fer_edge.app.parts import Parts
from fer_edge.app.summary import Summary
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.errors import SourceError, SourceNotFound, SourceStalled, SourceUnreachable
from fer_edge.settings import Settings


class Silent(FakeSource):
    """A camera that can be opened, or not, and gives nothing."""

    def __init__(self, error: Optional[SourceError] = None, hangs: bool = False) -> None:
        super().__init__([], live=True)
        self._why = error
        self._hangs = hangs
        self._end = threading.Event()

    def open(self) -> SourceInfo:
        if self._hangs:
            self._end.wait(20)
        if self._why is not None:
            raise self._why
        return SourceInfo("silent", 64, 48, 0.0)

    def grab(self) -> Optional[bool]:
        self._end.wait(0.05)
        return None

    def interrupt(self) -> None:
        self._end.set()


def seen() -> FakeSource:
    shades = [np.full((48, 64, 3), shade, np.uint8) for shade in range(0, 250, 10)]
    return FakeSource(shades, live=True, fps=50.0, repeat=True)


def a_run(cameras: Dict[str, Callable[[], Source]], **options: object) -> Summary:
    """Run with so many cameras, each opened anew by what made it first."""
    settings = Settings.of(display="none", camera=[f"{name}=demo" for name in cameras], **options)
    parts = Parts(
        source=lambda _settings, camera, _paced, _names: cameras[camera.name](),
        detector=lambda *_: partial(FakeDetector, []),
        classifier=lambda _: FakeClassifier,
    )
    return LiveRun(settings, threading.Event(), parts=parts).run()


def test_a_run_whose_camera_never_answers_ends_with_its_last_error_though_it_waits_for_ever() -> None:
    missing = partial(Silent, SourceUnreachable("Nobody answers."))
    summary = a_run({"door": missing}, duration=0.3, reconnect="always")
    assert isinstance(summary.failure, SourceUnreachable)
    assert "Nobody answers." in str(summary.failure)
    assert summary.balance.captured == 0


def test_a_camera_that_is_open_and_gives_nothing_is_waited_for_as_long_as_a_first_image_may_take() -> None:
    limits = {"connect_timeout": 0.2, "first_image_timeout": 0.4}
    begun = time.monotonic()
    summary = a_run({"door": Silent}, duration=0.1, **limits)
    assert time.monotonic() - begun >= 0.6
    assert isinstance(summary.failure, SourceStalled)
    assert "0.1 s" in str(summary.failure)


def test_an_opening_that_hangs_does_not_keep_the_run_from_its_end() -> None:
    summary = a_run({"door": partial(Silent, hangs=True)}, duration=0.1, connect_timeout=0.2, first_image_timeout=0.2)
    assert isinstance(summary.failure, SourceStalled)


def test_a_slow_camera_gets_its_whole_time_from_its_first_frame_on() -> None:
    class Slow(FakeSource):
        def open(self) -> SourceInfo:
            time.sleep(0.6)
            return super().open()

    images = [np.full((48, 64, 3), shade, np.uint8) for shade in range(0, 250, 10)]
    summary = a_run({"door": partial(Slow, images, live=True, fps=50.0, repeat=True)}, duration=0.4)
    assert summary.failure is None
    assert summary.balance.emitted > 0
    assert summary.seconds >= 0.4


def test_of_several_cameras_those_that_gave_nothing_are_told_and_the_run_is_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, logger="fer_edge"):
        summary = a_run(
            {"front": seen, "door": partial(Silent, SourceNotFound("No door.")), "yard": Silent}, duration=0.5
        )
    assert summary.failure is None
    told = [message for message in caplog.messages if "gave no picture" in message]
    assert told == ["camera door gave no picture: No door", "camera yard gave no picture: it was still being opened"]


def test_where_none_of_several_cameras_gave_anything_the_code_is_that_of_the_first_with_an_error() -> None:
    missing = partial(Silent, SourceNotFound("No door."))
    summary = a_run(
        {"yard": Silent, "door": missing},
        duration=0.2,
        reconnect="always",
        connect_timeout=0.2,
        first_image_timeout=0.2,
    )
    assert isinstance(summary.failure, SourceNotFound)
    assert str(summary.failure).startswith("camera door: ")


class Lane:
    """What is looked at of a lane."""

    def __init__(self, error: Optional[Exception] = None) -> None:
        self.last_error = error


@pytest.mark.parametrize(
    ("duration", "failed", "late_at"),
    [
        (2.0, [True], 2.0),
        (2.0, [False], 40.0),
        (2.0, [True, False], 40.0),
        (100.0, [False], 100.0),
        (100.0, [True], 100.0),
        (None, [True], None),
    ],
)
def test_only_a_first_attempt_is_waited_for_beyond_the_time_of_the_run(
    duration: Optional[float], failed: Sequence[bool], late_at: Optional[float]
) -> None:
    first = FirstFrame(Settings.of(duration=duration) if duration is not None else Settings())
    lanes: List[Lane] = [Lane(SourceNotFound("No.") if each else None) for each in failed]
    late = [now for now in range(200) if first.is_too_late(1000.0 + now, lanes)]  # type: ignore[arg-type]
    assert (late[0] if late else None) == late_at
