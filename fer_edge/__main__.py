"""The program's front door: runs the command line, and turns errors into one message and an exit code."""

from __future__ import annotations

import logging
import os
import sys

from fer_edge import cli
from fer_edge.errors import FerEdgeError, MissingExtra, OutputClosed
from fer_edge.logs import log_the_end

INTERRUPTED = 130
"""The exit code after a second Ctrl-C, as a shell gives it."""


def main() -> int:
    """Run fer-edge and give its exit code."""
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


def _forget_standard_output() -> None:
    """Keep the interpreter from complaining at its end that the reader of the standard output went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
