"""The seam between fer-edge and whatever gives images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Optional, Tuple, Type, TypeVar

from fer_edge.types import Image

SourceT = TypeVar("SourceT", bound="Source")


@dataclass(frozen=True)
class SourceInfo:
    """What a source turned out to be.

    Attributes
    ----------
    name : str
        For people.
    width, height : int
        Pixels.
    fps : float
        The nominal rate; 0 if unknown.
    names : tuple of str
        Under which the same source can be opened again, should it come back elsewhere; the best first. Empty where there is
        nothing better than the way by which it was opened.
    """

    name: str
    width: int
    height: int
    fps: float
    names: Tuple[str, ...] = ()


class Source(ABC):
    """Something that gives one image after the other; a context manager that opens and closes itself.

    All calls but the constructor come from one thread. Every call is bounded, so that the thread can be ended: `grab` waits for
    at most about a second.

    Attributes
    ----------
    live : bool
        True when images come by themselves and only the newest matters (a camera); False when each one matters (a file).
    on_demand : bool
        True when an image is best made at the moment it is wanted, because it costs nothing to wait (an unpaced demo).
    keeps_rate : bool
        True when it gives no more frames per second than it was asked for.
    opening_limit : float
        Seconds after which an `open` that has not returned counts as hanging; its own limits come first.
    grab_limit : float
        The same for a `grab` with its `retrieve`; 0 for the limit that cameras have. A large photo takes long on a board.
    """

    live: bool = True
    on_demand: bool = False
    keeps_rate: bool = False
    opening_limit: float = 60.0
    grab_limit: float = 0.0

    @abstractmethod
    def open(self) -> SourceInfo:
        """Open the source. Raises a `fer_edge.errors.SourceError` that says what to do."""

    @abstractmethod
    def grab(self) -> Optional[bool]:
        """Move on to the next image.

        Returns
        -------
        bool or None
            True when there is one, None when none came yet (ask again), False at the end of the source.
        """

    @abstractmethod
    def retrieve(self) -> Image:
        """Return the grabbed image, decoded; a new array each time.

        Raises
        ------
        FileUnreadable
            One file of several cannot be read; the source goes on with the next.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what `open` took. May be called twice, and without `open`."""

    @property
    def media_time(self) -> Optional[float]:
        """Seconds from the start of the file to the image that was last retrieved; None where it is live, or nobody knows."""
        return None

    @property
    def file(self) -> str:
        """The picture file that the image is which was last retrieved, or that could not be; empty for other sources."""
        return ""

    def interrupt(self) -> None:  # noqa: B027  (most sources never block for long)
        """Make a blocked `open` or `grab` return soon. May be called from any thread, and more than once."""

    def __enter__(self: SourceT) -> SourceT:
        """Open the source for a ``with`` block."""
        self.open()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close the source."""
        self.close()
