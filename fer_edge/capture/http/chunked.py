"""The chunked transfer coding of HTTP."""

from __future__ import annotations

import re
from typing import List


class ChunkedDecoder:
    """Undoes the chunked transfer coding (RFC 9112, section 7.1), however the bytes are cut."""

    def __init__(self) -> None:
        self.ended = False
        self._buffer = b""
        self._left = 0  # bytes of the chunk that are still to come, with its two closing ones

    def feed(self, data: bytes) -> bytes:
        """Take coded bytes and give the body's."""
        self._buffer += data
        pieces: List[bytes] = []
        while not self.ended:
            if self._left > 2:
                piece = self._buffer[: self._left - 2]
                pieces.append(piece)
                self._buffer = self._buffer[len(piece) :]
                self._left -= len(piece)
                if self._left > 2:
                    break
            if len(self._buffer) < self._left:
                break
            self._buffer, self._left = self._buffer[self._left :], 0
            line, found, rest = self._buffer.partition(b"\n")
            if not found and len(line) < 1024:
                break
            size = re.match(rb"\s*([0-9a-fA-F]{1,8})", line)
            if size is None or int(size.group(1), 16) == 0:
                self.ended = True
                break
            self._buffer, self._left = rest, int(size.group(1), 16) + 2
        return b"".join(pieces)
