"""Writes one JSON object per frame and line: for programs, dashboards and notebooks."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Callable, Dict, List, Optional

from fer_edge.errors import ResultUnwritable
from fer_edge.sinks.base import Sink
from fer_edge.sinks.files import PathLike
from fer_edge.sinks.lines import LineFile, LineSink, iso, number, one_or_pieces
from fer_edge.sinks.recognise import results_to_keep
from fer_edge.sinks.request import SinkRequest
from fer_edge.types import LABELS, Observation, ObservedFace, Rates, Track

_WHAT = "results file"


class JsonlSink(LineSink):
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
    moves the answers ``rest_shift`` (label to log-odds) and ``rest_s``. ``predicted`` is true of a face at which the detector
    did not look in this frame, or which it missed a moment ago, and in a line of a frame in which no face was looked for; it is
    left out in others.

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
        self._clock = clock
        super().__init__(LineFile(path, _WHAT, results_to_keep, stop, append, before_opening))

    def write(self, observation: Observation, rates: Rates) -> None:
        """Write one line. Raises UsageError before `open`."""
        self._lines.refuse_unopened()
        try:
            record = as_record(observation, rates)
            record["latency_ms"] = number(1000 * (self._clock() - observation.frame.captured_at), 1)
            line = json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n"
        except (TypeError, ValueError, OverflowError) as error:
            raise ResultUnwritable(
                f"The result of frame {observation.frame.index} cannot be told in JSON: {error}.",
                "Look at what made it: a detector, a classifier or a source of your own.",
            ) from error
        self._lines.append(line.encode("ascii"))


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--output`` asks for."""

    def results(path: str, go_on: bool) -> JsonlSink:
        return JsonlSink(path, request.stop, append=go_on, before_opening=request.before_opening)

    return one_or_pieces(request, results, results_to_keep)


def as_record(observation: Observation, rates: Rates) -> Dict[str, Any]:
    """Return an observation as what JSON can hold: pixels with one decimal, probabilities with four, rates with two."""
    frame = observation.frame
    return {
        "frame": frame.index,
        "camera": frame.source,
        "timestamp": iso(frame.timestamp),
        **({} if frame.media_time is None else {"media_time_s": number(frame.media_time, 3)}),
        **({"file": told(frame.file)} if frame.file else {}),
        **({"error": frame.problem} if frame.problem else {}),
        **({"predicted": True} if observation.predicted else {}),
        "faces": [_face(face) for face in observation.faces],
        "fps": {
            "total": number(rates.total, 2),
            **{name: number(capacity, 2) for name, capacity in rates.capacities()},
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
        name: [number(x, 1), number(y, 1)] for name, (x, y) in face.landmarks.items()
    }
    return {
        "box": [number(value, 1) for value in face.box],
        "score": number(face.score, 4),
        "landmarks": landmarks,
        "expression": expression.label,
        "confidence": number(expression.confidence, 4),
        "probabilities": {label: number(value, 4) for label, value in zip(LABELS, expression.probabilities)},
        "uncertain": bool(expression.uncertain),
        **({"doubt": list(expression.doubt)} if expression.doubt else {}),
        **({"predicted": True} if face.predicted else {}),
        **({"track": _track(observed.track)} if observed.track is not None else {}),
    }


def _track(track: Track) -> Dict[str, Any]:
    steady, rest = track.expression, track.rest
    shift = rest.log_odds if rest is not None else ()
    return {
        "id": track.id,
        "age_s": number(track.age, 3),
        "expression": steady.label,
        "confidence": number(steady.confidence, 4),
        "uncertain": bool(steady.uncertain),
        **({"doubt": list(steady.doubt)} if steady.doubt else {}),
        "since_s": number(track.since, 3),
        "valence": number(steady.valence, 4),
        "intensity": number(steady.intensity, 4),
        **(
            {"rest_shift": {label: number(value, 2) for label, value in zip(LABELS, shift)}} if rest is not None else {}
        ),
        **({"rest_s": number(rest.seconds, 1)} if rest is not None else {}),
    }
