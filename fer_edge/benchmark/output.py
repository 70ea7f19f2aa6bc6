"""A report file that is there in full or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from types import TracebackType
from typing import Optional, Type

from fer_edge.errors import DiskFull, OutputNotWritable
from fer_edge.sinks.files import open_for_writing
from fer_edge.system.atomic_file import ALL_READ, Draft
from fer_edge.system.disk_full import is_disk_full
from fer_edge.system.new_file import unused_name
from fer_edge.system.regular_file import open_regular
from fer_edge.system.standard_streams import NAMES, standard_descriptor
from fer_edge.system.unix import CLOEXEC, can_be_written

PATIENCE = 10.0
"""Seconds for whoever reads the pipe that a report is written to."""

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
        self._draft: Optional[Draft] = None
        self._device = -1

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
        if os.path.isdir(self._path):
            raise OutputNotWritable(f"The report {self._path} is a folder.", "Give the name of a file.")
        try:
            if os.path.exists(self._path) and not os.path.isfile(self._path):
                # Opening never waits for somebody who reads a pipe: he may never come.
                self._device = open_for_writing(self._path, "report")
                return self
            if not self._may_be_replaced():
                raise OutputNotWritable(
                    f"The report {self._path} exists already, and is no report of a benchmark or soak.",
                    "Give another name, or delete it yourself if nobody needs it.",
                )
            self._draft = Draft(self._path, ALL_READ)
        except OSError as error:
            raise OutputNotWritable(
                f"The report {self._path} cannot be written: {error.strerror}.",
                "Give --report a file in a folder that exists and that you may write to.",
            ) from error
        return self

    def _may_be_replaced(self) -> bool:
        try:
            with open_regular(self._path) as file:
                beginning = file.read(_ENOUGH)
        except FileNotFoundError:
            return True
        return not beginning or _REPORT.match(beginning) is not None

    def write(self, text: str) -> None:
        """Write the report and put it in place.

        Raises
        ------
        DiskFull
            No space or quota is left.
        OutputNotWritable
            It cannot be written for another reason. Or what lies in its place by now is no report: then the report is kept
            beside it, and the message says where.
        """
        try:
            if self._device >= 0:
                _write_to_device(self._device, text.encode())
            if self._draft is None:
                return
            self._draft.write(text.encode())
            self._draft.finish()
            if not self._is_still_replaceable():
                self._keep_beside(self._draft)
            self._draft.put()
        except OSError as error:
            kind = DiskFull if is_disk_full(error) else OutputNotWritable
            raise kind(
                f"The report {self._path} cannot be written: {error.strerror}.", "Make room, or give another place."
            ) from error

    def _is_still_replaceable(self) -> bool:
        try:
            return self._may_be_replaced()
        except OSError:  # a folder, a pipe, somebody's secret
            return False

    def _keep_beside(self, draft: Draft) -> None:
        kept = unused_name(self._path)
        os.close(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOEXEC, 0o600))  # claims the name
        draft.put(kept)
        raise OutputNotWritable(
            f"The report {self._path} was not written: somebody put another file there meanwhile.",
            f"The report is in {kept}.",
        )

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Take away a draft that did not become the report."""
        if self._device >= 0:
            os.close(self._device)
            self._device = -1
        if self._draft is not None:
            self._draft.close()


def _write_to_device(device: int, content: bytes) -> None:
    """Write all, but wait for nobody who reads nothing. Raises OSError."""
    view = memoryview(content)
    while view:
        if not can_be_written(device, PATIENCE):
            raise OSError(errno.EAGAIN, f"nobody has read for {PATIENCE:g} s")
        with contextlib.suppress(BlockingIOError):
            view = view[os.write(device, view) :]
