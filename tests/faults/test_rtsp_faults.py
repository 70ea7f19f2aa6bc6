from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, List

import pytest
from programs import ROOT, check_numbers, eventually, free_port

SERVER = ROOT / "tests" / "capture" / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's bindings for GStreamer are for its own Python alone


def _bindings_are_missing() -> bool:
    program = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        return subprocess.call([SYSTEM_PYTHON, "-c", program], stderr=subprocess.DEVNULL, timeout=60) != 0
    except (OSError, subprocess.TimeoutExpired):
        return True


pytestmark = pytest.mark.skipif(
    _bindings_are_missing(),
    reason="no RTSP server (apt: gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good)",
)


def serve(bench: Any, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(SERVER), "moving", str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )

    def end() -> None:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    bench.at_the_end(end)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready, "the server did not start"
    return process


def readers(parent: int) -> List[int]:
    """Give the child processes that read the stream: all but the shell that waits for the last words of the program."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text(encoding="ascii").split()]
    return [int(child) for child in children if not Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"/bin/sh")]


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("stall", "an RTSP server that stalls, the connection stays"),
        ("die", "an RTSP server that dies and comes back"),
        ("reader", "the process that reads an RTSP stream is killed"),
    ],
)
def test_an_rtsp_stream_that_stops_is_opened_anew(bench: Any, fault: str, how: str) -> None:
    port = free_port()
    server = serve(bench, port)
    program = bench.program("--camera", f"rtsp://127.0.0.1:{port}/cam")
    program.more_lines(10)
    injected, before = program.mark()
    if fault == "stall":
        server.send_signal(signal.SIGSTOP)
    elif fault == "die":
        server.kill()
    else:
        os.kill(readers(program.process.pid)[0], signal.SIGKILL)
    noticed, _ = program.event("source_lost", since=injected)
    removed = time.monotonic()
    if fault == "stall":
        server.send_signal(signal.SIGCONT)
    elif fault == "die":
        serve(bench, port)
    recovered = program.more_lines(10)
    lost = program.lost(before)
    program.end()
    check_numbers(program.lines())
    bench.report.add(how, noticed - injected, recovered - removed, lost, "a new process reads; frame numbers go on")


def test_a_gstreamer_pipeline_that_is_killed_is_started_anew(bench: Any) -> None:
    program = bench.program("--camera", "gst:videotestsrc is-live=true pattern=ball ! video/x-raw,framerate=15/1")
    program.more_lines(10)
    injected, before = program.mark()
    os.kill(readers(program.process.pid)[0], signal.SIGKILL)
    noticed, _ = program.event("source_lost", since=injected)
    recovered = program.more_lines(10)
    lost = program.lost(before)
    program.end()
    check_numbers(program.lines())
    bench.report.add(
        "the GStreamer pipeline of a source is killed",
        noticed - injected,
        recovered - injected,
        lost,
        "a new one is started; a CSI camera is read this way",
    )


def test_a_killed_program_leaves_no_process_that_reads_its_stream(bench: Any) -> None:
    port = free_port()
    serve(bench, port)
    program = bench.program("--camera", f"rtsp://127.0.0.1:{port}/cam")
    program.more_lines(10)
    (reader,) = readers(program.process.pid)
    killed = time.monotonic()
    program.kill()

    def gone() -> bool:
        try:
            return Path(f"/proc/{reader}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    eventually(gone, "the end of the reading process")
    took = time.monotonic() - killed
    bench.report.add("kill -9 while an RTSP stream is read", None, None, None, f"its reader ended after {took:.1f} s")
