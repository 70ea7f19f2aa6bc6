"""An image of MPEG-4 Part 2 that shows the one before once more, made without an encoder."""

from __future__ import annotations

from typing import Tuple

from fer_edge.errors import OutputNotWritable

VOP = b"\x00\x00\x01\xb6"
"""Start code of an image."""

_LAYER = b"\x00\x00\x01\x20"
_MACROBLOCK = 16


def repeated_image(config: bytes, image: bytes, size: Tuple[int, int]) -> bytes:
    """Return an image in which each macroblock is the one of the image before: one bit for each (ISO/IEC 14496-2, 6.2.5).

    Parameters
    ----------
    config : bytes
        What describes the stream, up to its first image.
    image : bytes
        The one before; it gives the time, which no container's player looks at.
    size : tuple of int
        Width and height in pixels.

    Raises
    ------
    OutputNotWritable
        The stream is of another form than FFmpeg's encoder gives it.
    """
    digits = _digits_of_time(config)
    time = _Bits(image, image.find(VOP) + len(VOP))
    time.take(2)
    while time.take(1):
        pass  # whole seconds that went by
    time.take(1)
    increment = time.take(digits)
    blocks = -(-size[0] // _MACROBLOCK) * -(-size[1] // _MACROBLOCK)
    # Predicted, no whole second more, a marker, the time, a marker, coded, rounding, the threshold of intra DC, a quantizer
    # and a range of motion that no block makes use of, and the blocks, all left out.
    bits = f"010 1{increment:0{digits}b} 11 0 000 00001 001".replace(" ", "") + "1" * blocks + "0"
    bits += "1" * (-len(bits) % 8)
    return VOP + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _digits_of_time(config: bytes) -> int:
    """Return how many bits the time of an image has (6.2.3)."""
    at = config.find(_LAYER)
    layer = _Bits(config, at + len(_LAYER))
    layer.take(1 + 8)
    if layer.take(1):
        layer.take(4 + 3)
    if layer.take(4) == 15:
        layer.take(16)
    if layer.take(1):
        layer.take(3)
        if layer.take(1):
            layer.take(79)
    rectangular, _ = layer.take(2) == 0, layer.take(1)
    if at < 0 or not rectangular:
        raise OutputNotWritable("This build of OpenCV encodes MPEG-4 in a form that is not known.", "Record to .avi.")
    return max(1, (layer.take(16) - 1).bit_length())


class _Bits:
    """Reads bits from a place in bytes on."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, 8 * at

    def take(self, count: int) -> int:
        """Return the next bits as a number; zeros behind the end."""
        first, self._at = self._at, self._at + count
        piece = self._data[first // 8 : -(-self._at // 8)].ljust(-(-self._at // 8) - first // 8, b"\0")
        return int.from_bytes(piece, "big") >> (-self._at % 8) & ((1 << count) - 1)
