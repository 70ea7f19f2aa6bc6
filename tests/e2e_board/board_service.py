"""What can be learnt of the service from outside: systemd's word, the journal, /healthz, the results file."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Callable, Dict, List, NamedTuple

from machine import Guest

RESULTS = "/var/lib/fer-edge/faces.jsonl"
SETTINGS = "/etc/fer-edge/fer-edge.toml"
PROGRAM = "/opt/fer-edge/bin/fer-edge"


class Line(NamedTuple):
    """A line of the journal, and when the guest's monotonic clock said so."""

    at: float
    text: str


class Service:
    """A unit in the guest.

    Parameters
    ----------
    guest : Guest
        Running.
    unit : str
        Of systemd.
    port : int
        Where it answers ``/healthz``.
    """

    def __init__(self, guest: Guest, unit: str = "fer-edge", port: int = 8650) -> None:
        self._guest = guest
        self._unit = unit
        self._port = port

    def show(self, name: str) -> str:
        """Return a property of the unit."""
        return self._guest.check(f"systemctl show -P {name} {self._unit}")

    def answer(self, path: str) -> str:
        """Return what it answers at `path`, head and body; no answer is a line of the guest's shell."""
        ask = f"exec 3<>/dev/tcp/127.0.0.1/{self._port} && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
        return self._guest.run(ask).text

    def health(self) -> Dict[str, Any]:
        """Return what ``/healthz`` answers; empty when nobody does."""
        found = re.search(r"^\{.*\}$", self.answer("/healthz"), re.MULTILINE)
        return dict(json.loads(found.group())) if found else {}

    def journal(self, since: float = 0.0) -> List[Line]:
        """Return what it, and systemd about it, said in this boot."""
        said = self._guest.check(f"journalctl -b -u {self._unit} -o short-monotonic --no-pager -n 300")
        found = re.findall(r"^\[ *(\d+\.\d+)\] \S+ (.*)$", said, re.MULTILINE)
        return sorted(Line(float(at), text) for at, text in found if float(at) >= since)

    def wait_for_line(self, pattern: str, since: float, seconds: float) -> Line:
        """Wait for a line in the journal that is not older than `since`."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.journal(since)
            for line in lines:
                if re.search(pattern, line.text):
                    return line
            assert time.monotonic() < deadline, f"the journal has no '{pattern}' within {seconds:g} s: {lines}"
            time.sleep(0.5)

    def wait_until_ready(self, since: float, seconds: float = 180.0) -> float:
        """Wait for READY; returns when it came."""
        return self.wait_for_line("Started fer-edge", since, seconds).at

    def wait_for_health(
        self, good: Callable[[Dict[str, Any]], bool], what: str, seconds: float = 120.0
    ) -> Dict[str, Any]:
        """Wait until `good` says so of what ``/healthz`` answers, which is empty when nobody does; returns the answer."""
        deadline = time.monotonic() + seconds
        while True:
            health = self.health()
            if good(health):
                return health
            assert time.monotonic() < deadline, f"no {what} within {seconds:g} s: {health} {self.journal()[-5:]}"
            time.sleep(0.5)

    def wait_for_frames(self, more: int = 2, seconds: float = 120.0, camera: str = "") -> int:
        """Wait until so many more frames were analysed, of all cameras or of one; returns their number."""

        def frames(health: Dict[str, Any]) -> int:
            of = health.get("cameras", {}).get(camera, {}) if camera else health
            return int(of.get("frames", 0))

        begun = frames(self.health())
        return frames(self.wait_for_health(lambda health: frames(health) >= begun + more, f"{more} frames", seconds))

    def results(self, count: int) -> List[Dict[str, Any]]:
        """Return the last lines of the results file."""
        return [json.loads(line) for line in self._guest.check(f"tail -n {count} {RESULTS}").splitlines()]

    def make_sure_it_runs(self) -> None:
        """Get it into the state that a test begins with, whatever the one before left."""
        self._guest.check("systemctl start board-camera; rm -rf /run/board-faults; mkdir /run/board-faults")
        if self.health().get("status") in ("healthy", "degraded"):
            return
        since = self._guest.uptime()
        self._guest.check(f"systemctl reset-failed {self._unit}; systemctl --no-block restart {self._unit}")
        self.wait_until_ready(since)
