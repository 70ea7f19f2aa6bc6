"""The seam between fer-edge and wherever results go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Optional, Type, TypeVar

from fer_edge.types import Observation, Rates

SinkT = TypeVar("SinkT", bound="Sink")


@dataclass(frozen=True)
class StreamInfo:
    """What comes into a sink.

    Attributes
    ----------
    camera : str
        The camera's name; empty for a sink that gets the observations of several.
    width, height : int
        Pixels of the images; 0 where several cameras have their own.
    fps : float
        Nominal rate of the images; 0 if unknown.
    live : bool
        Whether the images come in their own time, as from a camera; False for a file.
    """

    camera: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    live: bool = True

    @classmethod
    def of(cls, observation: Observation, fps: float = 0.0, *, live: bool) -> StreamInfo:
        """Return what one observation tells of the stream that it belongs to; whether that is live it does not tell."""
        frame = observation.frame
        height, width = (*frame.image.shape[:2], 0, 0)[:2]
        return cls(frame.source, width, height, fps, live)


class Sink(ABC):
    """Takes observations, one by one, in the order of capture; a context manager that closes itself.

    The constructor finds out what can be found out without touching anything; `open` comes before the first `write`, and
    all three from one thread. What was written stays whole whenever the program ends: a sink leaves a readable file after
    each `write`, or at the latest after `close`.
    """

    def open(self, info: StreamInfo) -> None:  # noqa: B027  (a sink that keeps nothing open needs none)
        """Open what is written to.

        Parameters
        ----------
        info : StreamInfo
            What will come.

        Raises
        ------
        OutputError
            It cannot be opened at the moment. Whoever wants to go on makes a new sink.
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
        """Finish and flush. May be called twice, and without `open`."""

    def trouble(self) -> str:
        """Return why what it took gets nowhere at the moment, for people; empty where it does. Any thread may ask."""
        return ""

    @property
    def lost(self) -> int:
        """How much of what it took got lost, beyond what its errors told of. Any thread may ask."""
        return 0

    def __enter__(self: SinkT) -> SinkT:
        """Enter a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close the sink."""
        self.close()
