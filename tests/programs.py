"""The real program in its own process, watched from outside: by its log, its results, its health and its exit code."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import cv2
from waiting import PATIENCE
from waiting import wait_until as eventually

from fer_edge.system.address import Address

ROOT = Path(__file__).parents[1]
LAUNCHER = ROOT / "tests" / "faults" / "fault_launcher.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """One run of fer-edge.

    Parameters
    ----------
    folder : Path
        Where its log and its results go.
    arguments : sequence of str
        Of its command line, beside those that every run gets.
    launched : bool
        Start it through the launcher, which can inject what cannot be had from outside.
    prefix : sequence of str
        A command that starts the command.
    results : str
        What ``--output`` gets; empty for nothing.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        launched: bool = False,
        prefix: Sequence[str] = (),
        results: str = "out.jsonl",
        environment: Optional[Dict[str, str]] = None,
        stdout: Any = subprocess.DEVNULL,
        stderr: Any = None,
    ) -> None:
        self.folder = folder
        self.switches = folder / "switches"
        self.switches.mkdir(exist_ok=True)
        self.results = folder / results
        self._log = folder / "log"
        self.address = Address("127.0.0.1", free_port())
        self._seen: List[Tuple[float, Dict[str, Any]]] = []
        self._read = 0
        self.noise: List[str] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
        kept.update(PYTHONPATH=str(ROOT), FAULT_SWITCHES=str(self.switches), **(environment or {}))
        command = [*prefix, sys.executable, *([str(LAUNCHER)] if launched else ["-m", "fer_edge"])]
        command += ["--display", "none", "--log-format", "json", "--listen", str(self.address), *arguments]
        command += ["--output", results if results in ("", "-") else str(self.results)] if results else []
        log = self._log.open("ab")
        self.process = subprocess.Popen(
            command, cwd=folder, env=kept, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr or log
        )
        log.close()

    def __enter__(self) -> Program:
        """Give the program to a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, in whatever state it is."""
        self.kill()

    def switch(self, name: str, on: bool = True) -> None:
        """Begin or end a fault inside the program."""
        if on:
            (self.switches / name).touch()
        else:
            (self.switches / name).unlink()

    def log(self) -> List[Tuple[float, Dict[str, Any]]]:
        """Give the lines of the log so far, each with the moment it was seen."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        self._read += len(new)
        for line in new.splitlines():
            try:
                self._seen.append((time.monotonic(), json.loads(line)))
            except ValueError:
                self.noise.append(line.decode("utf-8", "replace"))
        return self._seen

    def event(self, name: str, since: float = 0.0, **fields: object) -> Tuple[float, Dict[str, Any]]:
        """Wait for an event in the log after the moment `since`; give when it was seen, and the line."""

        def look() -> Optional[Tuple[float, Dict[str, Any]]]:
            for at, line in self.log():
                if at >= since and line.get("event") == name and all(line.get(k) == v for k, v in fields.items()):
                    return at, line
            assert self.process.poll() is None or name in ("ended", "summary"), self.tail()
            return None

        return eventually(look, f"the event {name} {fields or ''}\n{self.tail()}")

    def events(self) -> List[str]:
        return [line["event"] for _, line in self.log() if "event" in line]

    def lines(self) -> List[Dict[str, Any]]:
        """Give the whole lines of the results file."""
        data = self.results.read_bytes() if self.results.exists() else b""
        return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]

    def more_lines(self, count: int = 5) -> float:
        """Wait until that many more results are there; give the moment of the first of them."""
        return self.until_lines(lambda lines: True, count)

    def until_lines(self, wanted: Callable[[Dict[str, Any]], bool], count: int = 1) -> float:
        """Wait for new results that are as wanted."""
        before = len(self.lines())
        first: List[float] = []

        def look() -> bool:
            fitting = [line for line in self.lines()[before:] if wanted(line)]
            if fitting and not first:
                first.append(time.monotonic())
            assert self.process.poll() is None, f"it ended\n{self.tail()}"
            return len(fitting) >= count

        eventually(look, f"{count} more results\n{self.tail()}")
        return first[0]

    def mark(self) -> Tuple[float, int]:
        """Give the moment, and the number of the last frame that was analysed."""
        return time.monotonic(), self.lines()[-1]["frame"]

    def lost(self, mark: int) -> int:
        """Count the frames with higher numbers than `mark` that were captured, but not analysed before the last one was."""
        return check_numbers([line for line in self.lines() if line["frame"] >= mark])

    def frames(self) -> int:
        """Ask how many frames were analysed so far; for runs without a results file."""
        return int(self.health()["frames"])

    def more_frames(self, count: int = 5) -> float:
        """Wait until that many more frames were analysed; give the moment of the first of them."""
        before = eventually(self.health_or_none, "an answer")["frames"]
        eventually(lambda: self.frames() > before, f"another frame\n{self.tail()}")
        at = time.monotonic()
        eventually(lambda: self.frames() >= before + count, f"{count} more frames\n{self.tail()}")
        return at

    def health(self) -> Dict[str, Any]:
        """Ask the running program how it is."""
        address = f"http://{self.address}/healthz"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.load(error))

    def health_or_none(self) -> Optional[Dict[str, Any]]:
        try:
            return self.health()
        except OSError:
            assert self.process.poll() is None, f"it ended\n{self.tail()}"
            return None

    def reason(self, word: str) -> float:
        """Wait until its health gives a reason with `word` in it; give the moment."""

        def look() -> bool:
            health = self.health_or_none()
            return health is not None and any(word in reason for reason in health["reasons"])

        eventually(look, f"a health with '{word}'\n{self.tail()}")
        return time.monotonic()

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Ask it to end; give the seconds that this took."""
        asked = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return time.monotonic() - asked

    def end(self, code: int = 0, number: int = signal.SIGTERM) -> Dict[str, Any]:
        """End it, and hold it to its exit code and its balance; give its last words."""
        if self.process.poll() is None:
            self.stop(number)
        return self.ended(code)

    def ended(self, code: int) -> Dict[str, Any]:
        """Hold a program that ends by itself to its exit code and its balance; give its last words."""
        assert self.process.wait(PATIENCE) == code, self.tail()
        _, summary = self.event("summary")
        assert summary["captured"] == summary["emitted"] + summary["dropped"], summary
        assert summary["in_flight"] == 0, summary
        assert not self.noise, "everything in the log is JSON, also what libraries write"
        return summary

    def kill(self) -> None:
        """End it without asking, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)

    def tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]


def check_numbers(lines: Sequence[Dict[str, Any]]) -> int:
    """Hold frame numbers to being unique and rising; give how many are missing between them."""
    numbers = [line["frame"] for line in lines]
    assert numbers == sorted(set(numbers))
    return numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0


def seconds_of(recording: Path) -> float:
    """Play a recording to its end; give when its last picture is shown."""
    capture = cv2.VideoCapture(str(recording))
    last = 0.0
    while capture.grab():
        last = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    capture.release()
    return last


def pictures(recording: Path) -> int:
    """Play a recording to its end; give how many pictures it has."""
    capture = cv2.VideoCapture(str(recording))
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count
