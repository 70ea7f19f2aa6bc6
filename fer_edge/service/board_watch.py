"""Looks at the board from time to time: too hot, too little memory, another power mode."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Callable, Optional, Tuple, Type

from fer_edge.board.memory import Memory
from fer_edge.board.state import BoardState, read_board_state
from fer_edge.meter import Clock

logger = logging.getLogger("fer_edge")

PERIOD = 30.0
"""Seconds between two looks: heat and memory change slowly, and each look starts tegrastats and nvpmodel where they are."""

LITTLE_MEMORY = 0.05
"""Share of the memory below which the kernel soon begins to end programs."""

CLOSE_SECONDS = 0.3
"""Longest wait for a look that is under way; it ends with the process."""


class BoardWatch:
    """Reads the board in a thread of its own, and logs what changed, one line per change.

    Parameters
    ----------
    log_every : float
        Seconds between two lines that say how the board is even if nothing changed.
    read : callable, optional
        Reads the board.
    period : float, optional
        Seconds between two looks.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        log_every: float,
        read: Callable[[], BoardState] = read_board_state,
        period: float = PERIOD,
        clock: Clock = time.monotonic,
    ) -> None:
        self.state = BoardState()
        self._log_every = log_every
        self._read = read
        self._period = period
        self._clock = clock
        self._logged_at: Optional[float] = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fer-edge-board", daemon=True)

    def look(self) -> None:
        """Read the board, and log what is new."""
        before, now = self.state, self._read()
        self.state = now
        if self._logged_at is None or self._clock() - self._logged_at >= self._log_every:
            self._logged_at = self._clock()
            logger.info("the board: %s", now, extra={"event": "board", **now.fields()})
        if now.slowed_by and not before.slowed_by:
            fields = {"event": "heat_slows_down", **now.fields()}
            logger.warning("the board is slowed down by heat: %s; give it a fan or more air", now, extra=fields)
        elif before.slowed_by and not now.slowed_by:
            logger.warning("the board is not slowed down any more: %s", now, extra={"event": "heat_is_over"})
        if before.mode_name and now.mode_name != before.mode_name:
            fields = {"event": "power_mode", "before": before.mode_name, "power_mode": now.mode_name}
            logger.warning("the power mode is %s now, and was %s", now.mode_name, before.mode_name, extra=fields)
        if _is_little(now.memory) != _is_little(before.memory):
            event = "memory_is_short" if _is_little(now.memory) else "memory_is_back"
            logger.warning("%s: %s", event.replace("_", " "), now, extra={"event": event, **now.fields()})

    def troubles(self) -> Tuple[str, ...]:
        """Say what is wrong now, for people."""
        state = self.state
        slowed, memory = state.slowed_by, state.memory
        troubles = []
        if slowed:
            troubles.append(f"the board is slowed down by heat ({', '.join(slowed)})")
        if memory is not None and _is_little(memory):
            troubles.append(f"only {memory.available:.0f} of {memory.total:.0f} MiB of memory are left")
        return tuple(troubles)

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    def __enter__(self) -> BoardWatch:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """End it."""
        self.close()

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                logger.debug("the board cannot be read", exc_info=True)
            if self._closing.wait(self._period):
                return


def _is_little(memory: Optional[Memory]) -> bool:
    return memory is not None and memory.available is not None and memory.available < LITTLE_MEMORY * memory.total
