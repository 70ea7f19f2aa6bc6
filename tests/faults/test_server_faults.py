"""The program, while the server that classifies for it comes and goes."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any, Iterator

import cv2
import numpy as np
import pytest
from kserve_server import NETWORK, Behaviour, HttpServer
from programs import Program, eventually, free_port

from fer_edge.inference.model_files import sha256_of


@pytest.fixture
def server() -> Iterator[HttpServer]:
    running = HttpServer(Behaviour(sha256=sha256_of(NETWORK)), free_port())
    yield running
    running.stop()


def figures(program: Program) -> str:
    with urllib.request.urlopen(f"http://{program.address}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def ask(server: HttpServer, *more: str) -> Any:
    return ("--backend", "kserve", "--server", server.url, "--server-deadline", "5s", *more)


def test_the_local_network_answers_while_the_server_is_away_and_health_says_so(
    tmp_path: Path, server: HttpServer
) -> None:
    server.start()
    with Program(tmp_path, "--camera", "demo", *ask(server)) as program:
        program.more_lines()
        eventually(lambda: program.health()["status"] == "healthy")
        assert "fer_edge_server_works 1.0" in figures(program)
        server.stop()
        program.event("server_lost", reason="unreachable")
        program.more_lines()
        program.reason("the local network answers")
        assert program.health()["status"] == "degraded"
        assert "fer_edge_server_works 0.0" in figures(program)
        server.start()
        program.event("server_back")
        eventually(lambda: program.health()["status"] == "healthy")
        asked = len(server.network.asked)
        eventually(lambda: len(server.network.asked) > asked + 5, "the server asked")
        program.end()
        text = [record["message"] for _, record in program.log()]
        assert any("pictures of faces go to" in line for line in text)
        assert "stage_rebuilt" not in program.events()


def test_a_server_that_is_away_at_the_start_ends_the_program_unless_it_is_to_wait(
    tmp_path: Path, server: HttpServer
) -> None:
    with Program(tmp_path, "--camera", "demo", *ask(server)) as program:
        program.ended(26)
    with Program(tmp_path, "--camera", "demo", "--reconnect", "always", *ask(server), results="later.jsonl") as program:
        program.event("server_lost", reason="unreachable")
        program.more_lines()
        server.start()
        program.event("server_back")
        program.end()


def test_without_a_fallback_a_file_ends_with_the_servers_code_and_what_was_read_before_is_whole(
    tmp_path: Path, server: HttpServer
) -> None:
    server.start()
    clip = tmp_path / "clip.avi"
    face = cv2.imread(str(Path(__file__).parents[2] / "fer_edge" / "capture" / "astronaut.jpg"))
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 25, (face.shape[1], face.shape[0]))
    for _ in range(400):
        writer.write(np.ascontiguousarray(face))
    writer.release()
    with Program(tmp_path, "--camera", str(clip), *ask(server, "--fallback", "none")) as program:
        eventually(lambda: len(program.lines()) > 3, "frames read")
        server.behaviour.status = 500
        program.ended(26)
        read = program.lines()
        assert 3 < len(read) < 400
        assert all(face["expression"] for line in read for face in line["faces"])


def test_without_a_fallback_a_camera_waits_for_the_server_and_goes_on(tmp_path: Path, server: HttpServer) -> None:
    server.start()
    with Program(tmp_path, "--camera", "demo", *ask(server, "--fallback", "none")) as program:
        program.more_lines()
        server.behaviour.status = 503
        program.event("stage_rebuilt")
        server.behaviour.status = 200
        program.more_lines()
        program.end()
