"""Why an expression is not to be trusted, as far as the face itself and its place tell."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Iterator, List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.crop import FaceCropper, FacePose, pose_of
from fer_edge.classify.heads import lies_over_a_surer_one
from fer_edge.classify.look_rules import COVERED, UPSIDE_DOWN
from fer_edge.classify.looks import CROP, edges, sharpness
from fer_edge.classify.spec import ModelSpec
from fer_edge.types import DOUBTS, Expression, Face, Image

LARGEST_TURN = 0.45
"""A head whose nose is further aside than this (`fer_edge.classify.crop.FacePose.turn`) hides half of its face."""

SMALLEST_CROP = 24.0
"""Pixels along the side of a crop (2.7 distances between the eyes), under which a face is too small to be read. With 24 the
shipped network is right on 83.4 % of faces, with the 48 that they have on 86.4 %, with 22 on 81.1 % (docs/detectors.md)."""

MOST_ABOVE, MOST_BELOW = 0.35, 0.2
"""Shares of a crop's height that may lie beyond the frame at the forehead and at the chin (`beyond_the_frame`). With more, the
shipped network is right on over 5 of 100 faces less. A face that is cut at its side is read nearly as well as a whole one."""

LEAST_SHARPNESS = 0.42
"""Of `fer_edge.classify.looks.sharpness`, under which a face is blurred: under 1 % of sharp faces have less. Of those that are
blurred with a standard deviation of 0.04 of their crop's side, of which the network loses 18 in 100, 97 % have."""

SMALLEST = 16.0
"""Pixels between the eyes, under which the edges of a face tell nothing: it has fewer pixels than those the rules know."""

_GEOMETRY = ("input_size", "crop_margin", "crop_centre", "alignment")


class Doubting:
    """Finds reasons to doubt the expressions of faces.

    Parameters
    ----------
    spec : ModelSpec
        Of the network; where its crops are cut as `fer_edge.classify.looks` wants them, they are used as they are.
    """

    def __init__(self, spec: ModelSpec) -> None:
        alike = all(getattr(spec, name) == getattr(CROP, name) for name in _GEOMETRY)
        self._cropper = None if alike else FaceCropper(CROP)

    def reasons(self, image: Image, faces: Sequence[Face], crops: NDArray[np.uint8]) -> List[Tuple[str, ...]]:
        """Return for each face the words of `fer_edge.types.DOUBTS` that hold for it.

        Parameters
        ----------
        image : Image
            The frame.
        faces : sequence of Face
            All that are read in it.
        crops : NDArray[np.uint8]
            N x size x size x 3: the faces as the network gets them.
        """
        if self._cropper is not None:
            crops = self._cropper.crop(image, faces)
        overlaid = lies_over_a_surer_one(faces)
        size = (image.shape[1], image.shape[0])
        return [tuple(_reasons(*each, size)) for each in zip(faces, edges(crops), overlaid)]


def _reasons(face: Face, seen: NDArray[np.float32], overlaid: bool, size: Tuple[int, int]) -> Iterator[str]:
    pose = pose_of(face)
    if pose.scale * CROP.crop_margin < SMALLEST_CROP:
        yield "small"
    above, below = beyond_the_frame(pose, size)
    if above > MOST_ABOVE or below > MOST_BELOW:
        yield "cut off"
    if abs(pose.turn) > LARGEST_TURN:
        yield "turned"
    # What does not look like an upright face at all says nothing of its mouth, and what has no edges says nothing.
    if pose.scale >= SMALLEST and seen.any():
        if sharpness(seen) < LEAST_SHARPNESS:
            yield "blurred"
        if UPSIDE_DOWN.holds(seen):
            yield "upside down"
        elif COVERED.holds(seen):
            yield "covered"
    if overlaid:
        yield "second face"


def beyond_the_frame(pose: FacePose, size: Tuple[int, int]) -> Tuple[float, float]:
    """Return how much of a face's crop, along its middle line, lies beyond the frame: at the forehead, and at the chin.

    Parameters
    ----------
    pose : FacePose
        Of the face.
    size : tuple of int
        Width and height of the frame in pixels.

    Returns
    -------
    tuple of float
        Shares of the crop's height: 0 where all of that half is in the frame, 1 for both where the crop's middle is not.
    """
    side = pose.scale * CROP.crop_margin
    middle = [eye + CROP.crop_centre * (mouth - eye) for eye, mouth in zip(pose.eyes, pose.mouth)]
    if not all(0 <= at <= length for at, length in zip(middle, size)):
        return 1.0, 1.0
    forehead = chin = side / 2
    for at, length, down in zip(middle, size, (-math.sin(pose.roll), math.cos(pose.roll))):
        if down:
            to_start, to_end = sorted((-at / down, (length - at) / down))
            forehead, chin = min(forehead, -to_start), min(chin, to_end)
    return 0.5 - forehead / side, 0.5 - chin / side


def doubted(expression: Expression, reasons: Sequence[str]) -> Expression:
    """Return the expression with more reasons for doubt, all in the order of `fer_edge.types.DOUBTS`."""
    if not reasons:
        return expression
    every = {*expression.doubt, *reasons}
    return replace(expression, uncertain=True, doubt=tuple(word for word in DOUBTS if word in every))
