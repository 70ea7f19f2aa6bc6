"""The program's front door: runs the command line, and turns errors into one message and an exit code."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from contextlib import suppress

from fer_edge.errors import FerEdgeError, MissingExtra, OutputClosed

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

    try:
        return cli.main()
    except OutputClosed as error:
        _forget_standard_output()
        return error.exit_code
    except BrokenPipeError:
        _forget_standard_output()
        return OutputClosed.exit_code
    except FerEdgeError as error:
        logging.getLogger("fer_edge").debug("where it happened", exc_info=True)
        log_the_end(error)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name != "cv2":
            raise
        missing = MissingExtra("opencv-python", "cpu", "Working with pictures")
        log_the_end(missing)
        return missing.exit_code


def _put_up_with_a_standard_error_that_takes_nothing() -> None:
    """Keep a message that cannot be written from holding up the program, or from giving it another exit code."""
    from fer_edge.standard_error import take_over_standard_error

    if sys.stderr is None:
        # Else the next file would get its number, and with it what libraries write there by themselves.
        _send_to_nowhere(2)
    take_over_standard_error()
    atexit.register(_finish_the_log)


def _finish_the_log() -> None:
    from fer_edge import library_lines
    from fer_edge.standard_error import standard_error

    library_lines.finish()
    error = standard_error()
    if error is not None:
        error.finish()


def _leave_at_once(code: int) -> None:
    from fer_edge.standard_error import takes_a_line

    _finish_the_log()
    with suppress(OSError, ValueError):
        if takes_a_line(sys.stdout):
            sys.stdout.flush()
    os._exit(code)


def _forget_standard_output() -> None:
    """Keep the interpreter from complaining at its end that the reader of the standard output went away."""
    _send_to_nowhere(sys.stdout.fileno())


def _send_to_nowhere(descriptor: int) -> None:
    opened = os.open(os.devnull, os.O_WRONLY)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    sys.exit(main())
