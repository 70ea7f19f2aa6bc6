"""``--listen`` and ``fer-edge health``, each as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import List

import pytest

from fer_edge.cli import health as health_command
from fer_edge.cli.main import main
from fer_edge.errors import NotHealthy, UsageError
from fer_edge.service.health import Health
from fer_edge.system.address import Address
from fer_edge.types import Rates
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.run import WebRun


def fer_edge(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fer_edge", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def free_port() -> str:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_a_run_tells_that_it_is_healthy_and_stops_answering_when_it_ends() -> None:
    port = free_port()
    command = [sys.executable, "-m", "fer_edge", "--camera", "demo", "--display", "none", "--listen", port]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    answers: List[subprocess.CompletedProcess[str]] = []
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and (not answers or answers[-1].returncode != 0):
            answers.append(fer_edge("health", "--listen", port))
    finally:
        run.send_signal(signal.SIGTERM)
        _, log = run.communicate(timeout=60)
    assert answers[-1].returncode == 0, (answers, log)
    assert answers[-1].stdout.startswith("healthy; FPS total ")
    assert run.returncode == 0
    after = fer_edge("health", "--listen", port)
    assert after.returncode == 52
    assert f"127.0.0.1:{port}: no answer" in after.stderr


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.0 200 OK\r\n\r\nhello", b"HTTP/1.0 200 OK\r\n\r\n[]", b"SSH-2.0-x\r\n"]
)
def test_another_program_on_the_port_is_not_taken_for_a_healthy_one(reply: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        command = [sys.executable, "-m", "fer_edge", "health", "--listen", str(server.getsockname()[1])]
        asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        server.settimeout(60)
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(reply)
        output, log = asking.communicate(timeout=60)
    assert asking.returncode == 52
    assert output == ""
    assert "no answer" in log or "something else answers there" in log


def test_a_run_that_is_down_is_told_with_its_reasons_and_nothing_that_controls_a_terminal() -> None:
    reasons = ("the camera says \x1b[31mno\x07\nhealthy; FPS total 30",)
    down = Health("down", reasons, 1.0, 2, 0.1, Rates())
    place = Address("127.0.0.1", int(free_port()))
    with Endpoint(place, WebRun(lambda: down)), pytest.raises(NotHealthy, match="down: the camera says") as caught:
        main(["health", "--listen", str(place)])
    assert r"\x1b[31mno\x07\nhealthy" in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "content", [b"[" * 60000, b'{"status": "healthy"}', b'{"status": 1, "reasons": [2]}', b"9" * 60000]
)
def test_an_answer_of_another_kind_is_no_healthy_one(content: bytes) -> None:
    assert health_command._understood(200, content)[:2] == (False, "something else answers there (HTTP 200)")


@pytest.mark.parametrize(
    ("sent", "words"),
    [("", "it wants a token, and none was sent"), ("wrong", "the token that was sent is not its token")],
)
def test_a_wrong_token_is_told_apart_from_none(sent: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_EDGE_TOKEN", sent)
    place = Address("127.0.0.1", int(free_port()))
    opened = Endpoint(place, WebRun(lambda: Health("healthy", (), 1.0, 2, 0.1, Rates())), "sesame")
    with opened, pytest.raises(NotHealthy, match=words) as caught:
        main(["health", "--listen", str(place)])
    assert "FER_EDGE_TOKEN" in caught.value.remedy
    assert "sesame" not in str(caught.value)


def test_without_an_address_it_says_how_to_give_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_command, "SERVICE_SETTINGS", tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match="--listen HOST:PORT") as caught:
        main(["health"])
    assert caught.value.exit_code == 2


def test_without_an_address_the_service_is_asked_where_one_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, given, here, elsewhere = tmp_path / "fer-edge.toml", tmp_path / "given.toml", free_port(), free_port()
    installed.write_text(f"listen = {here}")
    given.write_text(f"listen = {elsewhere}")
    monkeypatch.setattr(health_command, "SERVICE_SETTINGS", installed)
    with pytest.raises(NotHealthy, match=f"127.0.0.1:{here}: no answer"):
        main(["health"])
    with monkeypatch.context() as patch, pytest.raises(NotHealthy, match=f"127.0.0.1:{here}: no answer"):
        patch.setenv("FER_EDGE_LISTEN", "")
        main(["health"])
    for arguments in (["--listen", elsewhere], ["--config", str(given)]):
        with pytest.raises(NotHealthy, match=f"127.0.0.1:{elsewhere}: no answer"):
            main(["health", *arguments])
    installed.write_text("broken")
    monkeypatch.setenv("FER_EDGE_LISTEN", elsewhere)
    with pytest.raises(NotHealthy, match=f"127.0.0.1:{elsewhere}: no answer"):
        main(["health"])


def test_the_settings_file_of_the_run_says_where_to_ask(tmp_path: Path) -> None:
    port = free_port()
    settings = tmp_path / "settings.toml"
    settings.write_text(f'listen = "localhost:{port}"')
    done = fer_edge("health", "--config", str(settings))
    assert done.returncode == 52
    assert f"localhost:{port}: no answer" in done.stderr


def test_a_run_that_cannot_listen_does_not_start() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        done = fer_edge("--camera", "demo", "--display", "none", "--listen", str(port))
    assert done.returncode == 33
    assert f"127.0.0.1:{port}" in done.stderr
    assert "watching" not in done.stderr


@pytest.mark.parametrize("address", ["a..b:80", "[::1%a b]:80", "\u0663:\u0663", "127.0.0.1:+80"])
def test_what_is_no_address_is_refused_in_a_line(address: str) -> None:
    for arguments in (["health"], ["--camera", "demo"]):
        done = fer_edge(*arguments, "--listen", address)
        assert done.returncode == 2
        assert "--listen: " in done.stderr
        assert "Traceback" not in done.stderr
