"""The connection to a broker: in a thread of its own, made anew whenever it is lost, and held up by nothing for long."""

from __future__ import annotations

import logging
import random
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Optional, Sequence

from fer_edge.sinks.mqtt.access import Access
from fer_edge.sinks.mqtt.client import CONNECT_SECONDS, KEEPALIVE, QOS, load_paho, new_client
from fer_edge.sinks.mqtt.failures import why_ended, why_not_reached, why_refused
from fer_edge.sinks.mqtt.messages import Message
from fer_edge.sinks.mqtt.outbox import Outbox
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

CONFIRM_SECONDS = 30.0
"""Longest wait for the confirmation of a message; a broker that gives none is left, and connected to anew."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds between two attempts; half of each is drawn, so that not all clients of a broker come back at once."""

MOST_IN_FLIGHT = 16
"""Messages that are sent and not confirmed; paho holds up what is more than 20."""

STEADY_AFTER = 30.0
"""Seconds of a connection after which the delays begin anew: of two programs with one name each ends the other's at once."""

_LOOK = 1.0


class Connection:
    """Carries an outbox to a broker.

    Each attempt has a client of paho's of its own, so that nothing of an earlier one is left but what the outbox holds.

    Parameters
    ----------
    access : Access
        Where the broker is, and who we are there.
    client_id : str
        What the broker calls this client: of two with one name it ends the older.
    outbox : Outbox
        What is sent.
    greeting, farewell, will : Message
        Sent at each connect before all else; at a clean end after all else; by the broker where the connection is lost.
    name : str
        Of the sink, for the log.
    listens : sequence of str
        Topics that are subscribed to.
    hears : callable
        Gets topic and payload of what comes there.
    beat : callable
        Called about once a second while there is a connection.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        access: Access,
        client_id: str,
        outbox: Outbox,
        greeting: Message,
        farewell: Message,
        will: Message,
        name: str,
        listens: Sequence[str] = (),
        hears: Callable[[str, str], None] = lambda topic, payload: None,
        beat: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
    ) -> None:
        load_paho()  # whoever lacks it learns it here
        self._access = access
        self._client_id = client_id
        self._outbox = outbox
        self._farewell, self._will = farewell, will
        self._name = name
        self._listens, self._hears, self._beat = listens, hears, beat
        self._clock = clock
        self._outbox.state(greeting)  # the first of all states, and so the first thing that is sent at each connect
        self._trouble = ""
        self._connected = False
        self._refusal: Optional[str] = None
        self._confirmed_at = 0.0
        self._end_by = 0.0
        self._beat_at = clock()
        self._ending = threading.Event()
        self._ours, self._theirs = socket.socketpair()
        for side in (self._ours, self._theirs):
            side.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"fer-edge-mqtt-{client_id}", daemon=True)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether the broker has let us in and is there."""
        return self._connected

    def trouble(self) -> str:
        """Return why nothing reaches the broker, for people; empty while it does, and before the first attempt is over."""
        return self._trouble

    def wake(self) -> None:
        """Say that the outbox has something new; never waits."""
        with suppress(OSError):  # it is closed, or is told so often that it does not matter
            self._theirs.send(b"\0")

    def close(self, seconds: float) -> None:
        """Send what waits and the farewell, and end, within so many seconds.

        A thread that is held up by the operating system, as by the search for a name, is left behind; it ends by itself.
        """
        self._end_by = self._clock() + seconds
        self._ending.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(seconds + _LOOK / 2)
        else:
            self._ours.close()
        self._theirs.close()

    def _run(self) -> None:
        with self._ours:
            self._keep_connected()

    def _keep_connected(self) -> None:
        delay = FIRST_DELAY
        while not self._ending.is_set():
            begun = self._clock()
            try:
                self._attempt()
            except Exception as error:
                logger.debug("%s failed in a way that is not known", self._name, exc_info=True)
                self._lost(why_not_reached(error, self._access.address))
            self._outbox.connection_lost()
            if self._ending.is_set():
                return
            delay = FIRST_DELAY if self._clock() - begun >= STEADY_AFTER else delay
            self._ending.wait(delay * (0.5 + 0.5 * random.random()))  # noqa: S311  (no secret)
            delay = min(2 * delay, LONGEST_DELAY)

    def _attempt(self) -> None:
        """Connect, and stay until the connection is lost."""
        client, address = self._client(), self._access.address
        try:
            client.connect(address.host, address.port, KEEPALIVE)
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be encoded
            self._lost(why_not_reached(error, address))
            return
        connected = client.socket()
        if connected is None:  # already ended again, as by a broker that wants a certificate
            self._lost(self._why_lost())
            return
        try:
            reason = self._stay(client)
        finally:
            self._connected = False
            connected.close()
        if reason:
            self._lost(reason)

    def _client(self) -> Any:
        client = new_client(self._access, self._client_id)
        client.will_set(self._will.topic, self._will.payload, QOS, self._will.retain)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._refusal = None
        return client

    def _stay(self, client: Any) -> str:
        """Send and receive until the connection is lost, and return why; empty after a clean end."""
        let_in_by = self._clock() + CONNECT_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            selector.register(client.socket(), selectors.EVENT_READ)
            while True:
                self._exchange(client, selector)
                if client.socket() is None or self._refusal is not None:
                    return self._why_lost()
                if not self._connected:
                    if self._clock() > let_in_by:
                        return f"it took the connection, and did not answer within {CONNECT_SECONDS:g} s"
                    if self._ending.is_set() and self._clock() >= self._end_by:
                        return ""
                    continue
                if self._clock() >= self._beat_at:
                    self._beat_at = self._clock() + _LOOK
                    self._beat()
                self._feed(client)
                if self._outbox.in_flight() and self._clock() - self._confirmed_at > CONFIRM_SECONDS:
                    return f"it did not confirm a message within {CONFIRM_SECONDS:g} s"
                if self._ending.is_set() and self._say_goodbye(client, selector):
                    return ""

    def _exchange(self, client: Any, selector: selectors.BaseSelector) -> None:
        """Wait for something to do, and read and write what can be."""
        connected = client.socket()
        if connected is None:
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
        selector.modify(connected, wanted)
        wait = _LOOK
        if self._connected and self._outbox.in_flight() < MOST_IN_FLIGHT:
            wait = self._outbox.due_in(_LOOK)
        for key, events in selector.select(0.05 if self._ending.is_set() else wait):
            if key.fileobj is self._ours:
                with suppress(OSError):
                    self._ours.recv(4096)
                continue
            if events & selectors.EVENT_READ:
                client.loop_read()
                while client.socket() is connected and getattr(connected, "pending", lambda: 0)():
                    client.loop_read()
            if events & selectors.EVENT_WRITE and client.socket() is connected:
                client.loop_write()
        client.loop_misc()

    def _feed(self, client: Any) -> None:
        """Send what is due, as much as may be in flight."""
        while self._outbox.in_flight() < MOST_IN_FLIGHT and client.socket() is not None:
            message = self._outbox.next()
            if message is None:
                return
            if not self._outbox.in_flight():
                self._confirmed_at = self._clock()
            told = client.publish(message.topic, message.payload, QOS, message.retain)
            # Also where the connection was lost meanwhile: it may have got through.
            self._outbox.sent(told.mid, message)

    def _say_goodbye(self, client: Any, selector: selectors.BaseSelector) -> bool:
        """Tell the end where all is sent, or there is no more time; return whether that is so."""
        over = self._clock() >= self._end_by - 0.3
        if not over and (len(self._outbox) or self._outbox.in_flight()):
            return False
        told = client.publish(self._farewell.topic, self._farewell.payload, QOS, self._farewell.retain)
        self._outbox.sent(told.mid, self._farewell)
        # Whoever closes a socket with something unread in it may take back what was sent: the farewell is confirmed first.
        self._exchange_while(self._outbox.in_flight, client, selector)
        client.disconnect()
        self._exchange_while(client.want_write, client, selector)
        return True

    def _exchange_while(self, open_ones: Callable[[], int], client: Any, selector: selectors.BaseSelector) -> None:
        while open_ones() and client.socket() is not None and self._clock() < self._end_by:
            self._exchange(client, selector)

    def _why_lost(self) -> str:
        if self._refusal is not None:
            return why_refused(self._refusal)
        if self._connected:
            return "it ended the connection; it may have been ended itself, or another program came with the same name"
        return why_ended(self._access.tls is not None, self._access.shows_certificate)

    def _lost(self, reason: str) -> None:
        first, self._trouble = not self._trouble, f"the broker is not reached: {reason}"
        logger.log(
            logging.WARNING if first else logging.DEBUG,
            "%s does not work: %s",
            self._name,
            self._trouble,
            extra={"event": "sink_lost", "sink": self._name, "reason": reason},
        )

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        if self._trouble:
            dropped = self._outbox.dropped
            logger.warning(
                "%s works again; %d events were dropped so far",
                self._name,
                dropped,
                extra={"event": "sink_back", "sink": self._name, "lost": dropped},
            )
        self._trouble, self._connected, self._confirmed_at = "", True, self._clock()
        for topic in self._listens:
            client.subscribe(topic, QOS)

    def _on_publish(self, _client: Any, _data: Any, number: int, _reason: Any, _properties: Any) -> None:
        self._confirmed_at = self._clock()
        self._outbox.confirmed(number)

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._hears(message.topic, message.payload.decode("utf-8", "replace"))
