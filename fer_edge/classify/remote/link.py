"""Whether a server answers, and who asks again while it does not."""

from __future__ import annotations

import logging
import threading
import time
from random import uniform
from typing import Callable, Optional

from fer_edge.classify.remote.tally import ServerTally, reason_of
from fer_edge.errors import ServerError, ServerLate
from fer_edge.system.clock import Clock
from fer_edge.system.masking import printable

logger = logging.getLogger("fer_edge")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a server that failed is asked again; twice as long after each failure, up to the second."""

SPREAD = 0.25
"""Share by which chance makes a pause longer or shorter: boards that lost a server together do not ask all at once."""

MOST_LATE = 3
"""Late answers in a row after which a server counts as away: one alone costs its own frames a wait, and no others."""

STEADY = 10.0
"""Seconds for which a server must have answered for its next failure to be a first one."""

STOP_SECONDS = 1.5
"""Longest wait for the thread that asks."""


class Link:
    """Knows whether a server answers. After a failure a thread of its own asks again and again, so that no frame waits for it.

    Parameters
    ----------
    server : str
        Its address, for people.
    probe : callable
        Asks whether all is well; raises ServerError where it is not.
    instead : str
        What happens meanwhile, for people: ``the local network answers``.
    tally : ServerTally
        Is told whether the server answers.
    clock : callable, optional
        Monotonic seconds.
    first_pause, longest_pause : float
        Seconds, as `FIRST_PAUSE` and `LONGEST_PAUSE`.
    quoted : callable
        Makes of words that may be the server's what a message may show.
    """

    def __init__(
        self,
        server: str,
        probe: Callable[[], None],
        instead: str,
        tally: ServerTally,
        clock: Clock = time.monotonic,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
        quoted: Callable[[str], str] = printable,
    ) -> None:
        self._server = server
        self._quoted = quoted
        self._probe = probe
        self._instead = instead
        self._tally = tally
        self._clock = clock
        self._first_pause = self._pause = first_pause
        self._longest_pause = longest_pause
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._error: Optional[ServerError] = None
        self._since = clock()
        self._late = 0
        tally.answers = True

    @property
    def error(self) -> Optional[ServerError]:
        """Why the server is not to be asked now; None while it answers."""
        return self._error

    def failed(self, error: ServerError) -> None:
        """Note that a request failed, and begin to ask whether the server is back. Any thread may call it; never waits.

        Of late answers it takes `MOST_LATE` in a row.
        """
        with self._lock:
            if self._error is not None or self._ended.is_set():
                return
            if isinstance(error, ServerLate) and self._tally.opened:
                self._late += 1
                if self._late < MOST_LATE:
                    return
            self._late = 0
            now = self._clock()
            if now - self._since >= STEADY:
                self._pause = self._first_pause
            self._error, self._since = error, now
            self._tally.answers = False
            self._thread = threading.Thread(target=self._ask_again, name="fer-edge-server", daemon=True)
            self._thread.start()
        logger.warning(
            "the server does not classify, %s: %s",
            self._instead,
            error.message,
            extra={
                "event": "server_lost",
                "server": self._server,
                "reason": reason_of(error),
                "exit_code": error.exit_code,
            },
        )

    def succeeded(self) -> None:
        """Note that a request was answered in time."""
        self._late = 0

    def trouble(self) -> str:
        """Return what is wrong with the server, for people; empty while it answers."""
        error, since = self._error, self._since
        if error is None:
            return ""
        away = self._clock() - since
        return f"the server has not classified for {away:.0f} s, {self._instead}: {error.message.rstrip('.')}"

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._ended.set()
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_SECONDS)

    def _ask_again(self) -> None:
        while not self._ended.wait(self._pause * uniform(1 - SPREAD, 1 + SPREAD)):  # noqa: S311 - no secret
            try:
                self._probe()
            except Exception as error:  # noqa: BLE001 - whatever it was, somebody has to ask again
                with self._lock:
                    self._error = (
                        error
                        if isinstance(error, ServerError)
                        else ServerError(f"{self._server}: {self._quoted(repr(error))}.")
                    )
                    self._pause = min(2 * self._pause, self._longest_pause)
                continue
            with self._lock:
                away = self._clock() - self._since
                # One that fails again at once is asked less often than one that was well for a while.
                self._pause = min(2 * self._pause, self._longest_pause)
                self._error, self._since, self._thread = None, self._clock(), None
                self._tally.answers = True
            logger.info(
                "the server classifies again, after %.1f s",
                away,
                extra={"event": "server_back", "server": self._server, "after_s": round(away, 1)},
            )
            return
