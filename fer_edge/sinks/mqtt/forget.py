"""Takes away what a broker keeps of this program: retained messages, and the devices of Home Assistant."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Set, Tuple

from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.mqtt import discovery
from fer_edge.sinks.mqtt.access import Access
from fer_edge.sinks.mqtt.client import CONNECT_SECONDS, KEEPALIVE, QOS, new_client
from fer_edge.sinks.mqtt.failures import why_ended, why_not_reached, why_refused
from fer_edge.sinks.mqtt.messages import ONLINE
from fer_edge.sinks.mqtt.topics import PROGRAM, level
from fer_edge.system.clock import Clock

LONGEST = 30.0
"""Seconds for all of it."""


@dataclass(frozen=True)
class Forgotten:
    """What was taken away.

    Attributes
    ----------
    messages, devices : int
        Retained messages of cameras, and devices of Home Assistant.
    running : tuple of str
        Topics of the cameras that are told of at this moment: they will be there again.
    """

    messages: int
    devices: int
    running: Tuple[str, ...]


class Forgetting:
    """One connection that looks for what is kept, and empties it.

    Parameters
    ----------
    access : Access
        Where the broker is, and who we are there.
    prefix : str
        What the topics of all cameras begin with.
    discovery_prefix : str
        Where Home Assistant looks for devices, or ``off``.
    camera : str, optional
        The only one that is forgotten.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        access: Access,
        prefix: str,
        discovery_prefix: str,
        camera: Optional[str] = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._access = access
        self._begins = f"{prefix}/{level(camera)}/" if camera else f"{prefix}/"
        self._discovery = discovery_prefix
        self._clock = clock
        # What is kept comes at once to who subscribes; what is published behind that comes behind it.
        self._mark = f"{prefix}/forget-{secrets.token_hex(8)}"
        self._kept: Dict[str, str] = {}
        self._let_in = self._marked = False
        self._refusal = ""
        self._unconfirmed: Set[int] = set()

    def run(self) -> Forgotten:
        """Do it.

        Raises
        ------
        OutputNotWritable
            The broker is not reached, lets nobody in, or does not answer in time.
        MissingExtra, LibraryUnusable
            Of paho-mqtt.
        """
        client, address = self._client(), self._access.address
        try:
            client.connect(address.host, address.port, KEEPALIVE)
        except (OSError, ValueError) as error:
            raise self._unreached(why_not_reached(error, address)) from error
        connected = client.socket()
        try:
            deadline = self._clock() + LONGEST
            self._until(client, lambda: self._let_in, self._clock() + CONNECT_SECONDS)
            for topic in self._looked_at():
                client.subscribe(topic, QOS)
            client.publish(self._mark, "", QOS)
            self._until(client, lambda: self._marked, deadline)
            found = self._found()
            for topic in found:
                self._unconfirmed.add(client.publish(topic, "", QOS, retain=True).mid)
                self._until(client, lambda: not self._unconfirmed, deadline)
            client.disconnect()
        finally:
            if connected is not None:
                connected.close()
        devices = sum(topic.startswith(f"{self._discovery}/") for topic in found)
        running = tuple(topic.rpartition("/")[0] for topic, payload in found.items() if payload == ONLINE)
        return Forgotten(len(found) - devices, devices, running)

    def _client(self) -> Any:
        client = new_client(self._access, f"{PROGRAM}-{secrets.token_hex(6)}")
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = lambda client, data, number, reason, properties: self._unconfirmed.discard(number)
        return client

    def _looked_at(self) -> Tuple[str, ...]:
        devices = () if self._discovery == discovery.OFF else (discovery.config_topic(self._discovery, "+"),)
        return (f"{self._begins}#", self._mark, *devices)

    def _until(self, client: Any, done: Callable[[], bool], deadline: float) -> None:
        """Exchange with the broker until something is done, until then at the latest."""
        while not done():
            if self._clock() > deadline:
                raise self._unreached("it did not answer in time")
            client.loop(0.2)
            if self._refusal:
                raise self._unreached(why_refused(self._refusal))
            if client.socket() is None:
                access = self._access
                raise self._unreached(why_ended(access.tls is not None, access.shows_certificate))

    def _found(self) -> Dict[str, str]:
        """Return what is to be emptied: topics of the cameras, and devices that say that they are ours."""
        return {
            topic: payload
            for topic, payload in self._kept.items()
            if topic.startswith(self._begins) or self._is_ours(payload)
        }

    def _is_ours(self, payload: str) -> bool:
        try:
            device = json.loads(payload)
            return device["origin"]["name"] == PROGRAM and str(device["availability_topic"]).startswith(self._begins)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False

    def _unreached(self, reason: str) -> OutputNotWritable:
        return OutputNotWritable(
            f"The MQTT broker {self._access.address} is not reached: {reason}.",
            "Give --mqtt and the rest as fer-edge got them, or --config with its settings file.",
        )

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._let_in, self._refusal = not reason.is_failure, str(reason) if reason.is_failure else ""

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        if message.topic == self._mark:
            self._marked = True
        elif message.retain and message.payload:
            self._kept[message.topic] = message.payload.decode("utf-8", "replace")
