"""The sink of the web page: hands the results to the hub that the server answers from."""

from __future__ import annotations

from typing import Callable

from fer_edge.errors import UsageError
from fer_edge.sinks.base import Sink
from fer_edge.sinks.request import SinkRequest
from fer_edge.types import Observation, Rates


class PageSink(Sink):
    """Gives results to who answers browsers. That one outlives the sink: it answers before the first frame as well.

    Parameters
    ----------
    show : callable
        Takes each observation, with the figures of its camera: `fer_edge.web.hub.Hub.take`.
    """

    def __init__(self, show: Callable[[Observation, Rates], None]) -> None:
        self._show = show

    def write(self, observation: Observation, rates: Rates) -> None:
        """Hand it on."""
        self._show(observation, rates)

    def close(self) -> None:
        """Do nothing: the page stays, also without results."""


def make_sink(request: SinkRequest) -> PageSink:
    """Return the sink of the run's page. Raises UsageError in a run that has none."""
    if request.run.show is None:
        raise UsageError("This run has no page that could show its results.", "The program has one with --listen.")
    return PageSink(request.run.show)
