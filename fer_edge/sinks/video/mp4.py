"""An MP4 file that can be played at any moment while it grows.

While it is being written, the file is a fragmented MP4: a header first, and then pieces of about half a second that are
complete in themselves. On a clean end it becomes a plain MP4 with one table of all frames, which every player can seek in:
the table is appended, and the space that was kept free at the front becomes the header of a media-data box around all that
came before. The recorder OBS Studio calls this hybrid MP4. The boxes are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from array import array
from typing import List, NamedTuple, Protocol, Tuple

import numpy as np

from fer_edge.sinks.files import OutputFile
from fer_edge.sinks.recognise import MP4_HEAD
from fer_edge.sinks.video.boxes import Parts, box, full_box, u32

SCALE = 90_000
"""Ticks in a second: whole numbers of them for all usual rates."""

_FRAGMENT = SCALE // 2
"""Of images in ticks: a kill takes what has not made one."""

_LONGEST_GUESS = SCALE
"""For how long at most the newest image of a fragment is said to be shown, as the next is not known yet; it sets that right."""

_LONGEST_DURATION = 0xFFFFFFFF

_KEY, _DELTA = 0x02000000, 0x01010000
"""Sample flags: depends on no other; depends on others and is no sync sample."""


class Track(Protocol):
    """What differs from codec to codec."""

    def sample(self, image: bytes) -> Tuple[bytes, bool]:
        """Return an encoded image as a file has it, and whether it stands for itself."""

    def description(self, size: Tuple[int, int]) -> Parts:
        """Return the sample entry, once there was an image."""


class _Sample(NamedTuple):
    data: bytes
    key: bool
    time: int


class Mp4Muxer:
    """Writes encoded images to a file, each with the time at which it is shown.

    Parameters
    ----------
    file : OutputFile
        An empty, regular file.
    track : Track
        Of the codec.
    size : tuple of int
        Width and height in pixels.
    usual : float
        Seconds for which an image is shown while no two have come.
    """

    def __init__(self, file: OutputFile, track: Track, size: Tuple[int, int], usual: float) -> None:
        self._file = file
        self._track = track
        self._size = size
        self._usual = max(1, round(SCALE * usual))
        self._waiting: List[_Sample] = []
        # Of weeks of images; a list takes ten times the memory.
        self._sizes = array("I")
        self._keys = array("B")
        self._times = array("Q")
        self._chunk_offsets = array("Q")
        self._chunk_samples = array("I")
        self._head = b""
        self._reserved = 0
        self._last = -1

    def add(self, image: bytes, at: float) -> None:
        """Take one encoded image.

        Parameters
        ----------
        image : bytes
            As the encoder gave it.
        at : float
            Seconds from the beginning, later than the one before.

        Raises
        ------
        OutputError
            The file cannot grow.
        """
        data, key = self._track.sample(image)
        time = max(round(SCALE * at), self._last + 1)
        first = self._last < 0
        if first:
            self._reserved = len(MP4_HEAD)
            # Written with the first image: a file without any plays nowhere, and one on a full disk shall not be left over.
            self._head = b"".join((MP4_HEAD, *box(b"free", bytes(8)), *self._movie(fragmented=True)))
        else:
            self._usual = min(time - self._last, _LONGEST_DURATION)
        self._last = time
        self._waiting.append(_Sample(data, key, time))
        # The first at once, so that there is something to play; the next may be long in coming.
        if first or time + self._guess - self._waiting[0].time >= _FRAGMENT:
            self._flush()

    def finish(self) -> None:
        """Write what waits and the table of all images. Without it the file is as playable, but slower to seek in."""
        if self._waiting:
            self._flush()
        if not self._chunk_offsets:
            return
        end = self._file.size
        self._file.append(b"".join(self._movie(fragmented=False)))
        self._file.patch(self._reserved, u32(1) + b"mdat" + struct.pack(">Q", end - self._reserved))

    @property
    def _guess(self) -> int:
        return min(self._usual, _LONGEST_GUESS)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        number, count = len(self._chunk_offsets) + 1, len(waiting)
        times = [sample.time for sample in waiting]
        durations = [after - before for before, after in zip(times, times[1:])] + [self._guess]
        table = b"".join(
            struct.pack(">III", min(duration, _LONGEST_DURATION), len(sample.data), _KEY if sample.key else _DELTA)
            for duration, sample in zip(durations, waiting)
        )
        header_size = 8 + 16 + 8 + 16 + 20 + 20 + len(table)
        run = full_box(b"trun", 0, 0x000701, u32(count), u32(header_size + 8), table)
        fragment = box(
            b"moof",
            full_box(b"mfhd", 0, 0, u32(number)),
            box(
                b"traf",
                full_box(b"tfhd", 0, 0x020000, u32(1)),
                full_box(b"tfdt", 1, 0, struct.pack(">Q", times[0])),
                run,
            ),
        )
        head, self._head = self._head, b""
        offset = self._file.size + len(head) + sum(map(len, fragment)) + 8
        data = (sample.data for sample in waiting)
        self._file.append(b"".join((head, *fragment, *box(b"mdat", *data))))
        self._chunk_offsets.append(offset)
        self._chunk_samples.append(count)
        self._sizes.extend(len(sample.data) for sample in waiting)
        self._keys.extend(sample.key for sample in waiting)
        self._times.extend(times)

    def _movie(self, fragmented: bool) -> Parts:
        duration = 0 if fragmented else self._times[-1] + self._usual
        width, height = self._size
        matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
        header = full_box(
            b"mvhd",
            1,
            0,
            struct.pack(">QQIQIH10x", 0, 0, SCALE, duration, 0x10000, 0x100),
            matrix,
            bytes(24),
            u32(2),
        )
        track = full_box(
            b"tkhd",
            1,
            3,
            struct.pack(">QQIIQ8xHHHH", 0, 0, 1, 0, duration, 0, 0, 0, 0),
            matrix,
            struct.pack(">II", width << 16, height << 16),
        )
        media = box(
            b"mdia",
            full_box(b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, SCALE, duration, 0x55C4, 0)),
            full_box(b"hdlr", 0, 0, u32(0), b"vide", bytes(12), b"video\0"),
            box(
                b"minf",
                full_box(b"vmhd", 0, 1, bytes(8)),
                box(b"dinf", full_box(b"dref", 0, 0, u32(1), full_box(b"url ", 0, 1))),
                self._tables(fragmented),
            ),
        )
        extends = box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">IIIII", 1, 1, 0, 0, 0))) if fragmented else b""
        return box(b"moov", header, box(b"trak", track, media), extends)

    def _tables(self, fragmented: bool) -> Parts:
        count = 0 if fragmented else len(self._sizes)
        # NumPy, as a loop over the images of a week takes longer than the end of the program may.
        times = np.frombuffer(self._times, np.uint64)[:count].astype(np.int64)
        durations = np.minimum(np.append(np.diff(times), [self._usual] * bool(count)), _LONGEST_DURATION).astype(
            np.int64
        )
        changes = np.flatnonzero(np.diff(durations, prepend=-1))
        lengths = np.stack([np.diff(np.append(changes, count)), durations[changes]], axis=1)
        keys = np.flatnonzero(np.frombuffer(self._keys, np.uint8)[:count]) + 1
        samples = np.frombuffer(self._chunk_samples, self._chunk_samples.typecode)[: 0 if fragmented else None]
        firsts = np.flatnonzero(np.diff(samples.astype(np.int64), prepend=-1))
        runs = np.stack([firsts + 1, samples[firsts], np.ones_like(firsts)], axis=1)
        return box(
            b"stbl",
            full_box(b"stsd", 0, 0, u32(1), self._track.description(self._size)),
            full_box(b"stts", 0, 0, u32(len(lengths)), lengths.astype(">u4").tobytes()),
            b"" if fragmented else full_box(b"stss", 0, 0, u32(len(keys)), keys.astype(">u4").tobytes()),
            full_box(b"stsc", 0, 0, u32(len(runs)), runs.astype(">u4").tobytes()),
            full_box(b"stsz", 0, 0, u32(0), u32(count), _table(self._sizes, ">u4", count)),
            full_box(b"co64", 0, 0, u32(len(samples)), _table(self._chunk_offsets, ">u8", len(samples))),
        )


def _table(values: array[int], kind: str, count: int) -> bytes:
    return np.frombuffer(values, values.typecode)[:count].astype(kind).tobytes()
