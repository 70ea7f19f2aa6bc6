"""Which sinks there are. To add one: its file with `make_sink`, an entry here, and the setting that asks for it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Tuple, cast

from fer_edge.sinks.request import SinkRequest

if TYPE_CHECKING:
    from fer_edge.sinks.base import Sink


class Place(Enum):
    """What the place of a sink is."""

    PIECES = "a file, or several one after the other, whose name may hold fields for the time; or a standard stream"
    FILE = "one file"
    ADDRESS = "none of this machine's files"


@dataclass(frozen=True)
class SinkKind:
    """A kind of sink.

    Attributes
    ----------
    option : str
        On the command line: names the place; the sink is made when it is set.
    what : str
        What is written, as a noun for people: ``recording``.
    told : str
        Begins the sentence that says at the end where it is: ``the results are``.
    several : bool
        Whether one sink takes the observations of several cameras; otherwise each camera has its own.
    home : str
        The module whose ``make_sink`` makes it of a `SinkRequest`; imported when it is needed.
    but : str
        Ends that sentence where observations were left out; their number stands in it.
    section : str
        Of the settings: has the option, and what else the sink is asked.
    field : str
        What the option is called in that section, where it has another name there.
    where : Place
        What the place is.
    required : bool
        Whether the run makes no sense without it, as for a file that its user asked for: then a sink that never works ends
        the run. One that is not required fails alone, and is tried again.
    """

    option: str
    what: str
    told: str
    several: bool
    home: str
    but: str = ", but for {} that were left out"
    section: str = "outputs"
    field: str = ""
    where: Place = Place.PIECES
    required: bool = True

    def options(self, settings: Any) -> Any:
        """Return the section of `fer_edge.settings.Settings` that the sink reads."""
        return getattr(settings, self.section)

    def place(self, settings: Any) -> str:
        """Return the place as the settings have it; empty where they ask for no such sink."""
        value = getattr(self.options(settings), self.field or self.option)
        return "" if value is None else str(value)

    def make(self, request: SinkRequest) -> Sink:
        """Make a sink, not open yet. Raises an `OutputError` for a place where nothing can be written."""
        return cast("Sink", importlib.import_module(self.home).make_sink(request))


SINKS: Tuple[SinkKind, ...] = (
    SinkKind("output", "results file", "the results are", True, "fer_edge.sinks.jsonl"),
    SinkKind("record", "recording", "the annotated video is", False, "fer_edge.sinks.video.recording"),
    SinkKind(
        "events", "events file", "the events are", True, "fer_edge.sinks.events", ", without what {} frames showed"
    ),
    SinkKind(
        "history",
        "history",
        "the history is",
        True,
        "fer_edge.sinks.history.sink",
        ", without what {} frames showed",
        section="history",
        field="file",
        where=Place.FILE,
    ),
    SinkKind(
        "mqtt",
        "MQTT output",
        "",
        False,
        "fer_edge.sinks.mqtt.sink",
        section="mqtt",
        field="broker",
        where=Place.ADDRESS,
        required=False,
    ),
    SinkKind("listen", "web page", "", True, "fer_edge.web.sink", section="web", where=Place.ADDRESS, required=False),
)
"""All kinds, in the order in which they are opened."""
