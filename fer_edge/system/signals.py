"""What signals mean to a run: Ctrl-C, SIGTERM and a closed terminal end it orderly, and strays do not reach a service."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import Iterator

from fer_edge.system.unix import CLOEXEC, NOCTTY, STRAY_SIGNALS

HUNG_UP = 129
"""The exit code of a run whose terminal was closed, as a shell gives it: nobody asked for its end."""

_HANG_UP = getattr(signal, "SIGHUP", None)


class Stop(threading.Event):
    """Is set by the signal that ends a run.

    Attributes
    ----------
    exit_code : int
        Of a run that ended for it and that went well: 0, or `HUNG_UP`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.exit_code = 0


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into an event; the second Ctrl-C interrupts at once."""
    stop = Stop()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        if number == _HANG_UP and not stop.is_set():
            stop.exit_code = HUNG_UP
        stop.set()

    handlers = {signal.SIGINT: handle, signal.SIGTERM: handle}
    if not has_terminal():
        handlers.update(dict.fromkeys(STRAY_SIGNALS, signal.SIG_IGN))  # type: ignore[arg-type]
    elif _HANG_UP is not None and signal.getsignal(_HANG_UP) is not signal.SIG_IGN:  # as it is under nohup
        handlers[_HANG_UP] = handle
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def has_terminal() -> bool:
    """Return whether this process belongs to a terminal: only then does a SIGHUP say that somebody went away."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | NOCTTY | CLOEXEC))
    except OSError:
        return False
    return True
