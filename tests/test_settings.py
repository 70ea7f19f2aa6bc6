from __future__ import annotations

from pathlib import Path

import pytest

from fer_edge.errors import SettingsError, UsageError
from fer_edge.settings import load_settings


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text('camera = "from file"\ndetector = "yunet"\nmin-score = 0.6\nbars = false\nsize = [320, 240]\n')
    environment = {"FER_EDGE_CAMERA": "from environment", "FER_EDGE_DETECTOR": "blazeface-full", "HOME": "/nowhere"}
    settings = load_settings({"camera": "from the command line"}, environment, file)
    assert settings.camera == "from the command line"
    assert settings.detector == "blazeface-full"
    assert settings.min_score == 0.6
    assert settings.bars is False
    assert settings.size == (320, 240)
    assert settings.display == "auto"


def test_an_unknown_key_in_the_file_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text('camra = "0"\n')
    with pytest.raises(SettingsError, match="camra") as caught:
        load_settings({}, {}, file)
    assert str(file) in str(caught.value)
    assert "Did you mean 'camera'?" in str(caught.value)


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="FER_EDGE_CAMRA"):
        load_settings({}, {"FER_EDGE_CAMRA": "0"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_score", "1.5"),
        ("min_score", "nan"),
        ("display", "screen"),
        ("size", "640"),
        ("size", "0x480"),
        ("threads", "0"),
        ("duration", "-1"),
        ("duration", "inf"),
        ("pixel_format", "MJPEG"),
        ("bars", "perhaps"),
        ("camera", ""),
        ("detector", "haar"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_place(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="--" + name.replace("_", "-")):
        load_settings({name: value}, {})
    variable = "FER_EDGE_" + name.upper()
    with pytest.raises(SettingsError, match=variable):
        load_settings({}, {variable: value})


@pytest.mark.parametrize("content", [b"camera = ", b"\xff\xfe\x00", b"[camera]\nx = 1\n"])
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="broken.toml"):
        load_settings({"display": "none"}, {}, file)


def test_a_missing_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere.toml"):
        load_settings({}, {}, tmp_path / "nowhere.toml")
