"""AVI: reading it from a stream, and writing it so that it can be played while it grows."""

from __future__ import annotations

import struct
from array import array
from typing import Iterator, Tuple

import numpy as np

from fer_edge.sinks.files import OutputFile

_LARGEST = 0xFFFFFFFF


class AviSplitter:
    """Cuts a stream of AVI bytes with one video track into its header and its images.

    Attributes
    ----------
    header : bytes
        Everything before the first image, once it was seen.
    """

    def __init__(self) -> None:
        self.header = b""
        self._in_images = False
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take some bytes and give the images that are complete by now."""
        self._rest += data
        at = 0
        while len(self._rest) - at >= 12:
            kind, size, form = struct.unpack_from("<4sI4s", self._rest, at)
            is_list = kind == b"RIFF" or (kind == b"LIST" and form == b"movi")
            length = 12 if is_list else 8 + size + size % 2
            if len(self._rest) - at < length:
                break
            if not self._in_images:
                self.header += self._rest[at : at + length]
                self._in_images = form == b"movi"
            elif kind == b"00dc" and size:
                yield self._rest[at + 8 : at + 8 + size]
            at += length
        self._rest = self._rest[at:]


class AviMuxer:
    """Writes images to an AVI file whose counts are right after every image; the index follows at the end.

    Beyond 4 GiB the counts in the header, which have 32 bits, stay at their maximum; players then read on to the end.

    Parameters
    ----------
    file : OutputFile
        An empty, regular file.
    splitter : AviSplitter
        Its header becomes that of the file.
    fps : float
        Images per second, constant.
    """

    def __init__(self, file: OutputFile, splitter: AviSplitter, fps: float) -> None:
        self._file = file
        self._splitter = splitter
        self._fps = fps
        self._sizes = array("I")
        self._places: Tuple[int, int] = (0, 0)
        self._list = 0
        self._last = b""

    def add(self, image: bytes, at: float) -> None:
        """Take one encoded image, and until its time repeat the one before.

        Parameters
        ----------
        image : bytes
            As the encoder gave it.
        at : float
            Seconds from the beginning.

        Raises
        ------
        OutputError
            The file cannot grow.
        """
        # Not encoded again: an encoder that is slow would only fall further behind. An empty chunk would do for some players,
        # but OpenCV passes over it.
        for _ in range(round(at * self._fps) - len(self._sizes) if self._last else 0):
            self._append(self._last)
        self._append(image)
        self._last = image

    def _append(self, image: bytes) -> None:
        if not self._sizes:
            header = self._splitter.header
            # The numbers of frames stand 16 bytes into the main header, and 32 into the stream's (Microsoft's AVI RIFF
            # file reference, AVIMAINHEADER and AVISTREAMHEADER).
            self._places = header.index(b"avih") + 8 + 16, header.index(b"strh") + 8 + 32
            self._list = len(header) - 8
            self._file.append(header)
        self._file.append(b"00dc" + struct.pack("<I", len(image)) + image + bytes(len(image) % 2))
        self._sizes.append(len(image))
        self._count()

    def finish(self) -> None:
        """Write the index."""
        if not self._sizes or self._file.size > _LARGEST - 16 * len(self._sizes) - 8:
            return
        index = np.zeros(len(self._sizes), [("kind", "S4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])
        index["kind"], index["flags"] = b"00dc", 0x10
        index["size"] = sizes = np.frombuffer(self._sizes, self._sizes.typecode)
        index["offset"][0] = 4
        index["offset"][1:] = 4 + np.cumsum((8 + sizes + sizes % 2)[:-1], dtype=np.uint64)
        end = self._file.size
        self._file.append(b"idx1" + struct.pack("<I", index.nbytes) + index.tobytes())
        self._file.patch(4, struct.pack("<I", self._file.size - 8))
        self._file.patch(self._list, struct.pack("<I", end - self._list - 4))

    def _count(self) -> None:
        for place in self._places:
            self._file.patch(place, struct.pack("<I", len(self._sizes)))
        self._file.patch(4, struct.pack("<I", min(_LARGEST, self._file.size - 8)))
        self._file.patch(self._list, struct.pack("<I", min(_LARGEST, self._file.size - self._list - 4)))
