"""From an image and the faces in it to what they express: crop, classify in one batch, and doubt what cannot be known."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence, Tuple

import numpy as np

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.crop import FaceCropper, pose_of
from fer_edge.errors import StageFailed
from fer_edge.types import Face, Image, ObservedFace

LARGEST_TURN = 0.45
"""A head whose nose is further aside than this (`fer_edge.classify.crop.FacePose.turn`) hides half of its face."""


class ExpressionReader:
    """Reads the expressions of the faces in an image with a classifier."""

    def __init__(self, classifier: ExpressionClassifier) -> None:
        self._classifier = classifier
        self._cropper = FaceCropper(classifier.spec)

    def read(self, image: Image, faces: Sequence[Face]) -> Tuple[ObservedFace, ...]:
        """Name the expression of each face, all in one batch.

        Returns
        -------
        tuple of ObservedFace
            In the order of `faces`. Expressions of heads that are turned too far are marked uncertain.

        Raises
        ------
        StageFailed
            The classifier gave something that is no number, or not one answer for each face.
        """
        if not faces:
            return ()
        expressions = self._classifier.classify(self._cropper.crop(image, faces))
        # Ours have seen to it; a classifier of somebody else's may not.
        name = self._classifier.spec.name
        if len(expressions) != len(faces):
            raise StageFailed(f"The classifier {name} gave {len(expressions)} answers for {len(faces)} faces.")
        if not all(np.isfinite(expression.probabilities).all() for expression in expressions):
            raise StageFailed(f"The classifier {name} gave no numbers (NaN) for a face.", "It is faulty.")
        return tuple(
            ObservedFace(face, replace(expression, uncertain=True) if self._turned_away(face) else expression)
            for face, expression in zip(faces, expressions)
        )

    @staticmethod
    def _turned_away(face: Face) -> bool:
        return abs(pose_of(face).turn) > LARGEST_TURN
