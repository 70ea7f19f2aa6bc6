"""Teachers' answers beside the annotators' (knowledge distillation: Hinton et al., 2015)."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.softmax import softmax
from fer_edge.errors import UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.training import metrics
from fer_edge.training.data import FaceSet
from fer_edge.training.faces import whole_image
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.targets import Targets

_log = logging.getLogger(__name__)


def taught(targets: Targets, faces: FaceSet, settings: TrainSettings) -> Targets:
    """Mix the mean of the teachers' answers into the targets, as the recipe says; without teachers they stay.

    Raises
    ------
    UsageError
        If the recipe wants a share of a teacher that it does not name.
    ModelNotFound
        If there is no such teacher.
    """
    if not settings.distill:
        return targets
    if not settings.teacher:
        raise UsageError("The recipe wants to distil, but names no teacher.", "Give --teacher, or --distill 0.")
    paths = [find_model(name.strip()) for name in settings.teacher.split(",")]
    answers = []
    for path in paths:
        with closing(OnnxClassifier(path, threads=settings.threads or 1)) as teacher:
            _log.info("asking the teacher %s about %d faces", teacher.spec.name, len(targets.rows))
            answers.append(
                _heard(answers_of(teacher, faces.images[targets.rows]), teacher.spec.name, targets, settings)
            )
    mixed = (1 - settings.distill) * targets.soft + settings.distill * np.mean(answers, axis=0)
    return replace(targets, soft=mixed.astype(np.float32))


def _heard(
    answers: npt.NDArray[np.float32], name: str, targets: Targets, settings: TrainSettings
) -> npt.NDArray[np.float32]:
    if settings.teacher_voice == "labels":
        return answers
    if settings.teacher_voice != "votes":
        raise UsageError(f"There is no teacher_voice {settings.teacher_voice!r}.", "Choose labels or votes.")
    logits = np.log(np.maximum(answers, 1e-7))
    temperature = metrics.fit_temperature_to(logits, targets.soft)
    _log.info("the votes want the answers of %s at %.3f of its temperature", name, temperature)
    return softmax(logits, temperature).astype(np.float32)


def answers_of(
    teacher: ExpressionClassifier, images: npt.NDArray[np.uint8], batch: int = 64
) -> npt.NDArray[np.float32]:
    """Return the teacher's mean probabilities, N x 7, of each image and its mirror image."""
    crop = whole_image(teacher.spec.input_size)
    parts = []
    for start in range(0, len(images), batch):
        crops = np.stack([np.asarray(crop(image)) for image in images[start : start + batch]])
        mirrored = np.ascontiguousarray(crops[:, :, ::-1])
        both = [
            np.stack([expression.probabilities for expression in teacher.classify(images)])
            for images in (crops, mirrored)
        ]
        parts.append((both[0] + both[1]) / 2)
    return np.concatenate(parts).astype(np.float32)
