"""From an image and the faces in it to what they express: crop, classify in one batch, and doubt what cannot be known."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence, Tuple

import numpy as np

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.crop import FaceCropper, pose_of
from fer_edge.errors import StageFailed
from fer_edge.types import Expression, Face, Image, ObservedFace

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
        return self.read_all([(image, faces)])[0]

    def read_all(self, images: Sequence[Tuple[Image, Sequence[Face]]]) -> List[Tuple[ObservedFace, ...]]:
        """Name the expressions of the faces of several images, all in one batch.

        Returns
        -------
        list of tuple of ObservedFace
            For each image, in the order of its faces.

        Raises
        ------
        StageFailed
            As `read`.
        """
        crops = [self._cropper.crop(image, faces) for image, faces in images if faces]
        if not crops:
            return [() for _ in images]
        expressions = self._classifier.classify(crops[0] if len(crops) == 1 else np.concatenate(crops))
        # Ours have seen to it; a classifier of somebody else's may not.
        name = self._classifier.spec.name
        count = sum(map(len, crops))
        if len(expressions) != count:
            raise StageFailed(f"The classifier {name} gave {len(expressions)} answers for {count} faces.")
        if not all(np.isfinite(expression.probabilities).all() for expression in expressions):
            raise StageFailed(f"The classifier {name} gave no numbers (NaN) for a face.", "It is faulty.")
        rest = iter(expressions)
        return [tuple(self._observed(face, next(rest)) for face in faces) for _, faces in images]

    def _observed(self, face: Face, expression: Expression) -> ObservedFace:
        return ObservedFace(face, replace(expression, uncertain=True) if self._turned_away(face) else expression)

    @staticmethod
    def _turned_away(face: Face) -> bool:
        return abs(pose_of(face).turn) > LARGEST_TURN
