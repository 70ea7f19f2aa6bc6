"""The seam between fer-edge and wherever results go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import List, Optional, Tuple, Type, TypeVar

from fer_edge.types import Observation, Rates

SinkT = TypeVar("SinkT", bound="Sink")


class Sink(ABC):
    """Takes observations, one by one, in the order of capture; a context manager that closes itself.

    What was written stays whole whenever the program ends: a sink leaves a readable file after each `write`, or at the
    latest after `close`.
    """

    @abstractmethod
    def write(self, observation: Observation, rates: Rates) -> None:
        """Take one observation, with the rates of the moment.

        Raises
        ------
        ResultUnwritable
            This one cannot be written and is left out; the next one may be given.
        OutputError
            Nothing can be written at the moment. Whoever wants to go on makes a new sink.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish and flush. May be called twice."""

    def __enter__(self: SinkT) -> SinkT:
        """Enter a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close the sink."""
        self.close()


class MemorySink(Sink):
    """Keeps everything in a list: for tests and notebooks."""

    def __init__(self) -> None:
        self.items: List[Tuple[Observation, Rates]] = []

    def write(self, observation: Observation, rates: Rates) -> None:
        """Keep the observation and the rates."""
        self.items.append((observation, rates))

    def close(self) -> None:
        """Do nothing: the list stays."""
