"""Counts what a server was asked and what came of it, over all classifiers that a run opens."""

from __future__ import annotations

import threading
from typing import Dict

from fer_edge.distribution import Histogram
from fer_edge.errors import ServerError, ServerGarbled, ServerLate, ServerRefused, ServerUnfit, ServerUnreachable
from fer_edge.server_use import ServerUse

_WORDS = {
    ServerLate: "late",
    ServerUnreachable: "unreachable",
    ServerRefused: "refused",
    ServerUnfit: "unfit",
    ServerGarbled: "garbled",
}


def reason_of(error: ServerError) -> str:
    """Return the word of `fer_edge.server_use.REASONS` for what went wrong."""
    return next((word for kind, word in _WORDS.items() if isinstance(error, kind)), "failed")


class ServerTally:
    """Counts from any thread. It outlives a classifier that is built anew.

    Attributes
    ----------
    opened : bool
        Whether the server was accepted once in this run.
    answers : bool
        Whether it answers, as far as is known.
    """

    def __init__(self) -> None:
        self.opened = False
        self.answers = False
        self._lock = threading.Lock()
        self._requests = self._fallbacks = self._sent = self._received = 0
        self._failures: Dict[str, int] = {}
        self._latency = Histogram()

    def sent(self, count: int) -> None:
        """Count bytes that went to the server."""
        with self._lock:
            self._sent += count

    def received(self, count: int) -> None:
        """Count bytes that came from it."""
        with self._lock:
            self._received += count

    def answered(self, seconds: float) -> None:
        """Count a request that was answered in `seconds`."""
        with self._lock:
            self._requests += 1
            self._latency.record(seconds)

    def failed(self, error: ServerError) -> None:
        """Count a request that failed."""
        word = reason_of(error)
        with self._lock:
            self._requests += 1
            self._failures[word] = self._failures.get(word, 0) + 1

    def fell_back(self) -> None:
        """Count a batch that the local network classified."""
        with self._lock:
            self._fallbacks += 1

    def use(self) -> ServerUse:
        """Return the counts."""
        with self._lock:
            return ServerUse(
                self.answers,
                self._requests,
                dict(self._failures),
                self._fallbacks,
                self._sent,
                self._received,
                self._latency.distribution(),
            )
