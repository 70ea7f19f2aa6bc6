"""From an image and the faces in it to what they express: crop, classify in one batch, and doubt what cannot be known."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.doubt import Doubting, doubted
from fer_edge.errors import StageFailed
from fer_edge.types import LABELS, Face, Image, ObservedFace


class ExpressionReader:
    """Reads the expressions of the faces in an image with a classifier."""

    def __init__(self, classifier: ExpressionClassifier) -> None:
        self._classifier = classifier
        self._cropper = FaceCropper(classifier.spec)
        self._doubting = Doubting(classifier.spec)

    def read(self, image: Image, faces: Sequence[Face]) -> Tuple[ObservedFace, ...]:
        """Name the expression of each face, all in one batch.

        Returns
        -------
        tuple of ObservedFace
            In the order of `faces`. Expressions that cannot be read are marked uncertain, with the reasons.

        Raises
        ------
        StageFailed
            The classifier gave something that is no number, not one answer for each face, or not one probability for each of
            `fer_edge.types.LABELS`.
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
        count, size = sum(len(faces) for _, faces in images), self._classifier.spec.input_size
        if not count:
            return [() for _ in images]
        batch: NDArray[np.uint8] = np.empty((count, size, size, 3), np.uint8)
        crops, rest = [], batch
        for image, faces in images:
            crops.append(self._cropper.crop(image, faces, rest[: len(faces)]))
            rest = rest[len(faces) :]
        expressions = self._classifier.classify(batch)
        # Ours have seen to it; a classifier of somebody else's may not.
        name = self._classifier.spec.name
        if len(expressions) != count:
            raise StageFailed(f"The classifier {name} gave {len(expressions)} answers for {count} faces.")
        odd = next((one for one in expressions if np.shape(one.probabilities) != (len(LABELS),)), None)
        if odd is not None:
            raise StageFailed(
                f"The classifier {name} gave probabilities of shape {list(np.shape(odd.probabilities))} for a face.",
                f"It gives {len(LABELS)} for each face, one for each of fer_edge.LABELS.",
            )
        if not all(np.isfinite(expression.probabilities).all() for expression in expressions):
            raise StageFailed(f"The classifier {name} gave no numbers (NaN) for a face.", "It is faulty.")
        observed: List[Tuple[ObservedFace, ...]] = []
        answers = iter(expressions)
        for (image, faces), cut in zip(images, crops):
            reasons = self._doubting.reasons(image, faces, cut) if faces else []
            observed.append(tuple(ObservedFace(face, doubted(next(answers), why)) for face, why in zip(faces, reasons)))
        return observed
