from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fer_edge.app.parts import PROGRESS_SECONDS, build_source, logged_progress
from fer_edge.errors import SourceNotFound, SourceUnreadable
from fer_edge.settings import CameraSettings, Settings


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


def test_a_camera_that_comes_back_is_sought_by_its_names_and_never_by_its_old_number(tmp_path: Path) -> None:
    place, make = str(tmp_path / "by-path"), str(tmp_path / "by-id")
    settings = Settings.of(camera="/dev/video99")
    with pytest.raises(SourceNotFound, match="by-path"):
        build_source(settings, settings.cameras[0], names=(f"/dev/../{place}", f"/dev/../{make}")).open()
    Path(make).write_text("no camera, but there")
    with pytest.raises(SourceUnreadable, match="by-id"):
        build_source(settings, settings.cameras[0], names=(f"/dev/../{place}", f"/dev/../{make}")).open()


def test_who_waits_for_a_camera_does_not_get_the_demo_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.app.parts.FIRST_CAMERA", "/dev/no-such-camera")
    assert type(build_source(Settings(), CameraSettings())).__name__ == "DemoSource"
    assert type(build_source(Settings.of(reconnect="always"), CameraSettings())).__name__ == "CameraSource"
