"""What is told of one camera, as the messages that carry it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from fer_edge.sinks.event_lines import as_record
from fer_edge.sinks.lines import number
from fer_edge.sinks.minutes import CountedMinute, minute_record
from fer_edge.sinks.mqtt.topics import Topics
from fer_edge.sinks.run_view import RunView
from fer_edge.types import LABELS, Observation, StateChange

ONLINE, STOPPED, OFFLINE = "online", "stopped", "offline"
"""What ``availability`` says: at each connect, at a clean end, and by the broker once nothing is heard any more."""

NOBODY, UNSURE = "nobody", "uncertain"
"""What ``expression`` says where nobody is in view, and where no label is to be trusted."""

EXPRESSIONS = (*LABELS, UNSURE, NOBODY)

UNKNOWN = "None"
"""What Home Assistant takes for a sensor that knows nothing at the moment."""

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes
    ----------
    topic, payload : str
        Of it.
    retain : bool
        Whether the broker keeps it for those who subscribe later.
    """

    topic: str
    payload: str
    retain: bool = True


def states_of(topics: Topics, observation: Observation) -> Sequence[Message]:
    """Return how many persons are in view, what most of them show, and how pleasant their faces look on average."""
    steady = [seen.steady for seen in observation.faces]
    valences = [expression.valence for expression in steady]
    mean = number(sum(valences) / len(valences), 2) if valences else None
    return (
        Message(topics.of("persons"), str(len(steady))),
        Message(topics.of("expression"), _dominant(observation)),
        Message(topics.of("valence"), UNKNOWN if mean is None else str(mean + 0.0)),
    )


def unknown_states(topics: Topics) -> Sequence[Message]:
    """Return that nobody knows who is in view: the camera gives nothing."""
    return tuple(Message(topics.of(what), UNKNOWN) for what in ("persons", "expression", "valence"))


def event_of(topics: Topics, change: StateChange, name: str) -> Message:
    """Return the message for a state that begins or is over.

    Parameters
    ----------
    name : str
        Of the message: none other of the camera has it, so that one that comes twice is known.
    """
    record = {"id": name, "repeated": False, **as_record(change)}
    return Message(topics.of("event"), as_json(record), retain=False)


def repeated(message: Message) -> Message:
    """Return a message that may have arrived already, so marked if it is an event."""
    if message.retain:  # the newest one counts, however often it comes
        return message
    return Message(message.topic, message.payload.replace('"repeated":false', '"repeated":true', 1), False)


def health_of(topics: Topics, run: RunView) -> Tuple[Message, str]:
    """Return how the camera and the program are, and a text that is another one only where people would be told anew."""
    status, reasons = run.health()
    problem = run.trouble(topics.camera)
    record = {
        "status": status,
        "reasons": list(reasons),
        "problem": problem,
        "fps": number(run.rates(topics.camera).total, 1),
        "temperature_c": _rounded(run.temperature(), 1),
    }
    key = _DIGITS.sub("", json.dumps([status, bool(problem), list(reasons)]))
    return Message(topics.of("health"), as_json(record)), key


def figures_of(topics: Topics, minute: CountedMinute) -> Message:
    """Return the figures of a minute, under the names that a history has for them."""
    return Message(topics.of("figures"), as_json(minute_record(minute)))


def as_json(record: Mapping[str, Any]) -> str:
    """Return a record in ASCII, without spaces."""
    return json.dumps(record, allow_nan=False, separators=(",", ":"))


def _rounded(value: Optional[float], digits: int) -> Optional[float]:
    return None if value is None else number(value, digits)


def _dominant(observation: Observation) -> str:
    """Return the label that most persons show, of several such the one that is surest."""
    if not observation.faces:
        return NOBODY
    counts: Counter[str] = Counter()
    weights: Dict[str, float] = {}
    for expression in (seen.steady for seen in observation.faces):
        if not expression.uncertain:
            counts[expression.label] += 1
            weights[expression.label] = weights.get(expression.label, 0.0) + float(expression.confidence)
    return max(counts, key=lambda label: (counts[label], weights[label])) if counts else UNSURE
