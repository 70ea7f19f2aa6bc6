"""Why an expression is not to be trusted, as far as the face itself and its place tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator, List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.crop import FaceCropper, pose_of
from fer_edge.classify.heads import lies_over_a_surer_one
from fer_edge.classify.look_rules import COVERED, UPSIDE_DOWN
from fer_edge.classify.looks import CROP, edges
from fer_edge.classify.spec import ModelSpec
from fer_edge.types import DOUBTS, Expression, Face, Image

LARGEST_TURN = 0.45
"""A head whose nose is further aside than this (`fer_edge.classify.crop.FacePose.turn`) hides half of its face."""

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
        return [tuple(_reasons(*each)) for each in zip(faces, edges(crops), overlaid)]


def _reasons(face: Face, seen: NDArray[np.float32], overlaid: bool) -> Iterator[str]:
    pose = pose_of(face)
    if abs(pose.turn) > LARGEST_TURN:
        yield "turned"
    # What does not look like an upright face at all says nothing of its mouth, and what has no edges says nothing.
    if pose.scale >= SMALLEST and seen.any():
        if UPSIDE_DOWN.holds(seen):
            yield "upside down"
        elif COVERED.holds(seen):
            yield "covered"
    if overlaid:
        yield "second face"


def doubted(expression: Expression, reasons: Sequence[str]) -> Expression:
    """Return the expression with more reasons for doubt, all in the order of `fer_edge.types.DOUBTS`."""
    if not reasons:
        return expression
    every = {*expression.doubt, *reasons}
    return replace(expression, uncertain=True, doubt=tuple(word for word in DOUBTS if word in every))
