"""How a test waits: for a condition, and never for a time."""

from __future__ import annotations

import time
from typing import Callable, Optional, TypeVar, Union

PATIENCE = 180.0
"""Seconds for anything to happen: far more than it takes, as the machine may be busy."""

T = TypeVar("T")


def wait_until(
    look: Callable[[], Optional[T]], what: Union[str, Callable[[], str]] = "", seconds: float = PATIENCE
) -> T:
    """Return what `look` gives once that is true; fail with `what` was waited for where that takes more than `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"within {seconds:.0f} s: not {what() if callable(what) else what}"
        time.sleep(0.01)
