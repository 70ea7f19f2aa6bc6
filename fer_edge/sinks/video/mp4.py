"""An MP4 file that can be played at any moment while it grows.

While it is being written, the file is a fragmented MP4: a header first, and then pieces of about half a second that are
complete in themselves. On a clean end it becomes a plain MP4 with one table of all frames, which every player can seek in:
the table is appended, and the space that was kept free at the front becomes the header of a media-data box around all that
came before. The recorder OBS Studio calls this hybrid MP4. The boxes are those of ISO/IEC 14496-12 and 14496-14.
"""

from __future__ import annotations

import re
import struct
from array import array
from typing import List, Tuple, Union

import numpy as np

from fer_edge.sinks.files import OutputFile
from fer_edge.sinks.recognise import MP4_HEAD
from fer_edge.sinks.video.repeated import VOP, repeated_image

Parts = Tuple[bytes, ...]

_TICKS = 1000
"""Duration of one frame on the file's time scale, which therefore is 1000 times the frame rate."""

_START_OF_IMAGES = re.compile(rb"\x00\x00\x01[\xb3\xb6]")
"""MPEG-4 Part 2: what precedes the first group (B3) or image (B6) describes the stream."""

_KEY, _DELTA = 0x02000000, 0x01010000
"""Sample flags: depends on no other; depends on others and is no sync sample."""


class Mp4Muxer:
    """Writes images that an MPEG-4 Part 2 encoder made (fourcc ``mp4v``) to a file.

    Parameters
    ----------
    file : OutputFile
        An empty, regular file.
    fps : float
        Images per second, constant.
    size : tuple of int
        Width and height in pixels.
    """

    def __init__(self, file: OutputFile, fps: float, size: Tuple[int, int]) -> None:
        self._file = file
        self._scale = round(_TICKS * fps)
        self._size = size
        self._per_fragment = max(1, round(fps / 2))
        self._waiting: List[bytes] = []
        # Of weeks of images; a list takes ten times the memory.
        self._sizes = array("I")
        self._keys = array("B")
        self._chunk_offsets = array("Q")
        self._chunk_samples = array("I")
        self._config = b""
        self._last = self._repeated = b""
        self._head = b""
        self._reserved = 0

    def add(self, image: bytes) -> None:
        """Take one encoded image. Raises an `OutputError` when the file cannot grow."""
        if not self._config:
            start = _START_OF_IMAGES.search(image)
            self._config = image[: start.start()] if start else b""
            self._reserved = len(MP4_HEAD)
            # Written with the first images: a file without any plays nowhere, and one on a full disk shall not be left over.
            self._head = b"".join((MP4_HEAD, *_box(b"free", bytes(8)), *self._movie(fragmented=True)))
        self._last, self._repeated = image, b""
        self._take(image)

    def repeat(self) -> None:
        """Show the last image once more. Raises as `add` does."""
        self._repeated = self._repeated or repeated_image(self._config, self._last, self._size)
        self._take(self._repeated)

    def finish(self) -> None:
        """Write what waits and the table of all images. Without it the file is as playable, but slower to seek in."""
        if self._waiting:
            self._flush()
        if not self._chunk_offsets:
            return
        end = self._file.size
        self._file.append(b"".join(self._movie(fragmented=False)))
        self._file.patch(self._reserved, _u32(1) + b"mdat" + struct.pack(">Q", end - self._reserved))

    def _take(self, image: bytes) -> None:
        self._waiting.append(image)
        if len(self._waiting) >= self._per_fragment:
            self._flush()

    def _flush(self) -> None:
        sizes = [len(image) for image in self._waiting]
        keys = [_is_key(image) for image in self._waiting]
        number, first = len(self._chunk_offsets) + 1, len(self._sizes)
        table = b"".join(struct.pack(">II", size, _KEY if key else _DELTA) for size, key in zip(sizes, keys))
        header_size = 8 + 16 + 8 + 16 + 20 + 20 + len(table)
        run = _full(b"trun", 0, 0x000601, _u32(len(sizes)), _u32(header_size + 8), table)
        fragment = _box(
            b"moof",
            _full(b"mfhd", 0, 0, _u32(number)),
            _box(
                b"traf",
                _full(b"tfhd", 0, 0x020000, _u32(1)),
                _full(b"tfdt", 1, 0, struct.pack(">Q", first * _TICKS)),
                run,
            ),
        )
        head, self._head = self._head, b""
        offset = self._file.size + len(head) + sum(map(len, fragment)) + 8
        self._file.append(b"".join((head, *fragment, *_box(b"mdat", *self._waiting))))
        self._chunk_offsets.append(offset)
        self._chunk_samples.append(len(sizes))
        self._sizes.extend(sizes)
        self._keys.extend(keys)
        self._waiting = []

    def _movie(self, fragmented: bool) -> Parts:
        duration = len(self._sizes) * _TICKS
        width, height = self._size
        matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
        header = _full(
            b"mvhd",
            1,
            0,
            struct.pack(">QQIQIH10x", 0, 0, self._scale, duration, 0x10000, 0x100),
            matrix,
            bytes(24),
            _u32(2),
        )
        track = _full(
            b"tkhd",
            1,
            3,
            struct.pack(">QQIIQ8xHHHH", 0, 0, 1, 0, duration, 0, 0, 0, 0),
            matrix,
            struct.pack(">II", width << 16, height << 16),
        )
        media = _box(
            b"mdia",
            _full(b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, self._scale, duration, 0x55C4, 0)),
            _full(b"hdlr", 0, 0, _u32(0), b"vide", bytes(12), b"video\0"),
            _box(
                b"minf",
                _full(b"vmhd", 0, 1, bytes(8)),
                _box(b"dinf", _full(b"dref", 0, 0, _u32(1), _full(b"url ", 0, 1))),
                self._tables(fragmented),
            ),
        )
        extends = _box(b"mvex", _full(b"trex", 0, 0, struct.pack(">IIIII", 1, 1, _TICKS, 0, 0))) if fragmented else b""
        return _box(b"moov", header, _box(b"trak", track, media), extends)

    def _tables(self, fragmented: bool) -> Parts:
        count = 0 if fragmented else len(self._sizes)
        times = struct.pack(">III", 1, count, _TICKS) if count else _u32(0)
        # NumPy, as a loop over the images of a week takes longer than the end of the program may.
        keys = np.flatnonzero(np.frombuffer(self._keys, np.uint8)[:count]) + 1
        samples = np.frombuffer(self._chunk_samples, self._chunk_samples.typecode)[: 0 if fragmented else None]
        firsts = np.flatnonzero(np.diff(samples.astype(np.int64), prepend=-1))
        runs = np.stack([firsts + 1, samples[firsts], np.ones_like(firsts)], axis=1)
        return _box(
            b"stbl",
            _full(b"stsd", 0, 0, _u32(1), self._description()),
            _full(b"stts", 0, 0, times),
            b"" if fragmented else _full(b"stss", 0, 0, _u32(len(keys)), keys.astype(">u4").tobytes()),
            _full(b"stsc", 0, 0, _u32(len(runs)), runs.astype(">u4").tobytes()),
            _full(b"stsz", 0, 0, _u32(0), _u32(count), _table(self._sizes, ">u4", count)),
            _full(b"co64", 0, 0, _u32(len(samples)), _table(self._chunk_offsets, ">u8", len(samples))),
        )

    def _description(self) -> Parts:
        width, height = self._size
        config = _descriptor(5, self._config)
        # 0x20: MPEG-4 Part 2; 0x11: a visual stream (ISO/IEC 14496-1, tables 5 and 6).
        decoder = _descriptor(4, struct.pack(">BBBHII", 0x20, 0x11, 0, 0, 0, 0), config)
        stream = _descriptor(3, struct.pack(">HB", 1, 0), decoder, _descriptor(6, b"\x02"))
        return _box(
            b"mp4v",
            struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1),
            _full(b"esds", 0, 0, stream),
        )


def _is_key(image: bytes) -> bool:
    """Return whether an image stands for itself: the two bits behind the start code are its coding type, 0 for intra."""
    start = image.find(VOP)
    return start >= 0 and start + 4 < len(image) and image[start + 4] >> 6 == 0


def _u32(value: int) -> bytes:
    return struct.pack(">I", value)


def _table(values: array[int], kind: str, count: int) -> bytes:
    return np.frombuffer(values, values.typecode)[:count].astype(kind).tobytes()


def _box(kind: bytes, *content: Union[bytes, Parts]) -> Parts:
    """Make a box of what it contains. In parts, as each box in a box would be copied once more else."""
    parts = tuple(part for piece in content for part in (piece if isinstance(piece, tuple) else (piece,)))
    return _u32(sum(map(len, parts)) + 8) + kind, *parts


def _full(kind: bytes, version: int, flags: int, *content: Union[bytes, Parts]) -> Parts:
    return _box(kind, struct.pack(">I", version << 24 | flags), *content)


def _descriptor(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    size = len(body)
    return bytes([tag, 0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F]) + body
