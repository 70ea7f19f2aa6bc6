"""A sink in memory, for tests and notebooks."""

from __future__ import annotations

from typing import List, Optional, Tuple

from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.types import Observation, Rates


class MemorySink(Sink):
    """Keeps everything in a list.

    Attributes
    ----------
    info : StreamInfo or None
        What it was opened with; None before.
    items : list of (Observation, Rates)
        What was written.
    closed : bool
        Whether it was closed.
    """

    def __init__(self) -> None:
        self.info: Optional[StreamInfo] = None
        self.items: List[Tuple[Observation, Rates]] = []
        self.closed = False

    def open(self, info: StreamInfo) -> None:
        """Keep what will come."""
        self.info = info

    def write(self, observation: Observation, rates: Rates) -> None:
        """Keep the observation and the rates."""
        self.items.append((observation, rates))

    def close(self) -> None:
        """Note it; the list stays."""
        self.closed = True
