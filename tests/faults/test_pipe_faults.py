from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, List, Optional

import pytest
from programs import check_numbers, eventually
from service_manager import Manager

LOST = 'fer_edge_log_lines_lost_total{origin="program"}'


class Reader:
    """Reads lines from a pipe or a socket, and keeps what is behind them for the next time."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._rest = b""

    def take(self, count: int) -> List[Any]:
        def whole() -> bool:
            with suppress(BlockingIOError):
                self._rest += os.read(self.descriptor, 1 << 16)
            return self._rest.count(b"\n") >= count

        eventually(whole, f"{count} lines")
        *lines, self._rest = self._rest.split(b"\n", count)
        return [json.loads(line) for line in lines]


def test_the_reader_of_a_named_pipe_may_go_and_come_back(bench: Any) -> None:
    camera = bench.camera()
    pipe = bench.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    program = bench.program("--camera", camera.url, results="pipe")
    first = Reader(reader).take(10)
    injected = time.monotonic()
    os.close(reader)
    noticed, _ = program.event("sink_lost", since=injected)
    program.more_frames(10)
    removed = time.monotonic()
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    another = Reader(reader)
    second = another.take(1)
    recovered = time.monotonic()
    second += another.take(9)
    lost = second[0]["frame"] - first[-1]["frame"] - 1
    program.stop()
    os.close(reader)
    summary = program.ended(0)
    check_numbers(first + second)
    bench.report.add(
        "the reader of a named pipe ends, and another comes",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"the analysis goes on; {lost} lines reached no reader; whole lines only",
    )


def test_a_reader_of_the_standard_output_that_stops_reading_holds_up_nothing(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--output", "-", results="", stdout=subprocess.PIPE)
    assert program.process.stdout is not None
    with closing(program.process.stdout) as stdout:
        reader = Reader(stdout.fileno())
        first = reader.take(1)
        injected = time.monotonic()
        noticed = program.reason("has been writing for")
        program.more_frames(10)
        removed = time.monotonic()
        rest = reader.take(1)
        recovered = time.monotonic()
        rest += reader.take(120)
        eventually(lambda: not program.health()["reasons"], "healthy again")
        check_numbers(first + rest)
        # It stops reading again, and the end comes.
        took = program.stop()
        summary = program.ended(0)
    bench.report.add(
        "the reader of the standard output stops reading",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"noticed 5 s after the pipe is full; the analysis goes on; a SIGTERM meanwhile took {took:.1f} s",
    )


def metric(program: Any, name: str) -> float:
    with urllib.request.urlopen(f"http://{program.address}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def chatter(program: Any) -> bool:
    """Put long lines into a log that is told about every request: a hundred of them are more than waits for a reader."""
    for _ in range(20):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{program.address}/{'x' * 3000}", timeout=60)
        refused.value.close()
    return True


def test_a_log_that_nobody_reads_holds_up_nothing_and_its_reader_is_told_what_it_missed(bench: Any) -> None:
    place = Path(os.path.relpath(bench.folder / "notify"))  # a socket's name is short
    manager = Manager(str(place))
    bench.at_the_end(manager.close)
    reading, writing = os.pipe()
    camera = bench.camera()
    environment = {"NOTIFY_SOCKET": str(place.resolve()), "WATCHDOG_USEC": "1000000"}
    program = bench.program("--camera", camera.url, "--log-level", "debug", environment=environment, stderr=writing)
    os.close(writing)
    program.more_lines(20)
    injected = time.monotonic()
    eventually(lambda: chatter(program) and metric(program, LOST) > 0, "lost lines")
    noticed = time.monotonic()
    program.more_lines(20)
    eventually(lambda: manager.signs() > noticed, "a sign of life")
    camera.mode = "end"
    program.reason("lost")
    camera.mode = "play"
    program.more_lines(20)
    removed = time.monotonic()
    reader = Reader(reading)
    said: List[Any] = []
    while not said or said[-1].get("event") != "log_lost":
        said += reader.take(1)
    recovered = time.monotonic()
    assert said[-1]["lines"] == metric(program, LOST)
    assert "source_lost" not in {line.get("event") for line in said}
    # It stops reading again, and the end comes.
    before = metric(program, LOST)
    eventually(lambda: chatter(program) and metric(program, LOST) > before, "lost lines")
    took = program.stop()
    os.close(reading)
    assert program.process.returncode == 0
    check_numbers(program.lines())
    bench.report.add(
        "nobody reads the log any more",
        noticed - injected,
        recovered - removed,
        None,
        f"the main loop goes on; 256 KiB of log wait, further lines are counted; a SIGTERM meanwhile took {took:.1f} s",
    )


class Collector:
    """Takes what a network sink sends, on a port that stays the same while it comes and goes."""

    def __init__(self) -> None:
        self._server = self._listen(0)
        self.port = self._server.getsockname()[1]
        self._peer: List[socket.socket] = []
        self._reader: Optional[Reader] = None

    @staticmethod
    def _listen(port: int) -> socket.socket:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        server.settimeout(60.0)
        return server

    def take(self, count: int) -> List[Any]:
        if self._reader is None:
            self._peer.append(self._server.accept()[0])
            self._reader = Reader(self._peer[0].fileno())
        return self._reader.take(count)

    def go(self) -> None:
        for part in (*self._peer, self._server):
            part.close()
        self._peer.clear()
        self._reader = None

    def come_back(self) -> None:
        self._server = self._listen(self.port)


def test_a_network_sink_whose_peer_is_gone_fails_alone_and_connects_again(bench: Any) -> None:
    camera, collector = bench.camera(), Collector()
    bench.at_the_end(collector.go)
    environment = {"FAULT_COLLECTOR": str(collector.port)}
    program = bench.program("--camera", camera.url, launched=True, environment=environment)
    first = collector.take(10)
    injected = time.monotonic()
    collector.go()
    noticed, _ = program.event("sink_lost", since=injected, sink="the collector")
    program.more_lines(10)
    assert program.health()["status"] == "degraded"
    removed = time.monotonic()
    collector.come_back()
    second = collector.take(1)
    recovered = time.monotonic()
    second += collector.take(60)
    program.event("sink_back", since=removed, sink="the collector")
    program.stop()
    summary = program.ended(0)
    check_numbers(first + second)
    check_numbers(program.lines())
    assert len(program.lines()) == summary["emitted"], "the results file has all that was analysed"
    lost = second[0]["frame"] - first[-1]["frame"] - 1
    bench.report.add(
        "the peer of a network sink is gone, and comes back (a sink over TCP, made for this)",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"the results file has every frame, the peer missed {lost}",
    )


def test_a_network_sink_whose_peer_is_not_there_yet_is_waited_for(bench: Any) -> None:
    camera, collector = bench.camera(), Collector()
    collector.go()
    environment = {"FAULT_COLLECTOR": str(collector.port)}
    program = bench.program("--camera", camera.url, launched=True, environment=environment)
    program.event("sink_lost", sink="the collector")
    program.more_lines(10)
    collector.come_back()
    bench.at_the_end(collector.go)
    removed = time.monotonic()
    assert collector.take(5)
    recovered = time.monotonic()
    program.stop()
    summary = program.ended(0)
    bench.report.add(
        "the peer of a network sink is not there at the start (a sink over TCP, made for this)",
        None,
        recovered - removed,
        summary["dropped"],
        "the program starts without it",
    )
