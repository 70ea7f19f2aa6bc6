"""A source as it was asked for: its images turned, flipped, cut and reduced, and no more of them than are wanted."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Optional, Tuple

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.geometry import Geometry
from fer_edge.capture.rate_cap import RateCap
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import FileUnreadable, UsageError
from fer_edge.system.clock import Clock
from fer_edge.system.masking import shown
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

_LONGEST_SEARCH = 0.5
"""Seconds that one grab looks for the next frame of a file to take."""


def shaped(source: Source, settings: CaptureSettings, asked: bool = False) -> Source:
    """Return a source that gives what `settings` want of the images of `source`; the same where that is nothing.

    Parameters
    ----------
    source : Source
        Not open.
    settings : CaptureSettings
        Of these, size and rate, ``rotate``, ``flip`` and ``roi``.
    asked : bool
        Whether the source asks a device for size and rate. Then nothing is reduced, and the rate is bounded only where the
        device says that it gives more, or nothing.

    Raises
    ------
    UsageError
        There is no such turn, flip or region.
    """
    largest = None
    if not asked and (settings.width is not None or settings.height is not None):
        largest = settings.width or 1 << 30, settings.height or 1 << 30
    geometry = Geometry(settings.rotate, settings.flip, settings.roi, largest)
    fps = None if source.keeps_rate else settings.fps
    return ShapedSource(source, geometry, fps, asked) if geometry or fps is not None else source


class ShapedSource(Source):
    """Another source, whose images are changed and whose rate is bounded.

    Of a live source what comes faster is left out before it is decoded, and counts as never captured. Of a file the frames are
    taken by their time in it. Pictures have no time, and each is taken.

    Parameters
    ----------
    source : Source
        Not open; opened and closed with this one.
    geometry : Geometry
        What is done to each image.
    fps : float, optional
        The most frames per second; without it, all.
    trusted : bool
        Whether a rate that the source names is believed.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        geometry: Geometry,
        fps: Optional[float] = None,
        trusted: bool = False,
        clock: Clock = time.monotonic,
    ) -> None:
        self._source = source
        self._geometry = geometry
        self._fps = fps
        self._trusted = trusted
        self._clock = clock
        self._cap: Optional[RateCap] = None
        self._nominal = 0.0
        self._index = -1
        self._image: Optional[Image] = None
        self._given = False
        self._told = False
        self._take_over()

    def open(self) -> SourceInfo:
        """Open the source.

        Raises
        ------
        UsageError
            The region does not lie in its images.
        """
        info = self._source.open()
        self._take_over()
        self._cap = None if self._fps is None or self._keeps(info.fps, self._fps) else RateCap(self._fps)
        self._nominal, self._index, self._image, self._given = info.fps, -1, None, False
        try:
            known = info.width > 0 and info.height > 0
            width, height = self._geometry.size(info.width, info.height) if known else (info.width, info.height)
        except BaseException:
            self._source.close()
            raise
        fps = min(info.fps, self._fps) if self._fps is not None else info.fps
        return replace(info, width=width, height=height, fps=fps)

    def grab(self) -> Optional[bool]:
        """Move on to the next image that is to be taken; what is left out of a live source is not decoded."""
        self._image = None
        if self._cap is None or self.live:
            grabbed = self._source.grab()
            return None if grabbed and self._cap is not None and not self._cap.takes(self._clock()) else grabbed
        until = self._clock() + _LONGEST_SEARCH
        while True:
            grabbed = self._source.grab()
            if not grabbed:
                return grabbed
            # Its time is known once it is decoded.
            image = self._source.retrieve()
            self._index += 1
            if self._is_due():
                self._image = image
                return True
            if self._clock() >= until:
                return None

    def retrieve(self) -> Image:
        """Return the grabbed image, changed.

        Raises
        ------
        UsageError
            The region does not lie in it.
        FileUnreadable
            It does not lie in this picture; it did in one before.
        """
        image, self._image = self._image, None
        if image is None:
            image = self._source.retrieve()
        if image.size == 0:
            return image
        try:
            image = self._geometry.of(image)
        except UsageError as error:
            if not (self._given and self.file):
                raise
            raise FileUnreadable(f"{shown(self.file)}: {error.message}", error.remedy) from None
        self._given = True
        return image

    def close(self) -> None:
        """Close the source."""
        self._image = None
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
        source = self._source
        self.live, self.on_demand, self.keeps_rate = source.live, source.on_demand, source.keeps_rate
        self.opening_limit = source.opening_limit

    def _keeps(self, named: float, wanted: float) -> bool:
        # Drivers name 30000/1001 for 30, and the other way round.
        return self._source.keeps_rate or (self._trusted and 0 < named <= 1.01 * wanted)

    def _is_due(self) -> bool:
        seconds = self._source.media_time
        if seconds is None and self._nominal > 0:
            seconds = self._index / self._nominal
        if seconds is not None:
            return self._cap is None or self._cap.takes(seconds)
        if not self._told:
            self._told = True
            logger.info("--camera-fps means nothing for pictures, or a file without times: every frame is taken")
        return True
