"""BlazeFace on ONNX Runtime: mediapipe's face detector without mediapipe.

Network: Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019, arXiv:1907.05047.
Anchors, decoding and the weighted suppression follow mediapipe's graph for face detection (release 0.10.21:
``SsdAnchorsCalculator``, ``TensorsToDetectionsCalculator``, ``NonMaxSuppressionCalculator`` and their options in
``modules/face_detection``), so that boxes and scores are the same within the tolerance that the tests state.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge import errors
from fer_edge.detect.base import FaceDetector, check_output, check_points
from fer_edge.detect.letterbox import Letterbox
from fer_edge.detect.nms import group
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_session import OnnxSession, open_session
from fer_edge.types import Box, Face, Image

LANDMARKS = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
"""In the order of the network's output; right and left are the person's."""

OVERLAP = 0.3
"""Candidates that overlap more are the same face (``min_suppression_threshold``)."""


@dataclass(frozen=True)
class Variant:
    """One of the two networks.

    Attributes
    ----------
    model : str
        Name of the shipped file.
    side : int
        Width and height of its input.
    grids : tuple of (int, int)
        Stride and anchors per cell of each feature map, from ``SsdAnchorsCalculatorOptions``: layers of equal stride
        share a feature map and add two anchors each, except in full-range, which has a single one.
    """

    model: str
    side: int
    grids: Tuple[Tuple[int, int], ...]


VARIANTS: Dict[str, Variant] = {
    "short": Variant("blazeface_short", 128, ((8, 2), (16, 6))),
    "full": Variant("blazeface_full", 192, ((4, 1),)),
}


def anchor_centres(side: int, grids: Sequence[Tuple[int, int]]) -> NDArray[np.float64]:
    """Return the centres of the anchors in pixels of the input, N x 2, in the order of the network's output.

    Anchors have the size of the input (``fixed_anchor_size``), so their centres say all about them.
    """
    maps = []
    for stride, per_cell in grids:
        middle = (np.arange(side // stride) + 0.5) * stride
        y, x = np.meshgrid(middle, middle, indexing="ij")
        maps.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(maps)


class BlazeFaceDetector(FaceDetector):
    """Finds faces with BlazeFace.

    Parameters
    ----------
    variant : {"short", "full"}
        ``short``: 128 x 128, quickest, for faces that take a sixth or more of the image's height.
        ``full``: 192 x 192, for faces further away, at two to three times the cost.
    threads : int
        For one operation of the network. A second one brought nothing where it was measured.
    min_score : float
        From 0 to 1; candidates under it are not considered.
    model : path, optional
        Another file with the same inputs and outputs; the shipped one otherwise.

    Raises
    ------
    MissingExtra, ModelNotFound, ModelCorrupt, ModelShapeError
        See `fer_edge.inference.onnx_session.open_session`.
    """

    name = "blazeface"

    def __init__(
        self,
        variant: str = "short",
        threads: int = 1,
        min_score: float = 0.5,
        model: Optional[Union[str, os.PathLike[str]]] = None,
    ) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"BlazeFace has the variants {', '.join(VARIANTS)}, not '{variant}'")
        if not 0.0 <= min_score <= 1.0:
            raise ValueError(f"min_score must lie between 0 and 1, not {min_score}")
        kind = VARIANTS[variant]
        self.name = "blazeface" if variant == "short" else f"blazeface-{variant}"
        self._min_logit = _logit(min_score)
        self._anchors = anchor_centres(kind.side, kind.grids)
        self._letterbox = Letterbox(kind.side)
        self._session = open_session(find_model(model if model is not None else kind.model), threads=threads)
        self._input = _check(self._session, kind.side, len(self._anchors))

    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Find faces; see `FaceDetector.detect`.

        Raises
        ------
        ValueError
            `image` is not H x W x 3 of uint8, or is empty.
        StageFailed
            The network gave no numbers.
        """
        tensor, placement = self._letterbox.fit(image)
        regressors, logits = self._session.run({self._input: tensor})
        check_output(self.name, regressors, (1, len(self._anchors), 16))
        check_output(self.name, logits, (1, len(self._anchors), 1))
        chosen = np.flatnonzero(logits[0, :, 0] >= self._min_logit)
        if not chosen.size:
            return ()
        likely = regressors[0, chosen]
        # A box turned inside out would be noise; mediapipe leaves it out, too.
        if likely[:, 2:4].min() <= 0.0:
            chosen = chosen[(likely[:, 2:4] > 0.0).all(axis=1)]
            likely = regressors[0, chosen]
        scores = 1.0 / (1.0 + np.exp(-logits[0, chosen, 0].astype(np.float64)))
        points = _decode(likely, self._anchors[chosen])
        check_points(self.name, points)
        faces = []
        for members in group(points[:, :4], scores, OVERLAP):
            weights = scores[members]
            merged = weights @ points[members] / weights.sum()
            faces.append(_face(placement.to_image(merged.reshape(8, 2)), float(weights[0])))
        return tuple(faces)

    def close(self) -> None:
        """Free the network. May be called twice."""
        self._session.close()


def _decode(regressors: NDArray[np.float32], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return N x 16 numbers, x and y in pixels of the input: both corners of the box, and the six landmarks."""
    points: NDArray[np.float64] = regressors.astype(np.float64)
    half = points[:, 2:4] / 2.0
    points[:, 2:4] = points[:, :2] + half
    points[:, :2] -= half
    points.reshape(-1, 8, 2)[...] += centres[:, None]
    return points


def _logit(score: float) -> float:
    """Return the raw score of a probability, so that the sigmoid is computed for the few candidates only."""
    if score in (0.0, 1.0):
        return math.copysign(math.inf, score - 0.5)
    return math.log(score / (1.0 - score))


def _face(points: NDArray[np.float64], score: float) -> Face:
    (left, top), (right, bottom), *landmarks = points.tolist()
    named = {name: (x, y) for name, (x, y) in zip(LANDMARKS, landmarks)}
    return Face(Box(left, top, right - left, bottom - top), score, named)


def _check(session: OnnxSession, side: int, anchors: int) -> str:
    """Return the name of the input, or say how the file differs from BlazeFace."""
    expected: Dict[str, Tuple[Any, ...]] = {"regressors": (1, anchors, 16), "scores": (1, anchors, 1)}
    found = {info.name: info.shape for info in session.outputs}
    shapes = [info.shape for info in session.inputs]
    if shapes != [(1, 3, side, side)] or list(found.items()) != list(expected.items()):
        raise errors.ModelShapeError(
            f"{session.path} is not this variant of BlazeFace: it takes {shapes} and gives {found}.",
            f"It should take one input of (1, 3, {side}, {side}) and give {expected}.",
        )
    return session.inputs[0].name
