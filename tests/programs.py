"""The real program in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from fer_edge.service.address import Address

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
"""Seconds that a start may take on a busy machine."""


def free_address() -> Address:
    """Give an address of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


def ask(address: Address, path: str = "/healthz") -> Optional[bytes]:
    """Give what is answered, or None where nobody answers."""
    with closing(HTTPConnection(*address, timeout=10)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except (OSError, HTTPException):
            return None


class Program:
    """A running fer-edge; what it logs is kept as JSON."""

    def __init__(self, *arguments: str, env: Optional[Dict[str, str]] = None, cwd: Optional[Path] = None) -> None:
        command = [sys.executable, "-m", "fer_edge", "--display", "none", "--log-format", "json", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env, cwd=cwd or ROOT
        )
        self._log: Optional[str] = None

    def wait_until_healthy(self, address: Address) -> None:
        """Wait for the first analysed frame."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = ask(address)
            if answer is not None and json.loads(answer)["status"] != "down":
                return
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError(f"not healthy within {PATIENCE:g} s: {answer!r}")

    def log(self) -> List[Dict[str, Any]]:
        """Give the log's lines; waits for the end of the program."""
        if self._log is None:
            _, self._log = self.process.communicate(timeout=PATIENCE)
        return [json.loads(line) for line in self._log.splitlines()]

    def ended(self) -> int:
        """Give the exit code."""
        return self.process.wait(PATIENCE)


@contextmanager
def running(*arguments: str, **more: Any) -> Iterator[Program]:
    """Run fer-edge, and end it in order at the end of the block."""
    program = Program(*arguments, **more)
    try:
        yield program
    finally:
        program.process.send_signal(signal.SIGTERM)
        try:
            program.log()
        finally:
            program.process.kill()
            program.process.wait()
