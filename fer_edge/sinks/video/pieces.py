"""A recording in pieces: each is short enough to be ended at once, and the oldest make room for new ones."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
from datetime import datetime, timezone
from typing import Callable, List, NamedTuple, Optional

from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.files import PathLike
from fer_edge.sinks.recognise import NotOurs, check_recording
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.system.new_file import unused_name
from fer_edge.system.unix import CLOEXEC, NOFOLLOW, NONBLOCK, lock
from fer_edge.types import Observation, Rates

logger = logging.getLogger("fer_edge")

SHARE = 4
"""A piece ends when it has this part of all that is kept, so that what goes with the oldest piece is never most of it."""

_LOOKS = 50
"""How often the size of all pieces is looked at while one of the largest grows."""


class PiecedVideoSink(Sink):
    """Records into one file after the other, named after the moment of their beginning: ``out-20261126T101500Z.mp4``.

    Only pieces of the same name are ever deleted: ordinary files in the same folder, named and beginning as ours do, which no
    program writes to.

    Parameters
    ----------
    path : str or os.PathLike
        Without the moment: ``out.mp4``.
    make_piece : callable
        Makes the sink for one piece, of its path.
    minutes : float, optional
        Length of a piece.
    keep : float, optional
        Gigabytes (of 10^9 bytes) of all pieces together, beyond which the oldest are deleted.
    now : callable, optional
        Gives the moment.

    Raises
    ------
    OutputNotWritable
        What a piece would raise that was begun now.
    """

    def __init__(
        self,
        path: PathLike,
        make_piece: Callable[[str], VideoSink],
        minutes: Optional[float] = None,
        keep: Optional[float] = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._path = os.fspath(path)
        self._make_piece = make_piece
        self._seconds = None if minutes is None else 60 * minutes
        self._keep = None if keep is None else keep * 1e9
        self._now = now
        self._looked_at = 0
        self._info = StreamInfo()
        self._piece: Optional[VideoSink] = None
        make_piece(self._name()).close()  # so that a mistake is told before the first image

    def open(self, info: StreamInfo) -> None:
        """Begin the first piece. Raises what `VideoSink.open` raises."""
        self._info = info
        self._begin()

    def write(self, observation: Observation, rates: Rates) -> None:
        """Record one observation, in a new piece when the one before is full."""
        if self._piece is not None and self._is_full(self._piece):
            self.close()
        piece = self._piece or self._begin()
        piece.write(observation, rates)
        if self._keep is not None and piece.bytes_written - self._looked_at >= self._keep / SHARE / _LOOKS:
            self._looked_at = piece.bytes_written
            delete_oldest(self._path, self._keep)

    def close(self) -> None:
        """End the piece. Raises what `VideoSink.close` raises."""
        piece, self._piece = self._piece, None
        if piece is not None:
            piece.close()

    def _is_full(self, piece: VideoSink) -> bool:
        too_long = self._seconds is not None and piece.seconds >= self._seconds
        return too_long or (self._keep is not None and piece.bytes_written >= self._keep / SHARE)

    def _begin(self) -> VideoSink:
        if self._keep is not None:
            delete_oldest(self._path, self._keep)
        piece = self._make_piece(self._name())
        piece.open(self._info)
        self._piece, self._looked_at = piece, 0
        return piece

    def _name(self) -> str:
        """Return the name of a piece that begins now."""
        stem, ending = os.path.splitext(self._path)
        return unused_name(f"{stem}-{self._now():%Y%m%dT%H%M%SZ}{ending}")


class _Found(NamedTuple):
    """A piece on the disk."""

    path: str
    size: int


def delete_oldest(path: str, most: float) -> None:
    """Delete the oldest pieces of a recording until all that are left have at most `most` bytes. Raises nothing.

    Parameters
    ----------
    path : str
        Of the recording, without the moment.
    """
    pieces = _pieces(path)
    excess = sum(piece.size for piece in pieces) - most
    for piece in pieces:
        if excess <= 0:
            return
        if _delete(piece.path):
            excess -= piece.size
            logger.info("deleted %s to make room", piece.path, extra={"event": "piece_deleted", "path": piece.path})


def _pieces(path: str) -> List[_Found]:
    """Return the pieces of a recording, the oldest first, as their names tell."""
    folder, name = os.path.split(path)
    stem, ending = (re.escape(part) for part in os.path.splitext(name))
    ours = re.compile(rf"{stem}-(\d{{8}}T\d{{6}}Z)(?:-(\d+))?{ending}")
    found = []
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            match = ours.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append((match[1], int(match[2] or 1), _Found(entry.path, status.st_size)))
    return [piece for _, _, piece in sorted(found)]


def _delete(path: str) -> bool:
    """Delete a piece that is one, unless somebody writes to it; tell whether it is gone."""
    try:
        with open(os.open(path, os.O_RDONLY | NOFOLLOW | NONBLOCK | CLOEXEC), "rb") as file:
            check_recording(file)
            lock(file.fileno())
            os.unlink(path)
    except (NotOurs, OSError) as error:
        logger.debug("%s stays: %s", path, error)
        return False
    return True
