"""Ray clusters on this machine, for tests: each machine of one is a few processes, which can be killed as one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, List, Sequence

import pytest
from programs import free_port
from waiting import wait_until

HAS_RAY = find_spec("ray") is not None and find_spec("fsspec") is not None

needs_ray = pytest.mark.skipif(
    not HAS_RAY, reason="Ray is not installed: it is for Python 3.10 and newer (extra 'cluster')"
)

_MEMORY = 80_000_000


class Machine:
    """A machine of a cluster: all processes that were started for it, and by them."""

    def __init__(self, arguments: Sequence[str], log: Path, environment: Dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus", "1", *arguments]
                + ["--object-store-memory", str(_MEMORY)],
                env={**kept, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.log = log

    def pids(self) -> List[int]:
        """Return the numbers of its processes: those that it started, and theirs."""
        children: Dict[int, List[int]] = {}
        for name in os.listdir("/proc"):
            with suppress(OSError, IndexError, ValueError):
                parent = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
        found, waiting = [], [self._process.pid]
        while waiting:
            found.append(waiting.pop())
            waiting += children.get(found[-1], [])
        return found

    def has_joined(self) -> bool:
        """Return whether it is a part of the cluster."""
        self.refuse_ended()
        return "Ray runtime started" in self.log.read_text()

    def refuse_ended(self) -> None:
        """Fail where it could not start."""
        assert self._process.poll() is None, self.log.read_text()

    def at_work(self) -> bool:
        """Return whether a job is done on it."""
        return any(b"do_job" in _command(pid) for pid in self.pids())

    def kill(self) -> None:
        """End all of it at once, as a power cut would."""
        pids = self.pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)  # so that none of them sees another go, and starts something
        pids = sorted({*pids, *self.pids()})
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        wait_until(lambda: not any(map(_command, pids)), "the machine to be gone")


def _command(pid: int) -> bytes:
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return b""


class LocalCluster:
    """A cluster whose machines have one processor each; a context manager that ends all of them.

    Attributes
    ----------
    address : str
        For ``RAY_ADDRESS``.
    client : str
        For ``--on``.
    """

    def __init__(self, head: Dict[str, str], *others: Dict[str, str]) -> None:
        # The paths of Ray's sockets may have 107 letters.
        self.folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
        self._port, client = free_port(), free_port()
        self.address, self.client = f"127.0.0.1:{self._port}", f"ray://127.0.0.1:{client}"
        ports = ["--port", str(self._port), "--ray-client-server-port", str(client)]
        place = ["--head", "--temp-dir", str(self.folder), "--include-dashboard", "false", *ports]
        self.machines: List[Machine] = []
        try:
            self._start(place, head)
            # With Ray 2.10 its port answers long before it has started.
            wait_until(self.machines[0].has_joined, lambda: f"the head to start\n{self.machines[0].log.read_text()}")
            for environment in others:
                self.add(environment)
        except BaseException:
            self.close()
            raise

    def add(self, environment: Dict[str, str]) -> Machine:
        """Start another machine."""
        machine = self._start(["--address", self.address], environment)
        # One after the other: two that start at once may take the same ports.
        wait_until(machine.has_joined, lambda: f"the machine to join\n{machine.log.read_text()}")
        return machine

    def close(self) -> None:
        """End all machines."""
        for machine in reversed(self.machines):
            machine.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> LocalCluster:
        """Enter a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all machines."""
        self.close()

    def _start(self, arguments: Sequence[str], environment: Dict[str, str]) -> Machine:
        machine = Machine(arguments, self.folder / f"machine-{len(self.machines)}.log", environment)
        self.machines.append(machine)
        return machine
