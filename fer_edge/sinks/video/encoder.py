"""The seam between a recording and what encodes its images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Callable, Tuple

from fer_edge.types import Image

Consume = Callable[[bytes], None]
"""Takes one encoded image: of H.264 an access unit with start codes (ITU-T H.264, annex B), in the order of the images."""

KEY_SECONDS = 2.0
"""Between two images that stand for themselves, at the nominal rate: a player that seeks decodes from there."""


class EncoderMissing(Exception):
    """An encoder cannot be had here; the message says why, in words that can follow a colon."""


class EncoderHangs(EncoderMissing):
    """A program that could encode does not answer; asking it for another way would take as long."""


@dataclass(frozen=True)
class VideoFormat:
    """What is to be encoded.

    Attributes
    ----------
    size : tuple of int
        Width and height in pixels, both even.
    fps : float
        Nominal rate: it sets how often an image stands for itself, and of some encoders the bits. Times are the file's.
    """

    size: Tuple[int, int]
    fps: float

    @property
    def key_interval(self) -> int:
        """Images from one that stands for itself to the next."""
        return max(1, round(KEY_SECONDS * self.fps))

    @property
    def bit_rate(self) -> int:
        """Bits per second for encoders that know no constant quality: 0.12 a pixel, 1.1 Mbit/s at 640 x 480 and 30."""
        return max(100_000, round(0.12 * self.size[0] * self.size[1] * min(60.0, max(1.0, self.fps))))


class Encoder(ABC):
    """Encodes images of one size, without ones that depend on later ones, and gives each to `Consume` in time.

    Attributes
    ----------
    name : str
        What encodes, for people: ``libx264 by PyAV 18.1.0``.
    """

    name: str

    @abstractmethod
    def write(self, image: Image) -> None:
        """Encode one image.

        Raises
        ------
        EncoderFailed
            The encoder ended, or did not take the image in time.
        OutputError
            What `Consume` raised.
        """

    @abstractmethod
    def close(self) -> None:
        """Encode what is left, and give everything back. Raises as `write` does. Only once."""
