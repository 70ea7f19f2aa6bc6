"""Runs another program for what it prints, and never waits longer than told."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Callable, Mapping, Optional, Sequence

_LAST_WAIT = 1.0
"""Seconds for a killed program to go. One that hangs in a driver cannot be killed, and is left behind."""


@dataclass(frozen=True)
class Ran:
    """What came of a program.

    Attributes
    ----------
    status : int, optional
        Its exit status, negative for the signal that ended it; None when it did not end in time.
    output, errors : str
        What it wrote to its standard output and standard error, up to then.
    """

    status: Optional[int]
    output: str
    errors: str = ""


Runner = Callable[[Sequence[str], float], Optional[Ran]]
"""What `run_program` is; a fake in tests."""


def run_program(
    command: Sequence[str], timeout: float, environment: Optional[Mapping[str, str]] = None
) -> Optional[Ran]:
    """Run a program without a shell and without input.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    timeout : float
        Seconds; then it is killed, and everything that it started.
    environment : mapping of str to str, optional
        Instead of this process's.

    Returns
    -------
    Ran or None
        None when there is no such program, or this user may not run it.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError:
        return None
    output: Optional[bytes]
    errors: Optional[bytes]
    try:
        output, errors = process.communicate(timeout=timeout)
        status: Optional[int] = process.returncode
    except subprocess.TimeoutExpired as late:
        output, errors, status = late.output, late.stderr, None
    finally:
        _end(process)
    return Ran(status, (output or b"").decode("utf-8", "replace"), (errors or b"").decode("utf-8", "replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WAIT)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
