"""Looks at the board from time to time: too hot, too little memory, another power mode."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Callable, Optional, Tuple, Type

from fer_edge.board.memory import Memory
from fer_edge.board.state import BoardState, read_board_state
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

PERIOD = 30.0
"""Seconds between two looks: heat and memory change slowly, and each look starts tegrastats and nvpmodel where they are."""

LITTLE_MEMORY = 0.05
"""Share of the memory below which the kernel soon begins to end programs."""

QUIET = 300.0
"""Seconds without trouble after which it is over; a board at its limit would else fill the log with two lines a minute."""

CLOSE_SECONDS = 0.3
"""Longest wait for a look that is under way; it ends with the process."""


class Spell:
    """A time of trouble: it begins at once, and is over when all was well for `QUIET` seconds."""

    def __init__(self) -> None:
        self._on = False
        self._bad_at = 0.0

    def look(self, bad: bool, now: float) -> Optional[bool]:
        """Take what holds now; return True when a spell begins, False when one is over, else None."""
        if bad:
            self._bad_at = now
            began, self._on = not self._on, True
            return True if began else None
        if self._on and now - self._bad_at >= QUIET:
            self._on = False
            return False
        return None


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
        self._heat, self._shortage = Spell(), Spell()
        self._mode = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fer-edge-board", daemon=True)

    def look(self) -> None:
        """Read the board, and log what is new."""
        state, now = self._read(), self._clock()
        self.state = state
        if self._logged_at is None or now - self._logged_at >= self._log_every:
            self._logged_at = now
            logger.info("the board: %s", state, extra={"event": "board", **state.fields()})
        heat = self._heat.look(bool(state.slowed_by), now)
        if heat:
            _warn("heat_slows_down", "the board is slowed down by heat: %s; give it a fan or more air", state)
        elif heat is False:
            _warn("heat_is_over", "the board is not slowed down any more: %s", state)
        shortage = self._shortage.look(_is_little(state.memory), now)
        if shortage:
            _warn("memory_is_short", "memory is short: %s", state)
        elif shortage is False:
            _warn("memory_is_back", "there is enough memory again: %s", state)
        if state.mode_name:
            if self._mode not in ("", state.mode_name):
                _warn("power_mode", f"the power mode was {self._mode}, and is changed: %s", state)
            self._mode = state.mode_name

    def troubles(self) -> Tuple[str, ...]:
        """Return what is wrong now, for people."""
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


def _warn(event: str, message: str, state: BoardState) -> None:
    logger.warning(message, state, extra={"event": event, **state.fields()})


def _is_little(memory: Optional[Memory]) -> bool:
    return memory is not None and memory.available is not None and memory.available < LITTLE_MEMORY * memory.total
