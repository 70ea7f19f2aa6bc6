"""Which server is asked: its address, its token, and what cannot be together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fer_edge.app.remote import server_access
from fer_edge.classify.remote.address import ServerText, parse_server
from fer_edge.errors import SettingsError, UsageError
from fer_edge.settings import Settings
from fer_edge.settings.load import load_settings


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("http://gpu.local", "http://gpu.local:8000"),
        ("https://gpu.example/serving/v1/", "https://gpu.example:443/serving/v1"),
        ("GRPC://10.0.0.1:9", "grpc://10.0.0.1:9"),
        ("grpcs://[::1]:7", "grpcs://[::1]:7"),
        ("grpc://[fe80::1]", "grpc://[fe80::1]:8001"),
    ],
)
def test_an_address_is_read_with_the_port_that_its_scheme_has(text: str, read: str) -> None:
    assert str(parse_server(text)) == read
    assert str(parse_server(read)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gpu.local:8000",
        "ftp://gpu",
        "http://",
        "http://:8000",
        "http://h:0",
        "http://h:99999",
        "grpc://h:1/path",
        "http://h/v2",
        "http://h/a?b",
        "http://h/%0d%0a",
        "http://h h",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ServerText):
        parse_server(text)


def test_the_form_of_an_address_is_told_in_full_and_not_masked_as_a_password() -> None:
    with pytest.raises(UsageError) as told:
        load_settings({"backend": "kserve", "server": "ftp://gpu"}, {})
    assert "http://HOST:8000 or grpc://HOST:8001" in told.value.message


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as told:
        load_settings({"backend": "kserve", "server": "http://me:sesame@gpu"}, {})
    assert "sesame" not in str(told.value)


def test_a_token_on_the_command_line_is_refused() -> None:
    with pytest.raises(UsageError, match="does not belong on a command line"):
        load_settings({"server_token": "sesame"}, {})


def access(tmp_path: Path, **more: Any) -> Any:
    return server_access(Settings.of(**{"backend": "kserve", "server": "https://gpu.example", **more}))


def test_the_environment_and_a_file_name_the_token(tmp_path: Path) -> None:
    names = {"FER_EDGE_BACKEND": "kserve", "FER_EDGE_SERVER": "http://gpu", "FER_EDGE_SERVER_TOKEN": "sesame"}
    found = server_access(load_settings({}, names))
    assert found is not None
    assert found.token == "sesame"
    assert "sesame" not in repr(found)
    file = tmp_path / "token"
    file.write_text("open\n")
    file.chmod(0o640)
    assert access(tmp_path, server_token_file=str(file)).token == "open"
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="Everybody"):
        access(tmp_path, server_token_file=str(file))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"server": ""}, "needs a server"),
        ({"backend": "auto"}, "asks no server"),
        ({"server_token": "a", "server_token_file": "b"}, "Leave out one"),
        ({"server": "http://gpu", "server_ca": "ca.pem"}, "without TLS"),
        ({"server_key": "key.pem"}, "no server_cert"),
    ],
)
def test_what_cannot_be_together_is_refused(tmp_path: Path, more: Any, words: str) -> None:
    with pytest.raises(UsageError) as told:
        access(tmp_path, **more)
    assert words in str(told.value)


@pytest.mark.parametrize("setting", ["server_ca", "server_cert", "server_token_file"])
def test_a_file_that_is_not_there_or_holds_nothing_of_use_is_named(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "file"
    with pytest.raises(SettingsError, match=setting):
        access(tmp_path, **{setting: str(file)})
    file.write_text("\n\n")
    os.chmod(file, 0o600)
    with pytest.raises(SettingsError, match="file"):
        access(tmp_path, **{setting: str(file)})


def test_a_settings_file_has_a_section_for_it(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text(
        '[analysis]\nbackend = "kserve"\n[remote]\nserver = "grpc://gpu"\nmodel = "faces"\n'
        'deadline = "50ms"\nfallback = "none"\n'
    )
    settings = load_settings({}, {}, file)
    assert settings.remote.deadline == pytest.approx(0.05)
    found = server_access(settings)
    assert found is not None
    assert (str(found.address), found.model, found.fallback) == ("grpc://gpu:8001", "faces", "none")


@pytest.mark.parametrize("text", ["0ms", "6s", "200", "1m", "-5ms", "nan"])
def test_a_deadline_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="200ms"):
        load_settings({"server_deadline": text}, {})


def test_a_service_waits_for_its_server_at_the_start(tmp_path: Path) -> None:
    assert access(tmp_path, reconnect="always").patient
    assert not access(tmp_path).patient
