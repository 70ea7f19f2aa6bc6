"""What the network is asked to answer: soft labels, sample weights and class balance from the votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_edge.errors import DataSetError
from fer_edge.training.data import FaceSet
from fer_edge.training.recipe import TargetRules
from fer_edge.types import LABELS


@dataclass(frozen=True)
class Targets:
    """Training targets of the faces that are used.

    Attributes
    ----------
    rows
        M, int64: which faces of the set.
    soft
        M x 7, float32, rows sum to 1.
    weights
        M, float32, mean 1: the class weight times the share of votes for the seven.
    """

    rows: npt.NDArray[np.int64]
    soft: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


def build_targets(faces: FaceSet, rules: TargetRules) -> Targets:
    """Return soft labels and weights of the faces in ``faces`` that carry enough votes.

    Single votes are taken as slips and dropped where another label has more, as the FER+ authors do
    (Barsoum et al., 2016); an image that most annotators gave to contempt, unknown or not-a-face is left out.

    Raises
    ------
    DataSetError
        If no face has enough votes.
    """
    votes = np.where((faces.votes <= 1) & (faces.votes.max(axis=1, keepdims=True) > 1), 0, faces.votes)
    expressive = votes.sum(axis=1)
    other = faces.other_votes.sum(axis=1)
    used = (expressive >= rules.minimum_votes) & (expressive > other) & (faces.votes.max(1) > faces.other_votes.max(1))
    rows = np.flatnonzero(used).astype(np.int64)
    if not len(rows):
        raise DataSetError(
            f"No face of the training set has {rules.minimum_votes} votes for the seven expressions.",
            "Lower --minimum-votes, or give a set with FER+ votes.",
        )

    soft = votes[rows] / expressive[rows, None]
    original = faces.original[rows]
    listened = np.isin(original, [LABELS.index(label) for label in rules.rare])
    listened &= faces.votes[rows, original] > 0
    mix = np.where(listened, rules.original_mix, 0.0)[:, None]
    soft = (1 - mix) * soft + mix * np.eye(len(LABELS))[original]

    frequency = np.maximum(soft.mean(axis=0), 1e-6)
    weights = soft @ frequency**-rules.balance
    weights *= expressive[rows] / (expressive[rows] + other[rows])
    soft = (1 - rules.smoothing) * soft + rules.smoothing / len(LABELS)
    return Targets(rows, soft.astype(np.float32), (weights / weights.mean()).astype(np.float32))
