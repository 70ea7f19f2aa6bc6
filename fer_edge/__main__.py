"""The program's front door: runs the command line, and turns errors into one message and an exit code."""

from __future__ import annotations

import atexit
import io
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import Any, Callable

from fer_edge.errors import FerEdgeError, MissingExtra, OutputClosed, OutputError

OUR_THREADS = ("fer-edge", "video-writer")
"""What the names of threads that may be left behind begin with."""

INTERRUPTED = 130
"""The exit code after a second Ctrl-C, or one before the program has read its arguments, as a shell gives it."""


def main() -> int:
    """Run fer-edge and give its exit code."""
    try:
        _put_up_with_a_standard_error_that_takes_nothing()
        code = _run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    if any(thread.daemon and thread.name.startswith(OUR_THREADS) for thread in threading.enumerate()):
        # The interpreter's end would tear these threads out of C++ code that hangs or works, which aborts the process.
        atexit.register(_leave_at_once, code)
    return code


def _run() -> int:
    # Here, because it takes a while, and Ctrl-C may come meanwhile.
    from fer_edge import cli
    from fer_edge.logs import log_the_end
    from fer_edge.standard_output import forget_standard_output, guard_standard_output, settle_standard_output

    guard_standard_output()
    try:
        return _flushed(cli.main)
    except OutputClosed as error:
        forget_standard_output()
        return error.exit_code
    except BrokenPipeError:
        forget_standard_output()
        return OutputClosed.exit_code
    except FerEdgeError as error:
        settle_standard_output()
        logging.getLogger("fer_edge").debug("where it happened", exc_info=True)
        log_the_end(error)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name != "cv2":
            raise
        missing = MissingExtra("opencv-python", "cpu", "Working with pictures")
        log_the_end(missing)
        return missing.exit_code


def _flushed(run: Callable[[], int]) -> int:
    """Run, and hand on what was written, also after an exit of `argparse`, which gives its answers itself."""
    from fer_edge.standard_output import flush_standard_output

    try:
        code = run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    flush_standard_output()
    return code


class _LastWords(io.FileIO):
    """The standard error, which may be a full disk or a pipe without a reader; nobody can be told of that."""

    def write(self, data: Any) -> int:
        """Write, or let it be."""
        with suppress(OSError):
            return super().write(data) or len(data)
        return len(data)


def _put_up_with_a_standard_error_that_takes_nothing() -> None:
    """Keep a message that cannot be written from becoming another error, with another exit code than the documented one."""
    if sys.stderr is None:
        # Else the next file would get its number, and with it what libraries write there by themselves.
        _send_to_nowhere(2)
    elif sys.stderr is not sys.__stderr__:
        return
    raw = io.BufferedWriter(_LastWords(2, "w", closefd=False))
    encoding = sys.__stderr__.encoding if sys.__stderr__ else "utf-8"
    sys.stderr = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)


def _leave_at_once(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, OutputError):
            stream.flush()
    os._exit(code)


def _send_to_nowhere(descriptor: int) -> None:
    opened = os.open(os.devnull, os.O_WRONLY)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    sys.exit(main())
