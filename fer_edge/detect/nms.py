"""Non-maximum suppression: one face for each group of overlapping candidates."""

from __future__ import annotations

from typing import List

import numpy as np
from numpy.typing import NDArray


def overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the intersection over union of `box` (4) with each of `others` (N x 4), as left, top, right, bottom."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    intersection = np.prod(np.maximum(size, 0.0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - intersection
    shares: NDArray[np.float64] = intersection / np.maximum(union, np.finfo(np.float64).tiny)
    return shares


def group(boxes: NDArray[np.float64], scores: NDArray[np.float64], threshold: float) -> List[NDArray[np.intp]]:
    """Divide candidates into groups that show the same face.

    Parameters
    ----------
    boxes : NDArray[np.float64]
        N x 4: left, top, right, bottom.
    scores : NDArray[np.float64]
        N.
    threshold : float
        A candidate joins a group when its intersection over union with the group's best one is greater.

    Returns
    -------
    list of NDArray[np.intp]
        For each group the indices of its candidates, best first; the group with the best candidate first. The best ones
        of any two groups overlap by no more than `threshold`, and every candidate is in exactly one group.
    """
    waiting = np.argsort(-scores, kind="stable")
    groups = []
    while waiting.size:
        joins = overlap(boxes[waiting[0]], boxes[waiting]) > threshold
        joins[0] = True
        groups.append(waiting[joins])
        waiting = waiting[~joins]
    return groups
