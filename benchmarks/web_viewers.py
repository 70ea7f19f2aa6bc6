"""What it costs that people look: the program's processor time with no viewer, one and twenty, and with bad ones.

    python benchmarks/web_viewers.py
    python benchmarks/web_viewers.py --seconds 30 --camera demo:3 --camera-fps 30
    python benchmarks/web_viewers.py --minutes 60        # what an hour of viewing leaves behind

Runs the program as a process of its own and looks at one camera's pictures from this process, so that the cost of reading is
not counted. Printed are, of each case: processor seconds per second, FPS total as the program tells it, pictures that a viewer
got per second, and at the end descriptors, threads and memory before and after. With ``--minutes`` twenty viewers
look for so long, of which one leaves and another comes each second; printed is what the program holds each tenth of that time,
and when all are gone. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.benchmark.environment import describe_environment

VIEWERS, IDLE, SLOW = 20, 500, 5
SETTLE = 3.0


class Viewers:
    """Connections that read, read slowly or only stay open, until `close`."""

    def __init__(self, port: int, path: str, readers: int, slow: int = 0, idle: int = 0) -> None:
        self.read = 0
        self.readers = readers
        self._selector = selectors.DefaultSelector()
        self._kept: List[socket.socket] = []
        self._over = threading.Event()
        for number in range(readers + slow + idle):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            self._kept.append(connection)
            if number < readers + slow:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            if number < readers:
                self._selector.register(connection, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.1) if self.readers else []:
                with suppress(OSError):  # it was cut
                    data = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
                    self.read += data.count(b"Content-Type: image/jpeg")
                    if not data:
                        self._selector.unregister(key.fileobj)
            if not self.readers:
                self._over.wait(0.1)

    def close(self) -> None:
        """End them all."""
        self._over.set()
        self._thread.join()
        for connection in self._kept:
            connection.close()


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def holds(pid: int) -> Dict[str, float]:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
        "MiB": round(int(status["VmRSS"].split()[0]) / 1024, 1),
    }


def ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def wait_for_frames(port: int, program: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if program.poll() is not None:
            sys.exit("the program ended; its words are above")
        with suppress(OSError):
            camera = ask(port, "/api/cameras")["cameras"][0]
            if camera["state"] == "live":
                return str(camera["name"])
        time.sleep(0.2)
    sys.exit("no frame was analysed")


def measure(pid: int, port: int, viewers: Viewers, seconds: float) -> Dict[str, float]:
    time.sleep(SETTLE)
    frames, used, read, at = ask(port, "/healthz")["frames"], processor_seconds(pid), viewers.read, time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - at
    told = ask(port, "/healthz")
    return {
        "processor": (processor_seconds(pid) - used) / passed,
        "fps": (told["frames"] - frames) / passed,
        "pictures": (viewers.read - read) / passed / max(1, viewers.readers),
    }


def watch_long(pid: int, port: int, path: str, seconds: float) -> None:
    """Have viewers come and go for so long, and print what the program holds meanwhile."""
    steady = Viewers(port, path, VIEWERS - 1)
    try:
        begun = time.monotonic()
        for tenth in range(11):
            while time.monotonic() < begun + seconds * tenth / 10:
                coming = Viewers(port, path, 1)
                time.sleep(1.0)
                coming.close()
            print(f"{seconds * tenth / 600:8.1f} min   {holds(pid)}", flush=True)
    finally:
        steady.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--minutes", type=float, help="only see what so long a time of viewing leaves behind")
    parser.add_argument("--camera", default="demo:1")
    parser.add_argument("--camera-fps", default="15")
    parser.add_argument("--port", type=int, default=18659)
    asked = parser.parse_args()
    command = [sys.executable, "-m", "fer_edge", "--camera", asked.camera, "--camera-fps", asked.camera_fps]
    command += ["--display", "none", "--log-level", "error", "--listen", str(asked.port)]
    print(describe_environment())
    with subprocess.Popen(command, cwd=Path(__file__).resolve().parent.parent) as program:
        try:
            path = f"/api/cameras/{wait_for_frames(asked.port, program)}/live.mjpg"
            if asked.minutes is not None:
                watch_long(program.pid, asked.port, path, 60 * asked.minutes)
                time.sleep(12)
                print("when all are gone:", holds(program.pid))
                return 0
            cases = {
                "nobody looks": {"readers": 0},
                "one viewer": {"readers": 1},
                f"{VIEWERS} viewers": {"readers": VIEWERS},
                f"{VIEWERS - SLOW} viewers, {SLOW} that never read": {"readers": VIEWERS - SLOW, "slow": SLOW},
                f"one viewer, {IDLE} idle connections": {"readers": 1, "idle": IDLE},
            }
            results, before = {}, holds(program.pid)
            print(f"{'':40} {'processor':>10} {'FPS total':>10} {'pictures/s':>10}")
            for name, of_case in cases.items():
                viewers = Viewers(asked.port, path, **of_case)
                try:
                    results[name] = found = measure(program.pid, asked.port, viewers, asked.seconds)
                finally:
                    viewers.close()
                print(f"{name:40} {found['processor']:10.3f} {found['fps']:10.2f} {found['pictures']:10.2f}")
            one, all_of_them = results["one viewer"], results[f"{VIEWERS} viewers"]
            print(f"{VIEWERS} viewers / one: processor {all_of_them['processor'] / one['processor']:.2f}, ", end="")
            print(f"FPS total {all_of_them['fps'] / one['fps']:.3f}")
            time.sleep(12)
            print("before:", before, "after:", holds(program.pid))
        finally:
            program.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
