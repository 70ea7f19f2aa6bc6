"""What waits for the broker: bounded, in order, and counted where it is dropped."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Deque, Dict, NamedTuple, Optional

from fer_edge.sinks.mqtt.messages import Message, repeated
from fer_edge.system.clock import Clock

MOST_WAITING = 10_000
"""Events and figures that are kept while the broker is away, of about 400 bytes each; a busy hour has some thousands."""


class _Sent(NamedTuple):
    message: Message
    event: bool


class Outbox:
    """Keeps what the broker has not confirmed yet; may be used from several threads.

    There are two kinds. *States* say how it is now: of each topic only the newest counts, it is sent only where it differs
    from the one before, and not more often than is asked. *Events* tell what happened: each is sent, in their order, and one
    that may have arrived before a connection broke is sent again, marked as repeated. Of events the oldest is dropped when
    too many wait.

    Parameters
    ----------
    most : int
        Events that wait at most.
    clock : callable, optional
        Monotonic seconds.

    Attributes
    ----------
    dropped : int
        Events that were dropped.
    """

    def __init__(self, most: int = MOST_WAITING, clock: Clock = time.monotonic) -> None:
        self.dropped = 0
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._events: Deque[Message] = deque()
        self._states: Dict[str, Message] = {}
        self._due: Dict[str, float] = {}
        """When a state that changed may be sent, by topic."""
        self._told: Dict[str, float] = {}
        """When a state was sent last, by topic."""
        self._sent: Dict[int, _Sent] = {}

    def __len__(self) -> int:
        """Return how many events are not confirmed yet."""
        with self._lock:
            return len(self._events) + sum(sent.event for sent in self._sent.values())

    def add(self, message: Message) -> None:
        """Add an event; the oldest is dropped where there is no room."""
        with self._lock:
            self._events.append(message)
            self._drop_the_oldest()

    def state(self, message: Message, every: float = 0.0) -> bool:
        """Say how it is now.

        Parameters
        ----------
        every : float
            Seconds between two messages of the topic, at least.

        Returns
        -------
        bool
            Whether that is new.
        """
        with self._lock:
            known = self._states.get(message.topic)
            if known == message:
                return False
            self._states[message.topic] = message
            self._due.setdefault(message.topic, self._told.get(message.topic, -every) + every)
            return True

    def next(self) -> Optional[Message]:
        """Take the next message to send: states that are due, then events; None where there is none."""
        with self._lock:
            now = self._clock()
            for topic, due in self._due.items():
                if due <= now:
                    del self._due[topic]
                    self._told[topic] = now
                    return self._states[topic]
            return self._events.popleft() if self._events else None

    def sent(self, number: int, message: Message) -> None:
        """Note that a message was taken and sent; it is kept until it is confirmed by its number."""
        with self._lock:
            self._sent[number] = _Sent(message, message.topic not in self._states)

    def confirmed(self, number: int) -> None:
        """Note that the broker has a message."""
        with self._lock:
            self._sent.pop(number, None)

    def connection_lost(self) -> None:
        """Take back what was sent and not confirmed, to be sent first, and all states: who knows what a broker kept."""
        with self._lock:
            unsure = [repeated(sent.message) for sent in self._sent.values() if sent.event]
            self._sent.clear()
            self._events.extendleft(reversed(unsure))
            self._drop_the_oldest()
            self._due = dict.fromkeys(self._states, self._clock())

    def tell_states_anew(self) -> None:
        """Send all states again, changed or not."""
        with self._lock:
            self._due = dict.fromkeys(self._states, self._clock())

    def in_flight(self) -> int:
        """Return how many messages were sent and are not confirmed."""
        return len(self._sent)

    def due_in(self, most: float) -> float:
        """Return the seconds until there is something to send, at most so many."""
        with self._lock:
            if self._events:
                return 0.0
            return max(0.0, min([most, *(due - self._clock() for due in self._due.values())]))

    def _drop_the_oldest(self) -> None:
        while len(self._events) > self._most:
            self._events.popleft()
            self.dropped += 1
