"""What was seen in a part of a recording, in a file between the process that saw it and the one that joins the parts.

A line of JSON for each frame that was analysed, compressed; each number is the same when it is read again. Its checksum tells
whether it is whole.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from datetime import timedelta
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional

import numpy as np

from fer_edge.errors import OutputError
from fer_edge.recordings.reading import LANE, NOTHING, START
from fer_edge.track.cut import ACROSS, DOWN, Glimpse, glimpse_of
from fer_edge.types import Box, Expression, Face, Frame, Observation, ObservedFace


class Remembered(NamedTuple):
    """A frame as it is read again: without its image, but with a glimpse of it."""

    observation: Observation
    glimpse: Optional[Glimpse]


class PartWriter:
    """Writes what is seen, frame by frame.

    Parameters
    ----------
    file : binary file
        Open for writing, and left open.
    """

    def __init__(self, file: BinaryIO) -> None:
        # Without time and name, so that the same content is the same file; the lowest level takes a tenth of the time.
        self._file = gzip.GzipFile("", "wb", 1, file, 0)

    def write(self, observation: Observation) -> None:
        """Add a frame. Raises OSError."""
        frame = observation.frame
        record: Dict[str, Any] = {"index": frame.index, "at": frame.captured_at, "time": frame.media_time}
        if frame.file:
            record["file"] = os.fsencode(frame.file).decode("utf-8", "surrogateescape")
        if frame.problem:
            record["problem"] = frame.problem
        else:
            glimpse = glimpse_of(frame.image)
            record["size"] = glimpse.size
            if glimpse.sums is not None:
                record["sums"] = base64.b64encode(glimpse.sums.astype("<u2").tobytes()).decode("ascii")
        record["faces"] = [_told(face) for face in observation.faces]
        self._file.write(json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n")

    def finish(self) -> None:
        """Write the rest. Raises OSError."""
        self._file.close()


def read_part(path: str) -> Iterator[Remembered]:
    """Yield the frames of a part, in order.

    Raises
    ------
    OutputError
        The file is not there any more, or is not whole.
    """
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                yield _remembered(json.loads(line))
    except (OSError, EOFError, ValueError, LookupError, TypeError, zlib.error) as error:
        raise OutputError(
            f"What was read of a part of a recording is lost: {path} cannot be read ({error}).",
            "Let nobody but fer-edge write to the folder of the results, and run the command again.",
        ) from error


def _told(observed: ObservedFace) -> List[Any]:
    face, expression = observed.face, observed.expression
    return [
        [float(value) for value in face.box],
        float(face.score),
        {name: [float(x), float(y)] for name, (x, y) in face.landmarks.items()},
        bool(face.predicted),
        [float(value) for value in expression.probabilities],
        expression.label,
        float(expression.confidence),
        bool(expression.uncertain),
        list(expression.doubt),
        float(expression.uncertain_below),
    ]


def _remembered(record: Dict[str, Any]) -> Remembered:
    at, file = float(record["at"]), record.get("file", "")
    frame = Frame(
        int(record["index"]),
        at,
        START + timedelta(seconds=at),
        NOTHING,
        LANE,
        record["time"],
        file,
        record.get("problem", ""),
    )
    glimpse = None
    if "size" in record:
        sums = None
        if "sums" in record:
            numbers = np.frombuffer(base64.b64decode(record["sums"]), "<u2")
            sums = numbers.astype(np.float32).reshape(DOWN, ACROSS)
        height, width = record["size"]
        glimpse = Glimpse((int(height), int(width)), sums)
    return Remembered(Observation(frame, tuple(map(_face, record["faces"]))), glimpse)


def _face(told: List[Any]) -> ObservedFace:
    box, score, landmarks, predicted, probabilities, label, confidence, uncertain, doubt, below = told
    points = {name: (x, y) for name, (x, y) in landmarks.items()}
    face = Face(Box(*box), score, points, predicted)
    return ObservedFace(
        face, Expression(np.array(probabilities, np.float32), label, confidence, uncertain, tuple(doubt), below)
    )
