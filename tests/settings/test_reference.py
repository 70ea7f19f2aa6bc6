"""docs/settings.md: its tables are made of the settings, and its example works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fer_edge.settings import CameraSettings, load_settings
from fer_edge.settings.file import SettingsFile

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"


def test_the_page_lists_every_setting_as_it_is_now() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "write_settings_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_example_of_the_page_is_valid_and_does_what_its_comments_say() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    settings = load_settings({}, {}, SettingsFile.parse(Path("three.toml"), example.encode()))
    assert settings.cameras == (
        CameraSettings("front", "0", (640, 480), 15.0),
        CameraSettings("door", "rtsp://192.168.1.20/live", (640, 480), detector="blazeface"),
        CameraSettings("demo-3", "demo:3", (640, 480)),
    )
    assert settings.outputs.record == "{camera}.mp4"


@pytest.mark.parametrize("ending", ["one camera", "three cameras"])
def test_the_shipped_settings_of_the_service_hold_a_valid_example_of_several_cameras(ending: str) -> None:
    text = (ROOT / "systemd" / "fer-edge.toml").read_text(encoding="utf-8")
    if ending == "three cameras":
        head, _, tables = text.partition("# [[camera]]")
        tables = re.sub("^# ?", "", "# [[camera]]" + tables, flags=re.MULTILINE)
        text = re.sub("^camera = .*$", "", head, flags=re.MULTILINE) + tables
    settings = load_settings({}, {}, SettingsFile.parse(Path("fer-edge.toml"), text.encode()))
    names = [camera.name for camera in settings.cameras]
    assert names == (["front", "door", "yard"] if ending == "three cameras" else ["camera0"])
