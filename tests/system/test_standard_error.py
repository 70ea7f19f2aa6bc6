"""What the program says on its standard error, over real pipes, terminals, sockets and files."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest
from waiting import wait_until

from fer_edge.system import standard_error as module
from fer_edge.system.standard_error import MOST_WAITING, StandardError
from fer_edge.system.unix import can_be_written

ROOT = Path(__file__).parents[2]

SET_PIPE_SIZE = 1031  # linux/fcntl.h

Ends = Tuple[int, int]


def pipe() -> Ends:
    return os.pipe()


def stream_socket() -> Ends:
    ends = socket.socketpair()
    return ends[0].detach(), ends[1].detach()


def terminal() -> Ends:
    return pty.openpty()


def full(writing: int) -> None:
    os.set_blocking(writing, False)
    room = True
    while room:
        try:
            os.write(writing, b"x" * 9 + b"\n")
        except BlockingIOError:
            room = can_be_written(writing, 0.1)  # a terminal moves on what it was given
    os.set_blocking(writing, True)


def waiting_in(reading: int) -> int:
    """Give the bytes that a pipe holds."""
    return int.from_bytes(fcntl.ioctl(reading, termios.FIONREAD, b"\0" * 4), sys.byteorder)


def read_until(reading: int, wanted: bytes, seconds: float = 30.0) -> bytes:
    os.set_blocking(reading, False)
    seen, until = b"", time.monotonic() + seconds
    while wanted not in seen:
        assert select.select([reading], [], [], max(0.0, until - time.monotonic()))[0], seen[-300:]
        seen += os.read(reading, 65536)
    return seen


@pytest.fixture(params=[pipe, stream_socket, terminal])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    reading, writing = request.param()
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


def test_lines_come_out_whole_and_in_the_order_in_which_they_were_written(ends: Ends) -> None:
    reading, writing = ends
    error = StandardError(writing)
    seen: List[bytes] = []
    reader = threading.Thread(target=lambda: seen.append(read_until(reading, b"the last")))
    reader.start()
    for number in range(2000):
        error.write(b"line %d\n" % number)
    error.write(b"x" * 20000 + b"\n")
    error.finish()
    error.write(b"the last\n")
    reader.join()
    lines = seen[0].replace(b"\r\n", b"\n").split(b"\n")
    assert lines[:2000] == [b"line %d" % number for number in range(2000)]
    assert lines[2000:] == [b"x" * 20000, b"the last", b""]
    assert error.lost == 0


def test_a_reader_that_stops_holds_nobody_up_and_is_told_what_it_missed(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    reading, writing = ends
    full(writing)
    error = StandardError(writing)
    given = MOST_WAITING // 50
    for number in range(given):
        error.write(b"%049d\n" % number)
    assert error.lost == 0
    for number in range(given, given + 300):
        error.write(b"%049d\n" % number)
    assert error.lost > 200
    read_until(reading, b"%049d" % (given - 1))
    wait_until(lambda: caplog.records, "word of the lines that were lost")
    assert [record.getMessage() for record in caplog.records] == [f"{error.lost} lines of the log were lost"]
    error.write(b"and on\n")
    read_until(reading, b"and on")
    error.finish()


def test_the_end_waits_for_no_reader_that_takes_nothing(ends: Ends) -> None:
    _, writing = ends
    full(writing)
    error = StandardError(writing)
    error.write(b"a line\nand another\n")
    begun = time.monotonic()
    error.finish()
    assert time.monotonic() - begun < 30
    assert error.lost == 2
    error.write(b"too late\n")  # returns


def test_the_end_waits_for_a_reader_that_is_slow() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, SET_PIPE_SIZE, 4096)
    error = StandardError(writing)
    error.write(b"y" * 60000)
    seen: List[bytes] = []

    def read() -> None:
        while not seen or seen[-1]:
            time.sleep(0.02)
            seen.append(os.read(reading, 4096))

    reader = threading.Thread(target=read)
    reader.start()
    error.finish()
    os.close(writing)
    reader.join()
    os.close(reading)
    assert error.lost == 0
    assert b"".join(seen) == b"y" * 60000


def test_a_standard_error_that_others_share_goes_on_blocking_for_them() -> None:
    reading, writing = os.pipe()
    error = StandardError(writing)
    error.write(b"a line\n")
    assert os.get_blocking(writing)
    error.finish()
    assert os.get_blocking(writing)
    assert os.read(reading, 100) == b"a line\n"
    os.close(reading)
    os.close(writing)


def test_what_a_full_disk_does_not_take_is_counted(tmp_path: Path) -> None:
    with open("/dev/full", "wb", buffering=0) as disk:
        error = StandardError(disk.fileno())
        error.write(b"one\ntwo\n")
        error.write(b"three\n")
        error.finish()
    assert error.lost == 3


def test_a_fork_writes_its_lines_itself() -> None:
    program = (
        "import os, sys\n"
        "from fer_edge.system.standard_error import take_over_standard_error, standard_error\n"
        "take_over_standard_error()\n"
        "print('before', file=sys.stderr)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    print('the child', file=sys.stderr)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print('after', file=sys.stderr)\n"
        "standard_error().finish()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert done.stderr == b"before\nthe child\nafter\n"


def start(*arguments: str, stderr: int, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "fer_edge", "--display", "none", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=stderr, **options)


@pytest.mark.parametrize("make", [pipe, stream_socket, terminal])
@pytest.mark.parametrize("both", [False, True])
def test_sigterm_ends_a_program_whose_log_nobody_reads_and_that_has_nothing_to_analyse(
    make: Callable[[], Ends], both: bool
) -> None:
    reading, writing = make()
    full(writing)
    nobody = socket.create_server(("127.0.0.1", 0))
    # It answers nothing, so that what is logged is all that goes on.
    camera = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
    arguments = (
        "--camera",
        camera,
        "--reconnect",
        "always",
        "--log-level",
        "debug",
        "--log-format",
        "json" if both else "text",
    )
    port = socket.create_server(("127.0.0.1", 0))
    listen = str(port.getsockname()[1])
    port.close()
    run = start(*arguments, "--listen", listen, stderr=writing, stdout=writing if both else subprocess.DEVNULL)
    try:

        def listens() -> bool:  # which it does behind the first lines of the log
            assert run.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(listen)), timeout=10):
                return True
            return False

        wait_until(listens, "an open port")
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0
    finally:
        run.kill()
        run.wait()
        nobody.close()
        for end in (reading, writing):
            os.close(end)


def test_a_summary_that_nobody_reads_does_not_hold_up_the_end() -> None:
    reading, writing = os.pipe()
    full(writing)
    run = start("--camera", "demo", "--frames", "3", stderr=subprocess.DEVNULL, stdout=writing)
    try:
        assert run.wait(60) == 0
    finally:
        run.kill()
        run.wait()
        os.close(reading)
        os.close(writing)


def test_a_normal_end_writes_every_line() -> None:
    arguments = ("--camera", "demo", "--frames", "20", "--log-format", "json", "--log-level", "debug")
    run = start(*arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    _, log = run.communicate(timeout=60)
    lines = [json.loads(line) for line in log.splitlines()]
    assert run.returncode == 0
    assert lines[-1]["event"] == "summary"
    assert lines[-1]["emitted"] == 20


def test_at_the_end_of_the_program_a_slow_reader_still_gets_every_line() -> None:
    program = (
        "import logging, sys\n"
        "from fer_edge import __main__\nfrom fer_edge.cli import main as cli\n"
        "from fer_edge.system.logs import set_up_logging\n"
        "def run(**_parts):\n"
        "    set_up_logging('info')\n"
        "    for number in range(2000):\n"
        "        logging.getLogger('fer_edge').info('line %d', number)\n"
        "    print('all is said', flush=True)\n"
        "    return 0\n"
        "cli.main = run\n"
        "sys.exit(__main__.main())\n"
    )
    reading, writing = os.pipe()
    fcntl.fcntl(writing, SET_PIPE_SIZE, 4096)
    run = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=writing, stdout=subprocess.PIPE)
    os.close(writing)
    # The reader begins at the end, as whoever logs waits for one that is there: only so do lines wait in the program.
    assert run.stdout is not None
    with run.stdout:
        assert run.stdout.readline() == b"all is said\n"
    seen = b""
    while True:
        piece = os.read(reading, 4096)
        if not piece:
            break
        seen += piece
        time.sleep(0.01)
    os.close(reading)
    assert run.wait(60) == 0
    assert seen.decode().splitlines() == [f"fer-edge: line {number}" for number in range(2000)]


def test_outside_the_program_the_standard_error_is_left_alone() -> None:
    assert module.standard_error() is None
