"""A source that stands in front of another, for those that change something of it."""

from __future__ import annotations

from typing import Optional, Tuple

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.types import Image

PASSED_ON = tuple(Source.__annotations__)
"""What a source says of itself by attributes."""


class WrappedSource(Source):
    """Another source, as it is.

    Parameters
    ----------
    source : Source
        Not open; opened and closed with this one.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._take_over()

    def open(self) -> SourceInfo:
        """Open the source. Raises as it does."""
        info = self._source.open()
        self._take_over()
        return info

    def grab(self) -> Optional[bool]:
        """Move on to its next image."""
        return self._source.grab()

    def retrieve(self) -> Image:
        """Return the grabbed image."""
        return self._source.retrieve()

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def interrupt(self) -> None:
        """Make a blocked call of the source return soon."""
        self._source.interrupt()

    @property
    def media_time(self) -> Optional[float]:
        """Seconds from the start of the file to the image that was last retrieved."""
        return self._source.media_time

    @property
    def file(self) -> str:
        """The picture file that was last retrieved."""
        return self._source.file

    @property
    def skipped(self) -> Tuple[str, ...]:
        """The files that could not be decoded, so far."""
        return tuple(getattr(self._source, "skipped", ()))

    def _take_over(self) -> None:
        """Say of this one what the source says of itself, which may change when it is opened."""
        for name in PASSED_ON:
            setattr(self, name, getattr(self._source, name))
