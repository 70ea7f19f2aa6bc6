"""JPEG, PNG and WebP images out of a stream of bytes."""

from __future__ import annotations

import re
from typing import List, Optional

MAX_IMAGE = 16 * 1024 * 1024
"""Bytes. An 8K image of the best quality has about as many; a network of 1 Gbit/s carries seven a second."""

_START = re.compile(rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<webp>RIFF.{4}WEBP)", re.DOTALL)
_END = b"\xff\xd9"
_LONGEST_START = 12
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_SEGMENTLESS = frozenset({0x01, *range(0xD0, 0xD8)})
# In the coded data, FF 00 is a stuffed byte, FF D0 to FF D7 restart the coder, and FF may be repeated before a marker.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class PictureSplitter:
    """Finds whole JPEG, PNG and WebP images in a stream, however it is cut into chunks.

    In a JPEG it walks from marker to marker as ITU-T T.81 annex B lays them out, and so needs neither the boundary of
    multipart/x-mixed-replace nor Content-Length, which cameras leave out or get wrong, and is not misled by a thumbnail
    inside an image. A PNG is walked from chunk to chunk, and a WebP says its length. What is no image is skipped; one that is
    cut off by the start of the next is left out.

    Parameters
    ----------
    limit : int
        Bytes that an image may have; a longer one is skipped, so that the buffer stays bounded.
    """

    def __init__(self, limit: int = MAX_IMAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._position = 0  # of the next byte to look at; 0: the start of an image has not been found yet
        self._kind: Optional[str] = None
        self._in_scan = False
        self._has_scan = False
        self._whole = False
        self._segment = 0  # where the last marker stands, behind which to look on when no other follows
        self._forgotten = 0  # bytes of an image beyond the limit that are no longer kept

    def feed(self, chunk: bytes) -> List[bytes]:
        """Take the next bytes of the stream and give the images that they complete."""
        self._buffer += chunk
        images: List[bytes] = []
        while True:
            if self._position == 0 and not self._find_start():
                return images
            end = self._walk() if self._kind == "jpeg" else self._walk_chunks()
            if end is None:
                self._forget_what_is_too_long()
                return images
            if self._whole and self._forgotten + end <= self._limit:
                images.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
            self._position = 0

    def unfinished(self) -> bytes:
        """Return the JPEG that has begun, with the end marker that some cameras leave out; empty if there is none."""
        return bytes(self._buffer) + _END if self._in_scan and not self._forgotten else b""

    def _forget_what_is_too_long(self) -> None:
        """Keep no more of an image beyond the limit than what is needed to find its end.

        To look for the next one inside of it would take the square of its length.
        """
        if self._forgotten + self._position > self._limit:
            surplus = min(self._position, len(self._buffer)) - 1 if self._in_scan else self._segment
            del self._buffer[:surplus]
            self._position -= surplus
            self._segment = 0
            self._forgotten += surplus

    def _find_start(self) -> bool:
        start = _START.search(self._buffer)
        if start is None:
            del self._buffer[: max(0, len(self._buffer) - _LONGEST_START + 1)]
            return False
        self._kind = start.lastgroup
        del self._buffer[: start.start()]
        self._position = {"jpeg": 2, "png": 8}.get(self._kind or "", _LONGEST_START)
        self._segment = self._forgotten = 0
        self._in_scan = self._has_scan = self._whole = False
        return True

    def _walk_chunks(self) -> Optional[int]:
        """Go on to the end of a PNG or a WebP; None: not here yet. A broken one ends where to look for the next."""
        data = self._buffer
        if self._kind == "webp":
            end = 8 + int.from_bytes(data[4:8], "little")
            self._whole = end <= self._limit
            return _LONGEST_START if not self._whole else end if len(data) >= end else None
        while len(data) >= self._position + 8:
            at = self._position
            length, name = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8])
            if length > self._limit or not name.isalpha():
                # The length of a chunk that was cut off may have led into the next image.
                return self._segment + 8
            self._segment = at
            if name != b"IEND":
                self._position += 12 + length
                continue
            self._whole = True
            return at + 12 + length if len(data) >= at + 12 + length else None
        return None

    def _walk(self) -> Optional[int]:
        """Go on to the end of the image; None: not here yet. A broken one ends where to look for the next."""
        data = self._buffer
        while True:
            at = self._position
            if self._in_scan:
                found = _MARKER.search(data, at)
                if found is None:
                    # The last byte may be the first half of a marker.
                    self._position = max(at, len(data) - 1)
                    return None
                at = self._position = found.start()
                self._in_scan = False
            while data[at : at + 2] == b"\xff\xff":
                at += 1
                self._segment = at - 2
            self._position = at
            if len(data) < at + 2:
                return None
            marker = data[at + 1]
            if data[at] == 0xFF and marker == _SOI:
                return at
            if data[at] != 0xFF or marker == 0x00:
                # The length of a segment that was cut off may have led into the next image.
                return self._segment + 2
            if marker == _EOI:
                self._whole = self._has_scan
                return at + 2
            self._segment = at
            if marker in _SEGMENTLESS:
                self._position = at + 2
                continue
            if len(data) < at + 4:
                return None
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if length < 2:
                return self._segment + 2
            self._position = at + 2 + length
            self._in_scan = marker == _SOS
            self._has_scan |= self._in_scan
            if self._position > len(data):
                return None
