"""Shows how long a build takes while it takes: TensorRT and ONNX Runtime tell nothing on their way."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Callable, Iterator

Progress = Callable[[str], None]
"""Gets a line to show in the place of the last one; an empty one when there is nothing more to show."""

TICK_SECONDS = 1.0


@contextmanager
def ticking(progress: Progress, what: str) -> Iterator[None]:
    """Return `progress` a line every second, with `what` and the seconds since the start."""
    started, done = time.monotonic(), threading.Event()

    def tick() -> None:
        while not done.wait(TICK_SECONDS):
            progress(f"{what}: {time.monotonic() - started:.0f} s")

    ticker = threading.Thread(target=tick, name="fer-edge-build", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join(2 * TICK_SECONDS)
        progress("")
