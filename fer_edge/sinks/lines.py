"""Lines of text for programs: where they go, and how they tell numbers and moments."""

from __future__ import annotations

import math
import os
from datetime import datetime, timezone
from typing import Callable, Optional, Union

from fer_edge.errors import UsageError
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.files import OutputFile, PathLike
from fer_edge.sinks.line_stream import LineStream
from fer_edge.sinks.pieces import PiecedSink, Recognise
from fer_edge.sinks.place import check_place
from fer_edge.sinks.request import SinkRequest
from fer_edge.system.standard_streams import NAMES, standard_descriptor, true_descriptor


class LineFile:
    """Writes whole lines to a file, a pipe or the standard output.

    Every line is handed to the operating system whole and at once, so that a killed program leaves a file of whole lines. A
    file that somebody renamed, removed or emptied meanwhile is begun anew under its name.

    Parameters
    ----------
    path : str or os.PathLike
        ``-`` is the standard output. So is every name of it, as ``/dev/stdout``; those of the standard error are known too.
    what : str
        What is written, as a noun for messages: ``results file``.
    recognise : callable
        As for `OutputFile`.
    stop : callable, optional
        While the reader of a pipe does not read, a line waits until it does, or until `stop` gives True; then it, and all
        that come later, are refused.
    append : bool
        Go on with an existing file instead of replacing it. A last line that was only half written is taken away.
    before_opening : callable, optional
        Called with the path before the file is opened, also when it is opened anew; may raise an `OutputError`.
    head : bytes
        What stands above the first line, such as the names of columns; not repeated in a file that is gone on with.

    Raises
    ------
    OutputNotWritable
        The path cannot be written, or holds something that is not ours.
    """

    def __init__(
        self,
        path: PathLike,
        what: str,
        recognise: Recognise,
        stop: Optional[Callable[[], bool]] = None,
        append: bool = False,
        before_opening: Callable[[str], None] = lambda path: None,
        head: bytes = b"",
    ) -> None:
        self._path = os.fspath(path)
        self._what = what
        self._recognise = recognise
        self._stop = stop
        self._append = append
        self._before_opening = before_opening
        self._head = head
        self._output: Union[OutputFile, LineStream, None] = None
        if standard_descriptor(self._path) is not None or _is_pipe(self._path):
            # At once: only so it is known whether somebody reads there, and nothing is lost by it.
            self._output = self._opened(append)
        else:
            check_place(self._path, what, recognise)

    @property
    def size(self) -> int:
        """How large the file is, once a line was written; 0 for a pipe."""
        return self._output.size if isinstance(self._output, OutputFile) else 0

    def open(self) -> None:
        """Open the file; what is there stays until the first line. Raises as the constructor does."""
        if self._output is None:
            self._output = self._opened(self._append)

    def refuse_unopened(self) -> None:
        """Raise UsageError before `open`."""
        if self._output is None:
            raise UsageError(f"Results were given to '{self._path}' before it was opened.", "Call open(info) first.")

    def append(self, line: bytes) -> None:
        """Write one line, with its end.

        Raises
        ------
        UsageError
            It is not open.
        DiskFull
            The file ends after the line before.
        OutputNotWritable
            The operating system refused for another reason, or the reader of a named pipe went away.
        ResultUnwritable
            Nobody reads the pipe, and `stop` gave True.
        OutputClosed
            The reader of the standard output went away.
        """
        self.refuse_unopened()
        if isinstance(self._output, OutputFile) and not self._output.unchanged():
            # Somebody put it away, as logrotate does; the line belongs into a file that people find.
            self._output.close()
            self._output = self._opened(append=True)
        if self._output is not None:
            self._output.append(line)

    def close(self) -> None:
        """Close the file. The standard output stays open. May be called twice."""
        if self._output is not None:
            self._output.close()

    def _opened(self, append: bool) -> Union[OutputFile, LineStream]:
        descriptor = standard_descriptor(self._path)
        if descriptor is not None:
            return LineStream(true_descriptor(descriptor), NAMES[descriptor], self._stop, head=self._head)
        self._before_opening(self._path)
        file = OutputFile(self._path, self._what, self._recognise, append, self._head)
        if file.regular:
            return file
        # What a shell makes of >(...) has no name under which another reader could come.
        named = os.path.exists(os.path.realpath(file.path))
        return LineStream(file.fd, file.path, self._stop, file.close, named, self._head)


class LineSink(Sink):
    """A sink whose results are lines of one file, pipe or stream; what they tell is its `write`.

    Parameters
    ----------
    lines : LineFile
        Where they go.
    """

    def __init__(self, lines: LineFile) -> None:
        self._lines = lines

    @property
    def bytes_written(self) -> int:
        """How large the file is, once a line was written; 0 for a pipe."""
        return self._lines.size

    def open(self, info: StreamInfo) -> None:  # noqa: ARG002  (each line says what it is of)
        """Open the file; what is there stays until the first line. Raises as `LineFile` does."""
        self._lines.open()

    def close(self) -> None:
        """Close the file. The standard output stays open."""
        self._lines.close()


def one_or_pieces(request: SinkRequest, make: Callable[[str, bool], LineSink], recognise: Recognise) -> Sink:
    """Return what writes to the place of a request: to one file or stream, or in pieces where settings or its name say so.

    Parameters
    ----------
    make : callable
        Makes what writes to one path; gets that, and whether to go on with what is there.
    recognise : callable
        As for `OutputFile`.
    """
    options, name = request.options, DatedName(request.place)
    append = options.append or request.again
    stream = standard_descriptor(request.place) is not None or _is_pipe(name.plain)
    if stream or not name.in_pieces(options.segment, options.keep):
        return make(name.plain, append)
    return PiecedSink(name, make, recognise, True, append, options.segment, options.keep)


def number(value: float, digits: int) -> Optional[float]:
    """Return a number with so many decimals; None for one that is not finite, as JSON has no other way."""
    exact = float(value)
    return round(exact, digits) if math.isfinite(exact) else None


def iso(moment: datetime) -> str:
    """Return a moment in ISO 8601, UTC, to the millisecond; one without a zone is UTC.

    Examples
    --------
    >>> iso(datetime(2026, 11, 26, 10, 15))
    '2026-11-26T10:15:00.000Z'
    """
    utc = moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def _is_pipe(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
