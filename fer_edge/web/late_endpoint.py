"""Opens an endpoint as soon as its address is there: a network may come after the program, and a port become free."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Optional, Protocol, Type

from fer_edge.errors import FerEdgeError
from fer_edge.pipeline.retry import Backoff

logger = logging.getLogger("fer_edge")

CLOSE_SECONDS = 1.0
"""Longest wait for an attempt that is under way: a name service may not answer for half a minute."""


class Opened(Protocol):
    """What is opened: an `Endpoint`."""

    def open(self) -> None:
        """Begin to listen, or raise a `FerEdgeError`."""

    def close(self) -> None:
        """Undo it; may be called twice."""


class LateEndpoint:
    """Opens an endpoint in a thread of its own, again and again with growing delays, until that succeeds.

    Parameters
    ----------
    endpoint : Opened
        What to open.
    backoff : Backoff, optional
        Delays between attempts.
    """

    def __init__(self, endpoint: Opened, backoff: Optional[Backoff] = None) -> None:
        self._endpoint = endpoint
        self._backoff = backoff or Backoff()
        self._failure = ""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listens = False
        self._thread = threading.Thread(target=self._run, name="fer-edge-endpoint", daemon=True)

    def trouble(self) -> str:
        """Return why it does not listen, for people; empty while it does, and before the first attempt failed."""
        return self._failure

    def open(self) -> None:
        """Begin to try."""
        self._thread.start()

    def close(self) -> None:
        """End the attempts, or the endpoint. An attempt that hangs is left behind, and ends with the process."""
        with self._lock:
            self._closing.set()
            listens, self._listens = self._listens, False
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)
        if listens:
            self._endpoint.close()

    def __enter__(self) -> LateEndpoint:
        """Open it."""
        self.open()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close it."""
        self.close()

    def _run(self) -> None:
        attempts = 0
        while not self._closing.is_set():
            try:
                self._endpoint.open()
            except (FerEdgeError, OSError, RuntimeError) as error:  # the last where no thread can be started now
                attempts += 1
                self._note(error, attempts)
                continue
            with self._lock:
                self._listens = not self._closing.is_set()
            if not self._listens:
                self._endpoint.close()
            elif attempts:
                self._failure = ""
                logger.warning(
                    "it answers on its address, at attempt %d", attempts + 1, extra={"event": "endpoint_back"}
                )
            return

    def _note(self, error: Exception, attempts: int) -> None:
        """Say what failed, seldom once it is known, and wait for the next attempt."""
        delay = self._backoff.next()
        reason = str(getattr(error, "message", error))
        tell = attempts & (attempts - 1) == 0 or reason != self._failure
        self._failure = reason
        remedy = str(getattr(error, "remedy", ""))
        fields = {"event": "endpoint_lost", "reason": reason, "attempt": attempts, "retry_in_s": round(delay, 1)}
        logger.log(
            logging.WARNING if tell else logging.DEBUG,
            "%s Trying again in %.1f s (attempt %d).%s",
            reason,
            delay,
            attempts,
            f" {remedy}" if attempts == 1 and remedy else "",
            extra={**fields, "remedy": remedy} if remedy else fields,
        )
        self._closing.wait(delay)
