"""Writes one JSON object per frame and line: for programs, dashboards and notebooks."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Union

from fer_edge.errors import OutputClosed, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.files import OutputFile, PathLike, write_error
from fer_edge.sinks.pieces import PiecedSink
from fer_edge.sinks.place import check_place
from fer_edge.sinks.recognise import results_to_keep
from fer_edge.sinks.request import SinkRequest
from fer_edge.system.standard_streams import NAMES, standard_descriptor, true_descriptor
from fer_edge.system.unix import PIPE_BUF, can_be_written, is_open_for_writing
from fer_edge.types import LABELS, Observation, ObservedFace, Rates, Track

_WHAT = "results file"

_SLICE = 0.2
"""Seconds between two looks at `stop` while a reader does not read."""

_WHOLE = min(PIPE_BUF, 4096)
"""Bytes that a pipe which is ready takes at once, without blocking (POSIX, pipe(7))."""


class JsonlSink(Sink):
    """Writes JSON Lines to a file, a pipe or the standard output.

    Every line is handed to the operating system whole and at once, so that a killed program leaves a file of whole lines.
    An existing file of results is replaced by the first line; one that holds anything else is refused. A file that somebody
    renamed, removed or emptied meanwhile is begun anew under its name.

    A line has ``frame`` (index), ``camera`` (its name), ``timestamp`` (ISO 8601, UTC, of the capture), ``media_time_s`` (of a
    video only: from its start), ``file`` (of pictures only: the name), ``error`` (why that file could not be read),
    ``latency_ms`` (from the capture to this line), ``faces`` and ``fps`` (``total``, and each stage's capacity). A face has
    ``box`` (x, y, width, height in pixels), ``score``, ``landmarks`` (name to x, y), ``expression``, ``confidence``,
    ``probabilities`` (label to number), ``uncertain`` and, where it is, ``doubt`` (words of `fer_edge.types.DOUBTS`): all of
    this frame. A number that is not finite is written as ``null``: JSON has no other way.

    A face that is followed has a ``track`` as well, with what it shows over time: ``id``, ``age_s``, ``expression`` (the steady
    label), its ``confidence``, ``uncertain``, ``doubt``, ``since_s``, ``valence``, ``intensity``, and where its resting face
    moves the answers ``rest_shift`` (label to log-odds) and ``rest_s``. ``predicted`` is true in a line of a frame in which no
    face was looked for, and left out in others.

    Parameters
    ----------
    path : str or os.PathLike
        ``-`` is the standard output. So is every name of it, as ``/dev/stdout``; those of the standard error are known too.
    stop : callable, optional
        While the reader of a pipe does not read, this sink waits until it does, or until `stop` gives True; then the
        line, and all that come later, are refused.
    clock : callable, optional
        Monotonic seconds, on the time scale of `Frame.captured_at`.
    append : bool
        Go on with an existing file instead of replacing it. A last line that was only half written is taken away.
    before_opening : callable, optional
        Called with the path before the file is opened, also when it is opened anew; may raise an `OutputError`.

    Raises
    ------
    OutputNotWritable
        The path cannot be written, or holds something else than results; or, from `write`, not written any more, as the
        reader of a named pipe went away.
    DiskFull
        From `write`. The file ends after the last whole line.
    ResultUnwritable
        From `write`: one result cannot be told in JSON, or nobody reads the pipe and `stop` gave True.
    OutputClosed
        From `write`: the reader of the standard output went away.
    """

    def __init__(
        self,
        path: PathLike,
        stop: Optional[Callable[[], bool]] = None,
        clock: Callable[[], float] = time.monotonic,
        append: bool = False,
        before_opening: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._path = os.fspath(path)
        self._stop = stop
        self._clock = clock
        self._append = append
        self._before_opening = before_opening
        self._output: Union[OutputFile, _Stream, None] = None
        if standard_descriptor(self._path) is not None or _is_pipe(self._path):
            # At once: only so it is known whether somebody reads there, and nothing is lost by it.
            self._output = self._open(append)
        else:
            check_place(self._path, _WHAT, results_to_keep)

    @property
    def bytes_written(self) -> int:
        """How large the file is, once a line was written; 0 for a pipe."""
        return self._output.size if isinstance(self._output, OutputFile) else 0

    def open(self, info: StreamInfo) -> None:  # noqa: ARG002  (each line says what it is of)
        """Open the file; what is there stays until the first line. Raises as the constructor does."""
        if self._output is None:
            self._output = self._open(self._append)

    def write(self, observation: Observation, rates: Rates) -> None:
        """Write one line. Raises UsageError before `open`."""
        if self._output is None:
            raise UsageError(f"Results were given to '{self._path}' before it was opened.", "Call open(info) first.")
        try:
            record = as_record(observation, rates)
            record["latency_ms"] = _number(1000 * (self._clock() - observation.frame.captured_at), 1)
            line = json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n"
        except (TypeError, ValueError, OverflowError) as error:
            raise ResultUnwritable(
                f"The result of frame {observation.frame.index} cannot be told in JSON: {error}.",
                "Look at what made it: a detector, a classifier or a source of your own.",
            ) from error
        if isinstance(self._output, OutputFile) and not self._output.unchanged():
            # Somebody put it away, as logrotate does; the line belongs into a file that people find.
            self._output.close()
            self._output = self._open(append=True)
        self._output.append(line.encode("ascii"))

    def close(self) -> None:
        """Close the file. The standard output stays open."""
        if self._output is not None:
            self._output.close()

    def _open(self, append: bool) -> Union[OutputFile, _Stream]:
        descriptor = standard_descriptor(self._path)
        if descriptor is not None:
            return _Stream(true_descriptor(descriptor), NAMES[descriptor], self._stop)
        self._before_opening(self._path)
        file = OutputFile(self._path, _WHAT, results_to_keep, append)
        if file.regular:
            return file
        # What a shell makes of >(...) has no name under which another reader could come.
        named = os.path.exists(os.path.realpath(file.path))
        return _Stream(file.fd, file.path, self._stop, file.close, named)


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--output`` asks for."""
    append = request.options.append or request.again

    def results(path: str, go_on: bool) -> JsonlSink:
        return JsonlSink(path, request.stop, append=go_on, before_opening=request.before_opening)

    options, name = request.options, DatedName(request.place)
    stream = standard_descriptor(request.place) is not None or _is_pipe(name.plain)
    if stream or not name.in_pieces(options.segment, options.keep):
        return results(name.plain, append)
    return PiecedSink(name, results, results_to_keep, True, append, options.segment, options.keep)


def as_record(observation: Observation, rates: Rates) -> Dict[str, Any]:
    """Return an observation as what JSON can hold: pixels with one decimal, probabilities with four, rates with two."""
    frame = observation.frame
    return {
        "frame": frame.index,
        "camera": frame.source,
        "timestamp": _iso(frame.timestamp),
        **({} if frame.media_time is None else {"media_time_s": _number(frame.media_time, 3)}),
        **({"file": told(frame.file)} if frame.file else {}),
        **({"error": frame.problem} if frame.problem else {}),
        **({"predicted": True} if observation.predicted else {}),
        "faces": [_face(face) for face in observation.faces],
        "fps": {
            "total": _number(rates.total, 2),
            **{name: _number(capacity, 2) for name, capacity in rates.capacities()},
        },
    }


def told(name: str) -> str:
    r"""Return a file's name as any reader of JSON takes it, also where it is no text.

    A name that is UTF-8 stays as it is. Of any other, each byte that does not belong is told as ``\xNN``, and a backslash as
    two.

    Examples
    --------
    >>> print(told(os.fsdecode(b"caf\xe9.jpg")))
    caf\xe9.jpg
    """
    raw = os.fsencode(name)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _face(observed: ObservedFace) -> Dict[str, Any]:
    face, expression = observed.face, observed.expression
    landmarks: Dict[str, List[Optional[float]]] = {
        name: [_number(x, 1), _number(y, 1)] for name, (x, y) in face.landmarks.items()
    }
    return {
        "box": [_number(value, 1) for value in face.box],
        "score": _number(face.score, 4),
        "landmarks": landmarks,
        "expression": expression.label,
        "confidence": _number(expression.confidence, 4),
        "probabilities": {label: _number(value, 4) for label, value in zip(LABELS, expression.probabilities)},
        "uncertain": bool(expression.uncertain),
        **({"doubt": list(expression.doubt)} if expression.doubt else {}),
        **({"track": _track(observed.track)} if observed.track is not None else {}),
    }


def _track(track: Track) -> Dict[str, Any]:
    steady, rest = track.expression, track.rest
    shift = rest.log_odds if rest is not None else ()
    return {
        "id": track.id,
        "age_s": _number(track.age, 3),
        "expression": steady.label,
        "confidence": _number(steady.confidence, 4),
        "uncertain": bool(steady.uncertain),
        **({"doubt": list(steady.doubt)} if steady.doubt else {}),
        "since_s": _number(track.since, 3),
        "valence": _number(steady.valence, 4),
        "intensity": _number(steady.intensity, 4),
        **(
            {"rest_shift": {label: _number(value, 2) for label, value in zip(LABELS, shift)}}
            if rest is not None
            else {}
        ),
        **({"rest_s": _number(rest.seconds, 1)} if rest is not None else {}),
    }


def _number(value: float, digits: int) -> Optional[float]:
    number = float(value)
    return round(number, digits) if math.isfinite(number) else None


def _is_pipe(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _iso(moment: datetime) -> str:
    utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


class _Stream:
    """Writes lines to a file descriptor that may belong to a pipe, a terminal or a file, and never waits for ever."""

    def __init__(
        self,
        fd: int,
        name: str,
        stop: Optional[Callable[[], bool]],
        close: Optional[Callable[[], None]] = None,
        named: bool = False,
    ) -> None:
        self._fd = fd
        self._name = name
        self._stop = stop
        self._close = close
        self._named = named
        self._given_up = False
        if not is_open_for_writing(fd):
            raise OutputNotWritable(
                f"The {name} is closed.", "Start the program without '>&-', or give the name of a file."
            )
        self._regular = stat.S_ISREG(os.fstat(fd).st_mode)

    def append(self, line: bytes) -> None:
        """Write one line. Raises ResultUnwritable when `stop` came before there was room for it."""
        if self._given_up:
            raise self._unread()
        rest = memoryview(line)
        try:
            while len(rest) > 0:
                if not self._ready():
                    self._given_up = True
                    raise self._unread()
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(self._fd, rest if self._regular else rest[:_WHOLE]) :]
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.ECONNRESET) and self._named:
                raise OutputNotWritable(
                    f"The reader of the pipe '{self._name}' went away.", "Start it again."
                ) from error
            if error.errno in (errno.EPIPE, errno.ECONNRESET):
                raise OutputClosed(f"The reader of the {self._name} went away.") from error
            if self._regular:
                self._take_back(len(line) - len(rest))
            raise write_error(error, self._name, "results stream") from error

    def close(self) -> None:
        if self._close is not None:
            self._close()

    def _unread(self) -> ResultUnwritable:
        return ResultUnwritable(
            f"Nobody reads the {self._name} any more, and the run is to end.", "Keep its reader reading."
        )

    def _ready(self) -> bool:
        while not can_be_written(self._fd, _SLICE):
            if self._stop is not None and self._stop():
                return False
        return True

    def _take_back(self, count: int) -> None:
        with contextlib.suppress(OSError):
            end = os.lseek(self._fd, -count, os.SEEK_CUR)
            os.ftruncate(self._fd, end)
