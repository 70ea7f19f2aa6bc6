"""Recordings of which there are no results, or not whole ones, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

import fer_edge.errors
from fer_edge.errors import FerEdgeError, OutOfMemory, SourceError, StageFailed
from fer_edge.sinks.jsonl import told
from fer_edge.sinks.table_files import TEXT, Column

NONE, PARTIAL = "none", "partial"
"""What results there are of a recording that failed."""

FAILURES = "failures.csv"

COLUMNS = tuple(Column(name, TEXT) for name in ("name", "path", "error", "reason", "hint", "results"))
"""Of `FAILURES`."""

LOST = "WorkerLost"
"""In place of an error's name: whoever worked on it was gone each time that it was tried."""


@dataclass(frozen=True)
class Failure:
    """Why there are no whole results of a recording.

    Attributes
    ----------
    name, path : str
        Of the recording.
    error : str
        The name of an error of `fer_edge.errors`, or `LOST`.
    reason, hint : str
        For people.
    results : str
        `NONE` or `PARTIAL`.
    """

    name: str
    path: str
    error: str
    reason: str
    hint: str = ""
    results: str = NONE

    def row(self) -> Dict[str, Any]:
        """Return it as a row."""
        return {
            "name": told(self.name),
            "path": told(self.path),
            "error": self.error,
            "reason": self.reason,
            "hint": self.hint,
            "results": self.results,
        }


def partial_failure(name: str, summary: Mapping[str, Any]) -> Failure:
    """Return what to say of a recording of which something could not be read."""
    problems = summary.get("problems")
    reason = "; ".join(map(str, problems)) if isinstance(problems, list) else ""
    hint = "What could be read was analysed. Copy the recording again if there is a whole one."
    return Failure(name, str(summary.get("path", "")), "SourceTruncated", reason, hint, PARTIAL)


def error_named(kind: str, message: str, hint: str) -> FerEdgeError:
    """Return the error of that name; one that is not known is a `StageFailed`."""
    found = getattr(fer_edge.errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, FerEdgeError)):
        found = StageFailed
    try:
        error: FerEdgeError = found(message, hint)
    except TypeError:  # one that is made of more
        error = StageFailed(message, hint)
    return error


def concerns_one(error: FerEdgeError) -> bool:
    """Return whether an error is one recording's alone; others would meet the next one, too, and end the run."""
    return isinstance(error, (SourceError, StageFailed, OutOfMemory))
