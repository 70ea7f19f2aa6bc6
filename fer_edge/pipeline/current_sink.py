"""The sink that a runner has at the moment: made, opened, written to, and made anew after a failure."""

from __future__ import annotations

from contextlib import suppress
from typing import Callable, Optional

from fer_edge.pipeline.sink_state import SinkState
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.types import Observation, Rates


class CurrentSink:
    """Makes a sink when there is none, and opens it for the first observation that it gets.

    Parameters
    ----------
    make : callable
        Makes a sink; gets how often one was opened before.
    state : SinkState
        Told what is being done.
    """

    def __init__(self, make: Callable[[int], Sink], state: SinkState) -> None:
        self._make = make
        self._state = state
        self._sink: Optional[Sink] = None
        self._is_open = False
        self._opened = 0
        self._lost = 0

    def prepare(self) -> Sink:
        """Return the sink, made if there is none. Raises what it raises."""
        if self._sink is None:
            with self._state.calling("opening"):
                self._sink = self._make(self._opened)
        return self._sink

    def write(self, observation: Observation, rates: Rates, describe: Callable[[Observation], StreamInfo]) -> None:
        """Write one observation, to a sink that is opened if it is not open. Raises what the sink raises.

        Parameters
        ----------
        describe : callable
            Gives what the sink is told when it is opened.
        """
        sink = self.prepare()
        if not self._is_open:
            with self._state.calling("opening"):
                sink.open(describe(observation))
            self._is_open = True
            self._opened += 1
        with self._state.calling("writing"):
            sink.write(observation, rates)

    def trouble(self) -> str:
        """Return what the sink itself says of why it gets nothing anywhere; empty where it does, or where there is none."""
        sink = self._sink
        return "" if sink is None else sink.trouble()

    @property
    def lost(self) -> int:
        """How much the sink itself has lost; one that takes over from another goes on with that one's count. Never falls."""
        sink = self._sink
        if sink is not None:
            self._lost = max(self._lost, sink.lost)
        return self._lost

    def drop(self) -> None:
        """Close the sink whatever it says to that; the next observation gets another one."""
        with suppress(Exception):
            self.close()

    def close(self) -> None:
        """Close the sink, if there is one. Raises what it raises."""
        sink, self._is_open = self._sink, False
        if sink is not None:
            with self._state.calling("closing"):
                try:
                    sink.close()
                finally:
                    self._lost, self._sink = max(self._lost, sink.lost), None
