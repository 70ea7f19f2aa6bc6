"""Processes of this program with which a pool speaks over two pipes each."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import Any, BinaryIO, Iterator, List, Mapping, Optional, Tuple, cast

from fer_edge.recordings.messages import Unpacker, packed
from fer_edge.system.clock import Clock
from fer_edge.system.masking import printable
from fer_edge.system.python_child import python_child

_PIECE = 1 << 16
_LONGEST_LINE = 300


class PipedProcess:
    """A process that takes values from one pipe and gives others on a second, as `messages` has them.

    Parameters
    ----------
    module : str
        Of this program: what it runs.
    selector : BaseSelector
        Its pipes are registered there, with itself as their data.
    variables : mapping of str to str
        In which its environment differs.
    folder : str, optional
        In which it works; by default that of this process.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    heard : float
        When something came from it, or it was started.
    ended : bool
        Whether `end` was called.
    """

    def __init__(
        self,
        module: str,
        selector: selectors.BaseSelector,
        variables: Mapping[str, str],
        folder: Optional[str] = None,
        clock: Clock = time.monotonic,
    ) -> None:
        child = python_child(module)
        self._errors = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (`end` closes it)
        # A session of its own: Ctrl-C in a terminal is for the run, which ends its processes.
        self._process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
            child.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**child.environment, **variables},
            cwd=folder,
            start_new_session=True,
            bufsize=0,
        )
        self._into, self._out = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        for stream in (self._into, self._out):
            os.set_blocking(stream.fileno(), False)
        self._selector = selector
        self._selector.register(self._out, selectors.EVENT_READ, self)
        self._unpacker, self._unsent = Unpacker(), bytearray()
        self._clock = clock
        self.heard = clock()
        self.ended = False

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def send(self, value: Any) -> None:
        """Send a value: as much of it as the pipe takes, and the rest when it takes more."""
        self._unsent += packed(value)
        self._write()

    def exchange(self, events: int) -> Optional[List[Any]]:
        """Send and take what its pipes are ready for; return what came, and None once it has closed its end."""
        if events & selectors.EVENT_WRITE:
            self._write()
        return self._read() if events & selectors.EVENT_READ else []

    def status(self, patience: float) -> Optional[int]:
        """Return how it ended, as `Popen` has it, after so many seconds at most; None where it has not."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        return self._process.returncode

    def last_line(self) -> str:
        """Return what it wrote last to its standard error; empty where it wrote nothing."""
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return printable(lines[-1], _LONGEST_LINE) if lines else ""

    def terminate(self) -> None:
        """Ask it to end."""
        with suppress(OSError):
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self, patience: float) -> None:
        """Close its input, end it by force after so many seconds, and give everything back. May be called twice."""
        self.ended = True
        for stream in (self._into, self._out):
            with suppress(KeyError, ValueError):
                self._selector.unregister(stream)
        with suppress(OSError):
            self._into.close()
        if self.status(patience) is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._out, self._errors):
            with suppress(OSError):
                stream.close()

    def _write(self) -> None:
        with suppress(BlockingIOError, BrokenPipeError):  # that it died is found when it is read
            while self._unsent:
                del self._unsent[: os.write(self._into.fileno(), self._unsent[:_PIECE])]
        registered = self._into.fileno() in self._selector.get_map()
        if self._unsent and not registered:
            self._selector.register(self._into, selectors.EVENT_WRITE, self)
        elif not self._unsent and registered:
            self._selector.unregister(self._into)

    def _read(self) -> Optional[List[Any]]:
        try:
            piece = os.read(self._out.fileno(), _PIECE)
        except BlockingIOError:
            return []
        if not piece:
            return None
        self.heard = self._clock()
        return self._unpacker.feed(piece)


def exchanged(selector: selectors.BaseSelector, timeout: float) -> Iterator[Tuple[PipedProcess, Optional[List[Any]]]]:
    """Wait for so many seconds at most, and yield the processes from which something came, with what `exchange` returned."""
    for key, events in selector.select(timeout):
        process: PipedProcess = key.data
        if not process.ended:  # because of what came just before
            yield process, process.exchange(events)
