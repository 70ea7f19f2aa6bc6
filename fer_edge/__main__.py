"""The program's front door: runs the command line, and turns errors into one message and an exit code."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from contextlib import suppress

from fer_edge import cli
from fer_edge.errors import FerEdgeError, MissingExtra, OutputClosed
from fer_edge.logs import log_the_end

OUR_THREADS = ("fer-edge", "video-writer")
"""What the names of threads that may be left behind begin with."""

INTERRUPTED = 130
"""The exit code after a second Ctrl-C, as a shell gives it."""


def main() -> int:
    """Run fer-edge and give its exit code."""
    code = _run()
    if any(thread.daemon and thread.name.startswith(OUR_THREADS) for thread in threading.enumerate()):
        # The interpreter's end would tear these threads out of C++ code that hangs or works, which aborts the process.
        atexit.register(_leave_at_once, code)
    return code


def _run() -> int:
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
    except KeyboardInterrupt:
        return INTERRUPTED


def _leave_at_once(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _forget_standard_output() -> None:
    """Keep the interpreter from complaining at its end that the reader of the standard output went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
