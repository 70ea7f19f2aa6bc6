"""Results or a recording in pieces: one file after the other, of which the oldest make room for new ones."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from datetime import datetime, timezone
from typing import BinaryIO, Callable, List, NamedTuple, Optional, Protocol, Tuple

from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.recognise import NotOurs
from fer_edge.system.new_file import CONTINUED
from fer_edge.system.unix import CLOEXEC, NOFOLLOW, NONBLOCK, lock
from fer_edge.types import Observation, Rates

logger = logging.getLogger("fer_edge")

SHARE = 4
"""A piece ends when it has this part of all that is kept, so that what goes with the oldest piece is never most of it."""

_LOOKS = 50
"""How often the size of all pieces is looked at while one of the largest grows."""

_ROUNDING = 1e-6
"""Seconds that the sum of many frames may lack."""

Recognise = Callable[[BinaryIO], int]


class PieceSink(Protocol):
    """A sink that one piece can be."""

    @property
    def bytes_written(self) -> int:
        """How large the file is so far."""

    def open(self, info: StreamInfo) -> None:
        """As of `Sink`."""

    def write(self, observation: Observation, rates: Rates) -> None:
        """As of `Sink`."""

    def close(self) -> None:
        """As of `Sink`."""


class PiecedSink(Sink):
    """Writes into one file after the other, each named after the moment of its beginning.

    A file begins when the fields of its name change, and `seconds` after the one before; fields that change within `seconds`
    only tell when it began. Recordings that begin under one name get numbers (``day+2.mp4``); results go on in their file. A
    file also ends with a quarter of what is kept. None that is there is replaced.

    Parameters
    ----------
    name : DatedName
        Of the files. One without fields gets its beginning: ``out-20261126T101500Z.mp4``.
    make_piece : callable
        Makes the sink for one file, of its path, and of whether to go on with what is there.
    recognise : callable
        As for `OutputFile`: tells a file that is ours.
    go_on : bool
        Whether files can be gone on with, as those of results: the newest of the name is, where `append` says so.
    append : bool
        Whether a file of an earlier run is gone on with.
    seconds : float, optional
        Length of a piece, in the time of what it shows: of a single file as source, in the time of the video.
    keep : float, optional
        Bytes of all pieces of that name together, beyond which the oldest are deleted: ordinary files in the same folder, named
        and beginning as ours do, which no program writes to.
    now : callable, optional
        Gives the moment, in UTC.

    Raises
    ------
    OutputNotWritable
        What a piece would raise that was begun now.
    """

    def __init__(
        self,
        name: DatedName,
        make_piece: Callable[[str, bool], PieceSink],
        recognise: Recognise,
        go_on: bool = False,
        append: bool = False,
        seconds: Optional[float] = None,
        keep: Optional[float] = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._name = name.with_beginning()
        self._changes = name.dated
        self._make_piece = make_piece
        self._recognise = recognise
        self._go_on = go_on
        self._append = append
        self._seconds = seconds
        self._keep = keep
        self._now = now
        self._looked_at = 0
        self._info = StreamInfo()
        self._piece: Optional[PieceSink] = None
        self._called = ""
        self._began: Optional[float] = None
        make_piece(*self._next(append)).close()  # so that a mistake is told before the first image

    def open(self, info: StreamInfo) -> None:
        """Begin the first piece. Raises what its `open` raises."""
        self._info = info
        self._begin(self._append)

    def write(self, observation: Observation, rates: Rates) -> None:
        """Write one observation, into a new piece when the one before is over. Raises what a piece raises."""
        moment = self._moment(observation)
        if self._piece is not None and self._is_over(self._piece, moment):
            self.close()
        piece = self._piece or self._begin(False)
        if self._began is None:
            self._began = moment
        piece.write(observation, rates)
        if self._keep is not None and piece.bytes_written - self._looked_at >= self._keep / SHARE / _LOOKS:
            self._looked_at = piece.bytes_written
            delete_oldest(self._name, self._keep, self._recognise)

    def close(self) -> None:
        """End the piece. Raises what its `close` raises."""
        piece, self._piece = self._piece, None
        if piece is not None:
            piece.close()

    def _moment(self, observation: Observation) -> float:
        """Return the time by which pieces are as long as they shall be."""
        frame = observation.frame
        alone = bool(self._info.camera) and not self._info.live
        return frame.media_time if alone and frame.media_time is not None else frame.captured_at

    def _is_over(self, piece: PieceSink, moment: float) -> bool:
        if self._keep is not None and piece.bytes_written >= self._keep / SHARE:
            return True
        renamed = self._called != self._name.at(self._now())
        if self._seconds is None:
            return self._changes and renamed
        if self._changes and renamed and self._name.seconds >= self._seconds:
            return True
        late = self._began is not None and moment - self._began >= self._seconds - _ROUNDING
        return late and (renamed or not self._go_on)

    def _begin(self, append: bool) -> PieceSink:
        if self._keep is not None:
            delete_oldest(self._name, self._keep, self._recognise)
        self._called = self._name.at(self._now())
        piece = self._make_piece(*self._next(append))
        piece.open(self._info)
        self._piece, self._began, self._looked_at = piece, None, piece.bytes_written
        return piece

    def _next(self, append: bool) -> Tuple[str, bool]:
        """Return the path of a piece that begins now, and whether there is something to go on with."""
        called = self._name.at(self._now())
        newest = _newest_number(self._name, called)
        if append and self._go_on and newest:
            return _numbered(called, newest), True
        # Not the first number that is free: that of a deleted piece would make the newest pass for the oldest.
        return _numbered(called, newest + 1), False


def _newest_number(name: DatedName, called: str) -> int:
    """Return the highest number of what is there under a name; 0 where there is nothing."""
    own = name.order(os.path.basename(called))
    found = [0]
    with contextlib.suppress(OSError), os.scandir(name.folder or ".") as entries:
        for entry in entries:
            order = name.order(entry.name)
            if order is not None and own is not None and order[0] == own[0]:
                found.append(order[1])
    return max(found)


def _numbered(called: str, number: int) -> str:
    stem, ending = os.path.splitext(called)
    return called if number == 1 else f"{stem}{CONTINUED}{number}{ending}"


class _Found(NamedTuple):
    """A piece on the disk."""

    path: str
    size: int


def delete_oldest(name: DatedName, most: float, recognise: Recognise) -> None:
    """Delete the oldest pieces of a name until all that are left have at most `most` bytes. Raises nothing."""
    pieces = find_pieces(name)
    if sum(piece.size for piece in pieces) <= most:
        return
    # What somebody else called so takes no room from ours.
    pieces = [piece for piece in pieces if _is_ours(piece.path, recognise)]
    excess = sum(piece.size for piece in pieces) - most
    for piece in pieces:
        if excess <= 0:
            return
        if _delete(piece.path, recognise):
            excess -= piece.size
            logger.info("deleted %s to make room", piece.path, extra={"event": "piece_deleted", "path": piece.path})


def find_pieces(name: DatedName) -> List[_Found]:
    """Return the pieces of a name, the oldest first: as their names tell, or without a year in them, their last change."""
    found = []
    with contextlib.suppress(OSError), os.scandir(name.folder or ".") as entries:
        for entry in entries:
            order = name.order(entry.name)
            if order is None:
                continue
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and status.st_size:
                    path = os.path.join(name.folder, entry.name)
                    age = 0.0 if name.has_year else status.st_mtime
                    found.append((age, *order, _Found(path, status.st_size)))
    return [piece for *_, piece in sorted(found)]


def _is_ours(path: str, recognise: Recognise) -> bool:
    try:
        with _opened(path) as piece:
            recognise(piece)
    except (NotOurs, OSError) as error:
        logger.debug("%s does not count: %s", path, error)
        return False
    return True


def _opened(path: str) -> BinaryIO:
    return open(os.open(path, os.O_RDONLY | NOFOLLOW | NONBLOCK | CLOEXEC), "rb")


def _delete(path: str, recognise: Recognise) -> bool:
    """Delete a piece that is one, unless somebody writes to it; tell whether it is gone."""
    try:
        with _opened(path) as file:
            recognise(file)
            lock(file.fileno())
            os.unlink(path)
    except (NotOurs, OSError) as error:
        logger.debug("%s stays: %s", path, error)
        return False
    return True
