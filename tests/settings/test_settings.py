from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import List

import pytest

from fer_edge.errors import SettingsError, UsageError
from fer_edge.settings import load_settings
from fer_edge.settings.settings import setting_options


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text('camera = "from file"\ndetector = "yunet"\nmin-score = 0.6\nbars = false\nsize = [320, 240]\n')
    environment = {"FER_EDGE_CAMERA": "from environment", "FER_EDGE_DETECTOR": "blazeface-full", "HOME": "/nowhere"}
    settings = load_settings({"camera": "from the command line"}, environment, file)
    assert settings.cameras[0].source == "from the command line"
    assert settings.analysis.detector == "blazeface-full"
    assert settings.analysis.min_score == 0.6
    assert settings.outputs.bars is False
    assert settings.cameras[0].size == (320, 240)
    assert settings.outputs.display == "auto"


@pytest.mark.parametrize("text", ["tracks = false", 'tracks = "off"', "[tracks]\non = false"])
def test_a_setting_that_is_called_as_its_table_may_stand_above_it_or_in_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text(text)
    assert not load_settings({}, {}, file).tracks.on


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


@pytest.mark.parametrize("name", [known.setting.option for known in setting_options()])
def test_an_empty_variable_counts_as_not_set(name: str, tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text('token = "sesame"\n')
    settings = load_settings({}, {f"FER_EDGE_{name.upper()}": ""}, file)
    assert settings == load_settings({}, {}, file)
    assert settings.origins == {"token": f"{file}, line 1"}


def test_an_empty_variable_of_an_unknown_name_is_refused_still() -> None:
    with pytest.raises(SettingsError, match="FER_EDGE_CAMRA"):
        load_settings({}, {"FER_EDGE_CAMRA": ""})


LINKS = {
    "SERVICE_HOST": "10.0.0.11",
    "SERVICE_PORT": "8650",
    "SERVICE_PORT_METRICS": "8650",
    "PORT": "tcp://10.0.0.11:8650",
    "PORT_8650_TCP": "tcp://10.0.0.11:8650",
    "PORT_8650_TCP_PROTO": "tcp",
    "PORT_8650_TCP_PORT": "8650",
    "PORT_8650_TCP_ADDR": "10.0.0.11",
    "PORT_53_UDP": "udp://[fd00::11]:53",
    "PORT_53_UDP_ADDR": "fd00::11",
    "NAME": "/web/fer-edge",
}
"""What Kubernetes, and Docker for a linked container, set for a service named fer-edge."""


@pytest.mark.parametrize("service", ["", "WEB_", "CAM_2_"])
def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_setting(service: str) -> None:
    environment = {f"FER_EDGE_{service}{name}": value for name, value in LINKS.items()}
    settings = load_settings({}, {**environment, "FER_EDGE_CAMERA": "7"})
    assert settings.cameras[0].source == "7"
    assert set(settings.origins) == {"camera", "camera.camera7.source"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAMRA", "10.0.0.11"),
        ("PORT", "8650"),
        ("PORT", "tcp://"),
        ("SERVICE_HOST", "everywhere"),
        ("SERVICE_PORT", "http"),
        ("PORT_8650_TCP", "8650"),
        ("PORT_8650_TCP_PROTO", "icmp"),
        ("PORT_8650", "tcp://10.0.0.11:8650"),
        ("REPORT", "tcp://10.0.0.11:8650"),
        ("NAME", "door"),
        ("SERVICE_HOSTS", "10.0.0.11"),
    ],
)
def test_a_variable_that_only_resembles_those_of_kubernetes_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"FER_EDGE_{name} is no setting"):
        load_settings({}, {f"FER_EDGE_{name}": value})


def test_a_setting_is_one_whatever_its_value_looks_like() -> None:
    assert load_settings({}, {"FER_EDGE_OUTPUT": "tcp://10.0.0.11:8650"}).outputs.output == "tcp://10.0.0.11:8650"


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
        ("duration", "1_0"),
        ("duration", "1e400"),
        ("duration", "\u0663"),
        ("min_score", "0"),
        ("min_score", "1"),
        ("min_score", "0.5_0"),
        ("frames", "1_0"),
        ("frames", "9" * 5000),
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
    if value:
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


def test_what_is_no_file_is_refused_as_settings_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match=f"{tmp_path}/pipe is no ordinary file"):
        load_settings({}, {}, tmp_path / "pipe")
    with pytest.raises(SettingsError, match=f"{tmp_path} is a folder") as caught:
        load_settings({}, {}, tmp_path)
    assert "UTF-8" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_settings_file_that_the_user_may_not_read_is_told_apart_with_who_may_not(public_folder: Path) -> None:
    file = public_folder / "fer-edge.toml"
    file.write_text('camera = "0"\n')
    file.chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(SettingsError, match=f"The user nobody may not read the settings file {file}") as caught:
            load_settings({}, {}, file)
    finally:
        os.seteuid(0)
    assert f"chmod a+r '{file}'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('camera = "0"\ncamra = "1"\n', 2, "no setting 'camra'"),
        ("\n# bars = 1\nbars = 1\n", 3, "true or false"),
        ('record = """\nmin-score = 3\n"""\n"min-score" = 3\n', 4, "a number between 0 and 1"),
        ("min-score = 0.5\r\nmin_score = 0.6\r\n", 2, "set twice"),
        ("frames = [\n  1,\n]\n", 1, "a whole number above 0"),
        ('[source]\n# which\ncamera = "0"\n', 3, "stands in the table 'source'"),
        ('[source]\nx = 1\n[other]\ncamera = "0"\n', 1, "no setting 'source'"),
        ("source.x.camera = 0\n", 1, "no setting 'source'"),
        ("source.camera = 0\n", 1, "stands in the table 'source'"),
        ("[[source]]\ncamera = 0\n", 1, "no setting 'source'"),
        ("[camera]\nindex = 1\n", 1, "a camera's table begins with [[camera]]"),
        ('[[camera]]\nsource = "0"\n\n[[camera]]\nsource = "1"\nsise = 1\n', 6, "Did you mean 'size'?"),
        ('[[camera]]\nsource = "0"\ndisplay = "none"\n', 3, "write it as 'display' into [outputs]"),
        ('[[camera]]\nsource = "0"\npixel_format = "YUYV"\n', 3, "Did you mean 'format'?"),
        ('[[camera]]\nname = "a/b"\n', 2, "it must be letters (a to z), digits"),
        ("[[camera]]\nsize = [640, 480]\n", 1, "neither a name nor a source"),
        ('[[camera]]\nname = "front"\nfps = 15\n', 1, "nothing gives the camera 'front' a source"),
        ('camera = "0"\n# more\n[[camera]]\nsource = "1"\n', 1, "and the [[camera]] in line 3 cannot both"),
        ('camera = [{source = "0"}, {sorce = "1"}]\n', 1, "Did you mean 'source'?"),
        ('camera = ["0", "1"]\n', 1, "a camera's table begins with [[camera]]"),
        ("[analysis]\n\ndetectr = 1\n", 3, "Did you mean 'detector'?"),
        ('[log]\nlog_level = "info"\n', 2, "Did you mean 'level'?"),
        ("[outputs]\nlisten = 8650\n", 2, "write it as 'listen' into [web]"),
        ('[outputs]\nlevel = "info"\n', 2, "It belongs into [log]"),
        ("[outputs]\nsize = [1, 1]\n", 2, "write 'size' into a [[camera]]"),
        ("[output]\nbars = false\n", 1, "Did you mean 'outputs'?"),
        ('analysis = "yunet"\n', 1, "Write  [analysis]"),
        ('log_level = "info"\n[log]\nlevel = "info"\n', 3, "log.level is set twice, first by "),
        ('[log]\nlevel = "loud"\n', 2, "level: 'loud' will not do: it must be one of debug"),
        ("[run]\nframes = 3.5\n", 2, "a whole number above 0"),
        ("frames = 3.0\n", 1, "a whole number above 0"),
        ("camera = true\n", 1, "it must be text"),
        ("camera = 1979-05-27\n", 1, "it must be text"),
        ('display = ["none"]\n', 1, "one of auto, window, none"),
        ("size = [640, 480, 3]\n", 1, "WIDTHxHEIGHT"),
        ("listen = 70000\n", 1, "HOST:PORT"),
        ("frames = 0x" + "f" * 4000 + "\n", 1, "a whole number above 0"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_bytes(text.encode())
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, file)
    assert f"{file}, line {line}: " in str(caught.value)
    assert words in str(caught.value)


def test_where_a_statement_goes_on_for_too_long_no_line_is_named_rather_than_a_wrong_one(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text("size = [\n" + "1,\n" * 500 + "]\nbars = 5\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, file)
    assert str(caught.value).startswith(f"{file}: size")


def test_a_byte_order_mark_at_the_start_of_the_file_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_bytes(b"\xef\xbb\xbfcamera = 0\r\n")
    assert load_settings({}, {}, file).cameras[0].source == "0"


@pytest.mark.parametrize("text", ["a = " + "[" * 3000, "a = " + "9" * 4090, "." * 5000, "#\n" * 40000])
def test_a_file_that_would_exhaust_the_reader_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="fer-edge.toml"):
        load_settings({}, {}, file)


def test_a_token_that_no_header_can_carry_is_refused_and_not_shown() -> None:
    for token in ("open sesame", "s\u00e9same", "sesame\udcff"):
        with pytest.raises(SettingsError, match="FER_EDGE_TOKEN") as caught:
            load_settings({}, {"FER_EDGE_TOKEN": token})
        assert token not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("frames", "\u0663"), ("min_score", "\u0660.5"), ("camera", "a\0b")])
def test_digits_of_other_scripts_and_nul_characters_are_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="it must be"):
        load_settings({name: value}, {})


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        (['listen = "0.0.0.0:{port}"'], 2, "line 3: Listening on 0.0.0.0:{port}"),
        (["listen = {port}"], 33, "line 3: Cannot listen on 127.0.0.1:{port}"),
        (['model = "no-such-model"'], 20, "line 3: There is no model named 'no-such-model'"),
        (['output = "/no/such/folder/x"'], 30, "line 3: The results file '/no/such/folder/x'"),
        (["", "listen = 99999"], 3, "line 4: listen: 99999 will not do"),
        (["", "", "camra = 0"], 3, "line 5: there is no setting 'camra'"),
    ],
)
def test_what_a_line_of_the_file_leads_to_is_said_with_the_line_and_nothing_is_started(
    lines: List[str], code: int, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "fer-edge.toml"
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        head = ['camera = "demo"', 'display = "none"']
        file.write_text("\n".join(head + [line.format(port=port) for line in lines]))
        command = [sys.executable, "-m", "fer_edge", "--config", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert f"{file}, {words.format(port=port)}" in done.stderr
    assert "watching" not in done.stderr


def test_what_the_environment_leads_to_names_the_variable_and_the_command_line_needs_no_place(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text('model = "one"')
    settings = load_settings({}, {"FER_EDGE_MODEL": "two"}, file)
    with pytest.raises(SettingsError, match="^FER_EDGE_MODEL: no"), settings.located("model"):
        raise SettingsError("no")
    settings = load_settings({"model": "three"}, {"FER_EDGE_MODEL": "two"}, file)
    with pytest.raises(SettingsError, match="^no"), settings.located("model"):
        raise SettingsError("no")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away takes root")


def written(folder: Path) -> Path:
    """Make a folder that is not the test's own, with a settings file."""
    folder.mkdir(mode=0o755)
    file = folder / "fer-edge.toml"
    file.write_text('token = "sesame"\n')
    file.chmod(0o644)
    return file


def test_a_settings_file_that_nobody_else_can_change_is_taken_without_a_word(tmp_path: Path) -> None:
    file = written(tmp_path / "mine")
    assert load_settings({}, {}, file).caution == ""
    file.chmod(0o664)  # the user's own group
    assert load_settings({}, {}, file).caution == ""
    file.parent.chmod(0o1777)  # as /tmp is
    assert load_settings({}, {}, file).caution == ""


UNSAFE = {
    "everybody can change it": lambda file: file.chmod(0o646),
    "everybody can replace it, by way of the folder": lambda file: file.parent.chmod(0o777),
    "the user 54321 can change it": lambda file: os.chown(file, 54321, 0),
    "the user 54321 can replace it": lambda file: os.chown(file.parent, 54321, 0),
    "the group 54321 can change it": lambda file: (os.chown(file, 0, 54321), file.chmod(0o664)),
    "the group 54321 can replace it, by way of the folder": lambda file: (
        os.chown(file.parent, 0, 54321),
        file.parent.chmod(0o775),
    ),
    "everybody can replace it, by way of": lambda file: file.parent.parent.chmod(0o777),
}


@needs_root
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("how", UNSAFE)
def test_a_settings_file_that_others_can_change_is_taken_with_a_warning(how: str, linked: bool, tmp_path: Path) -> None:
    file = written(tmp_path / "theirs")
    UNSAFE[how](file)
    if linked:
        file = written(tmp_path / "mine")
        file.unlink()
        file.symlink_to(tmp_path / "theirs" / file.name)
    settings = load_settings({}, {}, file)
    assert settings.web.token == "sesame"
    assert f"{file} is not safe: {how}" in settings.caution
    assert "sesame" not in settings.caution


@needs_root
def test_whoever_became_root_by_sudo_may_own_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "mine")
    os.chown(file, 54321, 0)
    for name, safe in (("54321", True), ("54322", False), ("", False), ("9" * 5000, False), ("\u0665", False)):
        monkeypatch.setenv("SUDO_UID", name)
        assert (load_settings({}, {}, file).caution == "") == safe, name[:9]


@needs_root
def test_the_group_of_whoever_became_root_by_sudo_may_write_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "mine")
    os.chown(file, 0, 54321)
    file.chmod(0o664)
    for number, safe in (("54321", True), ("54322", False), ("", False)):
        monkeypatch.setenv("SUDO_GID", number)
        assert (load_settings({}, {}, file).caution == "") == safe, number


def test_the_warning_is_in_the_log_and_the_run_goes_on(tmp_path: Path) -> None:
    file = written(tmp_path / "mine")
    file.chmod(0o666)
    command = [sys.executable, "-m", "fer_edge", "--config", str(file), "--display", "none", "--camera", "demo"]
    done = subprocess.run([*command, "--frames", "1"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{file} is not safe: everybody can change it" in done.stderr
