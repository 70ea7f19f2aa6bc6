"""Tries a library in a process of its own: one that crashes or hangs takes only that process with it."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

from fer_edge.board.program import Runner, run_program
from fer_edge.doctor.trial import MARK
from fer_edge.system.python_child import python_child

PATIENCE = 60.0
"""Seconds for one library: a cold start from a slow SD card takes many."""

_LONGEST_REASON = 200


@dataclass(frozen=True)
class Probe:
    """What came of trying.

    Attributes
    ----------
    facts : object
        What the tried program found; None when it failed.
    reason : str
        Why it failed, in words that can follow a colon; empty when it did not.
    missing : str
        The Python module that is not there, if that was why.
    signal : int
        The signal that ended the process; 0 for none.
    """

    facts: Any = None
    reason: str = ""
    missing: str = ""
    signal: int = 0


Prober = Callable[[str], Probe]
"""What `probe` is; a fake in tests."""


def probe(program: str, run: Optional[Runner] = None, timeout: float = PATIENCE) -> Probe:
    """Run a piece of Python with this interpreter, in a process of its own.

    Parameters
    ----------
    program : str
        Leaves what it found in the variable ``facts``, ready for JSON.
    run : callable, optional
        Runs the interpreter instead of `run_program`.
    timeout : float
        Seconds until it counts as hanging.
    """
    child = python_child("fer_edge.doctor.trial", program)
    start = run or partial(run_program, environment=child.environment)
    ran = start(child.command, timeout)
    if ran is None:
        return Probe(reason="Python itself could not be started")
    if ran.status is None:
        return Probe(reason=f"it did not answer in {timeout:g} s")
    if ran.status < 0:
        return Probe(reason=f"it crashed with {_name(-ran.status)}", signal=-ran.status)
    _, mark, rest = ran.output.rpartition(MARK)
    try:
        answer = json.loads(rest.splitlines()[0]) if mark else {}
    except ValueError:
        answer = {}
    if "facts" in answer:
        return Probe(answer["facts"])
    return Probe(
        reason=_in_short(answer.get("reason") or ran.errors) or f"it ended with status {ran.status}",
        missing=answer.get("missing", ""),
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _in_short(text: str) -> str:
    """Return the line that says why of a long message such as numpy's."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "Original error was" in line] or lines
    if not telling:
        return ""
    return telling[-1 if telling[0].startswith("Traceback") else 0][:_LONGEST_REASON]
