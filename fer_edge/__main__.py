"""The program's front door: runs the command line, and turns errors into one message and an exit code."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Callable, Optional

# Of this package only what functions import themselves: until `main` begins, Ctrl-C would end in a traceback.
if TYPE_CHECKING:
    from fer_edge.app.parts import Parts
    from fer_edge.errors import FerEdgeError

OUR_THREADS = ("fer-edge", "video-writer")
"""What the names of threads that may be left behind begin with."""

NEEDED_FOR = {"cv2": "Working with pictures"}
"""What the libraries are for that modules import at their top."""

INTERRUPTED = 130
"""The exit code after a second Ctrl-C, or one before the program has read its arguments, as a shell gives it."""


def main(parts: Optional[Parts] = None) -> int:
    """Run fer-edge and return its exit code; with other parts than the program's own, in tests."""
    try:
        _put_up_with_a_standard_error_that_takes_nothing()
        code = _run(parts)
    except KeyboardInterrupt:
        code = INTERRUPTED
    _let_ctrl_c_end_what_is_left()
    if any(thread.daemon and thread.name.startswith(OUR_THREADS) for thread in threading.enumerate()):
        # The interpreter's end would tear these threads out of C++ code that hangs or works, which aborts the process.
        atexit.register(_leave_at_once, code)
    return code


def _run(parts: Optional[Parts]) -> int:
    from fer_edge.cli.main import main
    from fer_edge.errors import FerEdgeError, OutputClosed
    from fer_edge.system.logs import log_the_end
    from fer_edge.system.signals import HUNG_UP
    from fer_edge.system.standard_output import (
        forget_standard_output,
        guard_standard_output,
        is_hung_up,
        settle_standard_output,
    )

    guard_standard_output()
    try:
        return _flushed(lambda: main(parts=parts))
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
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EIO and is_hung_up(sys.stdout):
            forget_standard_output()
            return HUNG_UP
        failure = _meaning(error)
        if failure is None:
            raise
        logging.getLogger("fer_edge").debug("where it happened", exc_info=True)
        log_the_end(failure)
        return failure.exit_code


def _flushed(run: Callable[[], int]) -> int:
    """Run, and hand on what was written, also after an exit of `argparse`, which gives its answers itself."""
    from fer_edge.system.standard_output import flush_standard_output

    try:
        code = run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    flush_standard_output()
    return code


def _meaning(error: BaseException) -> Optional[FerEdgeError]:
    """Return what an error means that libraries raise: one of them does not load, or memory is short; else None."""
    from fer_edge.errors import OutOfMemory
    from fer_edge.system.libraries import import_failure, in_short, library_of

    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return OutOfMemory(
            f"There are not enough file descriptors to go on: {in_short(error)}.",
            "Lift the limit (ulimit -n, LimitNOFILE=) to 1024 or more.",
        )
    module = library_of(error) or ""
    if module and module.partition(".")[0] != "fer_edge":
        return import_failure(error, module, "cpu", NEEDED_FOR.get(module, "fer-edge"))
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return OutOfMemory(
            f"There is not enough memory to go on: {in_short(error)}.",
            "End other programs, lift a limit (ulimit -v, MemoryMax=), or add swap.",
        )
    return None


def _let_ctrl_c_end_what_is_left() -> None:
    """Take the traceback from an interruption of the interpreter's end, where nothing is left to be completed."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _put_up_with_a_standard_error_that_takes_nothing() -> None:
    """Keep a message that cannot be written from holding up the program, or from giving it another exit code."""
    from fer_edge.system.standard_error import take_over_standard_error

    if sys.stderr is None:
        # Else the next file would get its number, and with it what libraries write there by themselves.
        _send_to_nowhere(2)
    take_over_standard_error()
    atexit.register(_finish_the_log)


def _finish_the_log() -> None:
    from fer_edge.system import library_lines
    from fer_edge.system.standard_error import standard_error

    library_lines.finish()
    error = standard_error()
    if error is not None:
        error.finish()


def _leave_at_once(code: int) -> None:
    from fer_edge.errors import OutputError
    from fer_edge.system.standard_error import takes_a_line

    _finish_the_log()
    with suppress(OSError, ValueError, OutputError):
        if takes_a_line(sys.stdout):
            sys.stdout.flush()
    os._exit(code)


def _send_to_nowhere(descriptor: int) -> None:
    opened = os.open(os.devnull, os.O_WRONLY)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    sys.exit(main())
