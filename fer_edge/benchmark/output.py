"""A report file that is there in full or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from types import TracebackType
from typing import IO, Optional, Type

from fer_edge.errors import DiskFull, OutputNotWritable
from fer_edge.sinks.standard_streams import NAMES, standard_descriptor

_ENOUGH = 200
_REPORT = re.compile(rb'\s*\{\s*"environment"')


class ReportFile:
    """Finds out at the beginning whether a report can be written, and writes it in one piece at the end.

    Parameters
    ----------
    path : str
        The file; empty for none at all. What lies there is replaced when `write` has succeeded, and not before. A pipe or
        a device is written to as it is; the program's own standard output and error are refused.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._draft: Optional[IO[str]] = None

    def __enter__(self) -> ReportFile:
        """Create a draft beside the file. Raises OutputNotWritable, also when something else than a report lies there."""
        if not self._path:
            return self
        descriptor = standard_descriptor(self._path)
        if descriptor is not None:
            raise OutputNotWritable(
                f"The report {self._path} is the program's own {NAMES[descriptor]}, where other lines go.",
                "Give the name of a file.",
            )
        folder = os.path.dirname(self._path) or "."
        if os.path.isdir(self._path):
            raise OutputNotWritable(f"The report {self._path} is a folder.", "Give the name of a file.")
        try:
            if os.path.exists(self._path) and not os.path.isfile(self._path):
                self._draft = open(self._path, "w", encoding="utf-8")
                return self
            self._refuse_what_is_no_report()
            self._draft = tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=folder, prefix=".fer-edge-", suffix=".json", delete=False
            )
        except OSError as error:
            raise OutputNotWritable(
                f"The report {self._path} cannot be written: {error.strerror}.",
                "Give --report a file in a folder that exists and that you may write to.",
            ) from error
        return self

    def _refuse_what_is_no_report(self) -> None:
        try:
            with open(self._path, "rb") as file:
                beginning = file.read(_ENOUGH)
        except FileNotFoundError:
            return
        if beginning and not _REPORT.match(beginning):
            raise OutputNotWritable(
                f"The report {self._path} exists already, and is no report of a benchmark or soak.",
                "Give another name, or delete it yourself if nobody needs it.",
            )

    def write(self, text: str) -> None:
        """Write the report and put it in place. Raises DiskFull or OutputNotWritable."""
        if self._draft is None:
            return
        try:
            self._draft.write(text)
            self._draft.flush()
            if self._draft.name == self._path:
                return
            os.fsync(self._draft.fileno())
            os.chmod(self._draft.name, 0o644)
            os.replace(self._draft.name, self._path)
        except OSError as error:
            kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else OutputNotWritable
            raise kind(
                f"The report {self._path} cannot be written: {error.strerror}.", "Make room, or give another place."
            ) from error

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Take away a draft that did not become the report."""
        if self._draft is None:
            return
        with contextlib.suppress(OSError):  # the unwritten rest of a draft on a full disk; `write` has raised for it
            self._draft.close()
        if self._draft.name != self._path and os.path.exists(self._draft.name):
            os.unlink(self._draft.name)
