"""The seam between fer-edge and whatever finds faces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.errors import ModelShapeError, StageFailed
from fer_edge.types import Face, Image


class FaceDetector(ABC):
    """Finds the faces in an image. Built and used in one thread."""

    name: str = "detector"

    @abstractmethod
    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Find faces.

        Parameters
        ----------
        image : Image
            H x W x 3, uint8, BGR, of any size.

        Returns
        -------
        tuple of Face
            In pixels of `image`, best score first; empty when there is none.
        """

    def search(self, wanted: Search = EVERYTHING, hold: bool = False) -> Optional[FaceSearch]:  # noqa: ARG002
        """Return what looks at the frames of one camera, one after the other; None where each is looked at by itself.

        It lives as long as the detector, and is used in its thread.

        Parameters
        ----------
        wanted : Search
            Which faces somebody wants to know of. Others need not be looked for, and may be told all the same.
        hold : bool
            Whether a face that a look misses is told for a moment more, as nobody else follows it (`Face.predicted`).
        """
        return None

    def close(self) -> None:  # noqa: B027  (a detector that holds nothing has nothing to give back)
        """Release what the detector holds. May be called twice."""


class FaceSearch(ABC):
    """Finds the faces in the frames of one camera, with what it knows of those before."""

    @abstractmethod
    def look(self, image: Image, at: float, anew: bool = False) -> Tuple[Face, ...]:
        """Find faces.

        Parameters
        ----------
        image : Image
            As `FaceDetector.detect` takes it.
        at : float
            When the frame was seen, in seconds of any scale. Where it is less than before, the search begins anew.
        anew : bool
            Whether another scene begins, of which nothing is known.

        Returns
        -------
        tuple of Face
            Best score first. A face that no look was taken at is where it is likely to be now (`Face.predicted`); one that a
            look missed is not among them, unless it is to be held.
        """


FARTHEST = 1e6
"""Pixels of a network's input; a point beyond is not seen but made up, and later sums would overflow."""


def check_output(name: str, output: NDArray[Any], shape: Tuple[int, ...]) -> None:
    """Refuse what a detector's network gave when it cannot be worked with.

    Raises
    ------
    ModelShapeError
        It has another shape than the file says.
    StageFailed
        It holds something that is no number, which would look as if nobody were in view.
    """
    if output.shape != shape:
        raise ModelShapeError(
            f"The detector {name} gave {list(output.shape)}, not {list(shape)}.", "The model file is another's."
        )
    if not np.isfinite(output).all():
        raise _no_numbers(name)


def check_points(name: str, points: NDArray[np.float64]) -> None:
    """Raise StageFailed where points, in pixels of the network's input, lie beyond `FARTHEST` or nowhere."""
    if not (np.abs(points) < FARTHEST).all():
        raise _no_numbers(name)


def _no_numbers(name: str) -> StageFailed:
    return StageFailed(
        f"The detector {name} gave no numbers (NaN).", "The model file, the processor or the memory is faulty."
    )
