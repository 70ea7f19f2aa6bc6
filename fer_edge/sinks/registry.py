"""Which sinks there are. To add one: its file with `make_sink`, an entry here, and the setting that asks for it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Tuple, cast

from fer_edge.sinks.request import SinkRequest

if TYPE_CHECKING:
    from fer_edge.sinks.base import Sink


@dataclass(frozen=True)
class SinkKind:
    """A kind of sink.

    Attributes
    ----------
    option : str
        Of the output settings: names the place; the sink is made when it is set.
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
    """

    option: str
    what: str
    told: str
    several: bool
    home: str
    but: str = ", but for {} that were left out"

    def make(self, request: SinkRequest) -> Sink:
        """Make a sink, not open yet. Raises an `OutputError` for a place where nothing can be written."""
        return cast("Sink", importlib.import_module(self.home).make_sink(request))


SINKS: Tuple[SinkKind, ...] = (
    SinkKind("output", "results file", "the results are", True, "fer_edge.sinks.jsonl"),
    SinkKind("record", "recording", "the annotated video is", False, "fer_edge.sinks.video.recording"),
    SinkKind(
        "events", "events file", "the events are", True, "fer_edge.sinks.events", ", without what {} frames showed"
    ),
)
"""All kinds, in the order in which they are opened."""
