"""Images turned, flipped, cut and reduced, as somebody asks who cannot move the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import cv2
import numpy as np

from fer_edge.errors import UsageError
from fer_edge.types import Image

Size = Tuple[int, int]
"""Width and height in pixels."""

Region = Tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

_TURNS: Dict[int, int] = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS: Dict[str, int] = {"horizontal": 1, "vertical": 0, "both": -1}
"""How `cv2.flip` calls what people call otherwise."""


@dataclass(frozen=True)
class Geometry:
    """What is done to each image, in this order: turn, flip, cut, reduce.

    Attributes
    ----------
    rotate : int
        Degrees clockwise: 0, 90, 180 or 270.
    flip : str
        ``none``, ``horizontal`` (left and right are swapped), ``vertical`` or ``both``.
    roi : tuple of int, optional
        The part that is used, in pixels of the turned and flipped image.
    largest : tuple of int, optional
        What the result is reduced to fit into, with its proportions; never enlarged.
    """

    rotate: int = 0
    flip: str = "none"
    roi: Optional[Region] = None
    largest: Optional[Size] = None

    def __post_init__(self) -> None:
        """Refuse what is none of these. Raises UsageError."""
        if self.rotate not in (0, *_TURNS):
            raise UsageError(
                f"A turn by {self.rotate} degrees was asked for.", "Give 0, 90, 180 or 270, which is clockwise."
            )
        if self.flip not in ("none", *_FLIPS):
            raise UsageError(f"'{self.flip}' is no way to flip.", f"Give none, {', '.join(_FLIPS)}.")
        if self.roi is not None and (len(self.roi) != 4 or min(self.roi[:2]) < 0 or min(self.roi[2:]) < 1):
            raise UsageError(
                f"{self.roi} is no region of an image.", "Give left and top from 0, width and height from 1, in pixels."
            )

    def __bool__(self) -> bool:
        """Return whether anything is asked for."""
        return self != Geometry()

    def size(self, width: int, height: int) -> Size:
        """Return the size of what becomes of an image of `width` x `height` pixels.

        Raises
        ------
        UsageError
            The region does not lie in the turned image.
        """
        _, _, width, height = self._region(width, height)
        return self._reduced(width, height)

    def of(self, image: Image) -> Image:
        """Return what becomes of an image: a new one, or the same where nothing is to be done.

        It is cut and reduced before it is turned, which then costs as much as the result is large.

        Raises
        ------
        UsageError
            The region does not lie in the turned image.
        """
        height, width = image.shape[:2]
        region = self._region(width, height)
        wanted = self._reduced(*region[2:])
        if region[2:] != self._upright(width, height):
            left, top, right, bottom = self._before_turning(region, width, height)
            image = np.ascontiguousarray(image[top:bottom, left:right])
        if wanted != region[2:]:
            image = cv2.resize(image, self._upright(*wanted), interpolation=cv2.INTER_AREA)
        if self.rotate:
            image = cv2.rotate(image, _TURNS[self.rotate])
        return image if self.flip == "none" else cv2.flip(image, _FLIPS[self.flip])

    def _upright(self, width: int, height: int) -> Size:
        """Swap the sides where the turn does."""
        return (height, width) if self.rotate in (90, 270) else (width, height)

    def _region(self, width: int, height: int) -> Region:
        across, down = self._upright(width, height)
        if self.roi is None:
            return 0, 0, across, down
        left, top, cut_across, cut_down = self.roi
        if left + cut_across > across or top + cut_down > down:
            turned = f", turned by {self.rotate} degrees" if self.rotate else ""
            raise UsageError(
                f"The region of {cut_across}x{cut_down} pixels at {left},{top} that roi asks for does not lie in the image, "
                f"which has {across}x{down}{turned}.",
                "Give one that does: left, top, width, height; left + width and top + height are at most the image's.",
            )
        return self.roi

    def _reduced(self, width: int, height: int) -> Size:
        if self.largest is None:
            return width, height
        share = min(1.0, self.largest[0] / width, self.largest[1] / height)
        return max(1, round(share * width)), max(1, round(share * height))

    def _before_turning(self, region: Region, width: int, height: int) -> Tuple[int, int, int, int]:
        """Return left, top, right and bottom of a region in the image of `width` x `height` as it came."""
        left, top = region[:2]
        right, bottom = left + region[2], top + region[3]
        across, down = self._upright(width, height)
        if self.flip in ("horizontal", "both"):
            left, right = across - right, across - left
        if self.flip in ("vertical", "both"):
            top, bottom = down - bottom, down - top
        if self.rotate == 90:
            return top, height - right, bottom, height - left
        if self.rotate == 180:
            return width - right, height - bottom, width - left, height - top
        if self.rotate == 270:
            return width - bottom, left, width - top, right
        return left, top, right, bottom
