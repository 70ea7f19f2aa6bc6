"""What was measured minute by minute, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.types import LABELS

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Minutes:
    """A row for each camera and minute that there are figures of, in any order. Not a number is what is not known.

    Attributes
    ----------
    cameras : tuple of str
        Their names.
    camera : array of int
        Whose the row is, as an index into `cameras`.
    start : array of int
        Seconds since 1970 in UTC.
    measured : array of float
        Seconds for which images came: up to 60 from a camera, and more where a video is analysed faster than it plays.
    most : array of int
        People in view at once, at most.
    shown : array of float, rows x 7
        Person-seconds of each expression, in the order of `LABELS`.
    valence : array of float
        Mean over the faces in view.
    fps, temperature : array of float
        FPS total, and degrees Celsius.
    captured, dropped : array of float
        Frames.
    """

    cameras: Tuple[str, ...]
    camera: Whole
    start: Whole
    measured: Floats
    most: Whole
    shown: Floats
    valence: Floats
    fps: Floats
    temperature: Floats
    captured: Floats
    dropped: Floats

    def __len__(self) -> int:
        return len(self.start)

    def of(self, chosen: NDArray[np.bool_]) -> Minutes:
        """Return some of the rows."""
        return Minutes(
            self.cameras,
            self.camera[chosen],
            self.start[chosen],
            self.measured[chosen],
            self.most[chosen],
            self.shown[chosen],
            self.valence[chosen],
            self.fps[chosen],
            self.temperature[chosen],
            self.captured[chosen],
            self.dropped[chosen],
        )


def as_columns(cameras: Sequence[str], rows: Sequence[Sequence[float]]) -> Minutes:
    """Return rows as columns.

    Parameters
    ----------
    cameras : sequence of str
        Their names.
    rows : sequence of sequence of float
        Of each: index of the camera, start, seconds measured, people at most, valence, FPS, temperature, frames captured,
        frames dropped, and the person-seconds of the seven expressions.
    """
    table = np.array(rows, np.float64).reshape(len(rows), 9 + len(LABELS))
    columns = table.T
    return Minutes(
        cameras=tuple(cameras),
        camera=columns[0].astype(np.int64),
        start=columns[1].astype(np.int64),
        measured=columns[2],
        most=columns[3].astype(np.int64),
        shown=table[:, 9:],
        valence=columns[4],
        fps=columns[5],
        temperature=columns[6],
        captured=columns[7],
        dropped=columns[8],
    )
