"""From a picture and the faces in it to what they express: crop, classify in one batch, and doubt what cannot be known."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence, Tuple

import numpy as np

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.crop import FaceCropper, pose_of
from fer_edge.errors import StageFailed
from fer_edge.types import Face, Image, ObservedFace

LARGEST_TURN = 0.45
"""A head whose nose is further aside than this (`fer_edge.crop.FacePose.turn`) hides half of its face."""


class ExpressionReader:
    """Reads the expressions of the faces in a picture with a classifier."""

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
            The network gave something that is no number: a GPU that overheats does, and a new start may heal it.
        """
        if not faces:
            return ()
        expressions = self._classifier.classify(self._cropper.crop(image, faces))
        if not all(np.isfinite(expression.probabilities).all() for expression in expressions):
            raise StageFailed(
                f"The network {self._classifier.spec.name} gave no numbers (NaN) for a face.",
                "With half precision, try --precision fp32; else the model file or the processor is faulty.",
            )
        return tuple(
            ObservedFace(face, replace(expression, uncertain=True) if self._turned_away(face) else expression)
            for face, expression in zip(faces, expressions)
        )

    @staticmethod
    def _turned_away(face: Face) -> bool:
        return abs(pose_of(face).turn) > LARGEST_TURN
