"""The program under observation: a process of its own, and what Linux and ``/metrics`` say of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Dict, Optional, Sequence

from prometheus_client.parser import text_string_to_metric_families

from fer_edge.errors import NotHealthy
from fer_edge.soak.verdict import Sample
from fer_edge.system.address import Address
from fer_edge.system.child_processes import child_processes
from fer_edge.system.python_child import python_child

STOP_SECONDS = 20.0
"""Longest wait for an orderly end; the program itself promises two."""

_ANSWER_SECONDS = 10.0


class Program:
    """A running fer-edge.

    Parameters
    ----------
    arguments : sequence of str
        Its own; the place where it listens is added.
    token : str, optional
        What it wants to be sent.
    """

    def __init__(self, arguments: Sequence[str], token: str = "") -> None:
        self.address = _free_address()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        child = python_child("fer_edge", *arguments, "--listen", str(self.address))
        # A session of its own: Ctrl-C in a terminal is for the observer, who then ends the program.
        self._process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=child.environment,
            start_new_session=True,
        )

    @property
    def exit_code(self) -> Optional[int]:
        """The exit code; None while it runs."""
        return self._process.poll()

    def figures(self) -> Dict[str, float]:
        """Ask ``/metrics``, and return its series as `series_by_name` does.

        Raises
        ------
        NotHealthy
            It does not answer.
        """
        try:
            with closing(HTTPConnection(*self.address, timeout=_ANSWER_SECONDS)) as connection:
                connection.request("GET", "/metrics", headers=self._headers)
                return series_by_name(connection.getresponse().read().decode())
        except (OSError, HTTPException, ValueError) as error:
            raise NotHealthy(
                f"The program on {self.address} does not answer: {error}.", "Its log says more."
            ) from error

    def sample(self, seconds: float) -> Sample:
        """Measure what the process uses now; `figures` tells its frames. Raises NotHealthy when it has ended."""
        pid = self._process.pid
        children = child_processes(pid)
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError as error:
            raise NotHealthy("The program has ended.", "Its log says why.") from error
        threads = re.search(r"^Threads:\s*(\d+)", status, re.MULTILINE)
        memory = sum(_resident(process) for process in (pid, *children))
        return Sample(seconds, 0, memory, descriptors, int(threads.group(1)) if threads else 0, len(children))

    def stop(self) -> int:
        """End it as systemd would; return the exit code, that of SIGKILL if it did not end by itself."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def series_by_name(text: str) -> Dict[str, float]:
    r"""Return the series of a page of ``/metrics``, each by its name and, behind it, the values of its labels.

    Raises ValueError for a text that is none.

    Examples
    --------
    >>> series_by_name('frames_total{camera="front",outcome="emitted"} 7\n')
    {'frames_total front emitted': 7.0}
    """
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def _free_address() -> Address:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


def _resident(pid: int) -> float:
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        found = re.search(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)
        if found:
            return int(found.group(1)) * 1024 / 1e6
    return 0.0
