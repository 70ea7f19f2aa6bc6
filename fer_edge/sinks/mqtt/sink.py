"""Tells an MQTT broker what one camera sees: changes, states of the moment, and figures of each minute."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Dict, Optional, cast

from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.minutes import MinuteCounts
from fer_edge.sinks.mqtt import discovery
from fer_edge.sinks.mqtt.access import Access, MqttOptions, access_to
from fer_edge.sinks.mqtt.connection import Connection
from fer_edge.sinks.mqtt.messages import (
    OFFLINE,
    ONLINE,
    STOPPED,
    Message,
    event_of,
    figures_of,
    health_of,
    states_of,
    unknown_states,
)
from fer_edge.sinks.mqtt.outbox import Outbox
from fer_edge.sinks.mqtt.topics import Topics, default_prefix, host_name
from fer_edge.sinks.request import SinkRequest
from fer_edge.system.clock import Clock
from fer_edge.track.minutes import MinuteFigures, MinuteLog
from fer_edge.track.states import StateLog
from fer_edge.types import Observation, Rates, StateChange

EVERY: Dict[str, float] = {"persons": 1.0, "expression": 1.0, "valence": 5.0}
"""Seconds between two messages that say how it is, at least; a recorder of Home Assistant keeps each."""

HEALTH_EVERY = 60.0
"""Seconds after which figures of the program are told anew where nothing else changed."""

FLUSH_SECONDS = 1.0
"""Longest wait at the end for what is still to be sent; all sinks together get 1.5 s."""


@dataclass
class _Memory:
    """What passes on to the next sink of the camera, should this one fail."""

    run: str = field(default_factory=lambda: secrets.token_hex(4))
    events: int = 0
    outbox: Outbox = field(default_factory=Outbox)
    states: StateLog = field(default_factory=StateLog)
    minutes: MinuteLog = field(default_factory=MinuteLog)
    counts: MinuteCounts = field(default_factory=MinuteCounts)


class MqttSink(Sink):
    """Tells a broker of one camera.

    It connects as soon as it is started, before the first observation, so that a camera that gives nothing is told of. While
    the broker is away, events and figures wait, up to a bound; how it is at the moment is told once the broker is back.

    Parameters
    ----------
    request : SinkRequest
        Its options are `MqttOptions`.
    clock : callable, optional
        Monotonic seconds.

    Raises
    ------
    UsageError, SettingsError
        The settings do not go together, or name a file that will not do.
    MissingExtra, LibraryUnusable
        Of paho-mqtt.
    """

    def __init__(self, request: SinkRequest, clock: Clock = time.monotonic) -> None:
        options = cast(MqttOptions, request.options)
        access: Access = access_to(options)
        self._run = request.run
        self._clock = clock
        self._topics = Topics(options.topic or default_prefix(), request.camera)
        self._memory: _Memory = request.memory.setdefault("mqtt", _Memory())
        self._health_key = ""
        self._health_at = 0.0
        self._asked_anew = False
        self._closed = self._ended = False
        availability = self._topics.availability
        birth: Optional[str] = None
        self._device: Optional[Message] = None
        if options.discovery != discovery.OFF:
            birth = discovery.birth_topic(options.discovery)
            self._device = discovery.device_of(self._topics, options.discovery, host_name())
        self._connection = Connection(
            access,
            self._topics.device,
            self._memory.outbox,
            greeting=Message(availability, ONLINE),
            farewell=Message(availability, STOPPED),
            will=Message(availability, OFFLINE),
            name=f"the MQTT output '{access.address}' of {request.camera}",
            listens=() if birth is None else (birth,),
            hears=self._hear,
            beat=self._look_at_the_run,
            clock=clock,
        )
        if self._device is not None:
            self._memory.outbox.state(self._device)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._connection.start()

    def open(self, info: StreamInfo) -> None:
        """Do nothing: there is a connection, or one is being made."""

    def write(self, observation: Observation, rates: Rates) -> None:  # noqa: ARG002  (those of the run are told)
        """Take one observation."""
        if observation.frame.problem:
            return
        memory, topics = self._memory, self._topics
        for change in memory.states.update(observation):
            self._tell(change)
        for figures in memory.minutes.update(observation):
            self._tell_minute(figures)
        for message in states_of(topics, observation):
            memory.outbox.state(message, EVERY[message.topic.rpartition("/")[2]])
        if memory.outbox.due_in(1.0) <= 0:
            self._connection.wake()

    def close(self) -> None:
        """Tell what is open as ended, and that the program was stopped; bounded by `FLUSH_SECONDS`."""
        if self._closed:
            return
        self._closed = True
        for change in self._memory.states.close():
            self._tell(change)
        for figures in self._memory.minutes.close():
            self._tell_minute(figures)
        self._connection.close(FLUSH_SECONDS)
        self._ended = True

    def trouble(self) -> str:
        """Return why the broker is not reached, and how many events wait; empty while it is."""
        trouble, waiting = self._connection.trouble(), len(self._memory.outbox)
        return f"{trouble} ({waiting} messages wait)" if trouble else ""

    @property
    def lost(self) -> int:
        """How many events and figures were dropped, and at the end how many the broker did not confirm."""
        outbox = self._memory.outbox
        return outbox.dropped + (len(outbox) if self._ended else 0)

    def _tell(self, change: StateChange) -> None:
        memory = self._memory
        memory.events += 1
        memory.outbox.add(event_of(self._topics, change, f"{memory.run}-{memory.events}"))

    def _tell_minute(self, figures: MinuteFigures) -> None:
        memory = self._memory
        memory.outbox.add(figures_of(self._topics, memory.counts.add(figures, self._run)))

    def _look_at_the_run(self) -> None:
        """Tell how camera and program are: at once where that has changed, else once a minute."""
        message, key = health_of(self._topics, self._run)
        if self._run.trouble(self._topics.camera):
            for unknown in unknown_states(self._topics):
                self._memory.outbox.state(unknown)
        if key != self._health_key or self._clock() - self._health_at >= HEALTH_EVERY:
            self._health_key, self._health_at = key, self._clock()
            self._memory.outbox.state(message)
        if self._asked_anew:
            self._asked_anew = False
            self._memory.outbox.tell_states_anew()

    def _hear(self, topic: str, payload: str) -> None:  # noqa: ARG002  (there is one topic only)
        """Tell all anew, at the next look, once Home Assistant has come back: whoever says so without end costs a look."""
        self._asked_anew = self._asked_anew or payload == ONLINE


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--mqtt`` asks for, and begin to connect."""
    sink = MqttSink(request)
    sink.start()
    return sink
