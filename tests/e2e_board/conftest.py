"""The board of the tests, with fer-edge installed, and the list of what was measured on it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Iterator

import figures
import pytest
from board_service import PROGRAM, SETTINGS, Service
from figures import note
from machine import Guest


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Switch on the board, which nothing but the package's requirements was installed on."""
    if "BOARD_FOLDER" not in os.environ:
        pytest.skip("needs a disk for the emulated board: make test-board")
    guest = Guest(Path(os.environ["BOARD_FOLDER"]), tmp_path_factory.mktemp("board"))
    begun = time.monotonic()
    try:
        guest.switch_on()
        note("boot of the board", time.monotonic() - begun)
        yield guest
    finally:
        guest.switch_off()


@pytest.fixture(scope="session")
def installation(board: Guest) -> str:
    """Install the wheel and the service as a user does; returns what was said."""
    board.check("mount -t 9p -o ro,trans=virtio wheel /mnt")
    board.check("/opt/fer-edge/bin/pip install --quiet --no-index --no-deps /mnt/*.whl", 180)
    said = board.check(f"{PROGRAM} service install --no-start")
    # Results are asked for, as the comment there says.
    board.check(f"sed -i 's/^# output/output/' {SETTINGS}")
    packages = board.check("echo /opt/fer-edge/lib/python3*/site-packages")
    board.check(f"cp /root/board_faults.py {packages} && echo 'import board_faults' >{packages}/board_faults.pth")
    board.check("echo BOARD_FAULTS=/run/board-faults >>/etc/fer-edge/fer-edge.env")
    since = board.uptime()
    said += board.check(f"{PROGRAM} service install")
    ready = Service(board).wait_until_ready(since)
    note("from the first start to READY", ready - since)
    return said


@pytest.fixture
def service(board: Guest, installation: str) -> Service:
    """Return the service, which runs and analyses frames."""
    service = Service(board)
    service.make_sure_it_runs()
    service.wait_for_frames(1)
    return service


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if figures.taken:
        terminalreporter.section("measured on the emulated board")
        for line in figures.as_table():
            terminalreporter.write_line(line)
        (Path(os.environ["BOARD_FOLDER"]) / "figures.json").write_text(figures.as_json(), encoding="utf-8")
