"""Puts a page where it is wanted."""

from __future__ import annotations

import os
import stat
import sys

from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.sinks.files import open_error, write_error
from fer_edge.system.atomic_file import Draft, replacing
from fer_edge.system.masking import shown
from fer_edge.system.new_file import PRIVATE
from fer_edge.system.regular_file import open_regular
from fer_edge.system.standard_streams import standard_descriptor

_WHAT = "report"
_BEGINNING = b"<!doctype html"


def refuse_place(path: str) -> None:
    """Say before the work that a page cannot go there.

    Raises
    ------
    UsageError
        It would go to a terminal.
    OutputNotWritable
        Something lies there that is no page, there is no such folder, or it takes no new file.
    """
    descriptor = standard_descriptor(path)
    if descriptor == 2:
        raise OutputNotWritable(f"The {_WHAT} '{shown(path)}' is the standard error.", "Give the name of a file.")
    if descriptor == 1:
        if sys.stdout.isatty():
            raise UsageError(
                "A report is five million letters of HTML, and no terminal.", "Give a file:  -o report.html"
            )
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise OutputNotWritable(
            f"The {_WHAT} '{shown(path)}' cannot be created: there is no folder '{shown(folder)}'.",
            "Make it first, or choose another place.",
        )
    try:
        there = os.stat(path)
        if stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError
        if not stat.S_ISREG(there.st_mode) or (there.st_size and not _is_page(path)):
            raise OutputNotWritable(
                f"'{shown(path)}' exists already, and is no HTML page that a report could take the place of.",
                "Give another name, or delete it yourself if nobody needs it.",
            )
    except FileNotFoundError:
        pass
    except OSError as error:
        raise open_error(error, shown(path), _WHAT) from error
    try:
        Draft(os.path.realpath(path), PRIVATE).close()
    except OSError as error:
        raise open_error(error, shown(path), _WHAT) from error


def write_page(path: str, page: bytes) -> None:
    """Put a page in its place, as a whole or not at all; ``-`` is the standard output.

    Raises
    ------
    OutputError
        It cannot be written.
    BrokenPipeError
        The reader of the standard output is gone.
    """
    if standard_descriptor(path) == 1:
        sys.stdout.flush()
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is None:
            # Bound to say why nothing can be written, where it was closed.
            sys.stdout.write(page.decode("utf-8"))
        else:
            buffer.write(page)
            buffer.flush()
        return
    refuse_place(path)  # what somebody has put there meanwhile
    try:
        # A link stays one: what it leads to is replaced.
        with replacing(os.path.realpath(path), PRIVATE) as draft:
            draft.write(page)
    except OSError as error:
        raise write_error(error, shown(path), _WHAT) from error


def _is_page(path: str) -> bool:
    with open_regular(path) as file:
        return file.read(len(_BEGINNING)).lower() == _BEGINNING
