"""Non-maximum suppression: one face for each group of overlapping candidates."""

from __future__ import annotations

from typing import List

import numpy as np
from numpy.typing import NDArray

_TINY = float(np.finfo(np.float64).tiny)


def overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intersection over union of `box` (4) with each of `others` (N x 4), as left, top, right, bottom."""
    # Products of columns: a reduction over an axis of two takes several times as long.
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    np.maximum(size, 0.0, out=size)
    intersection = size[:, 0] * size[:, 1]
    sides = others[:, 2:] - others[:, :2]
    union = (box[2] - box[0]) * (box[3] - box[1]) + sides[:, 0] * sides[:, 1] - intersection
    shares: NDArray[np.float64] = intersection / np.maximum(union, _TINY)
    return shares


def group(boxes: NDArray[np.float64], scores: NDArray[np.float64], threshold: float) -> List[NDArray[np.intp]]:
    """Return candidates in groups that show the same face.

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
        candidates = boxes[waiting]
        joins = overlap(candidates[0], candidates) > threshold
        joins[0] = True
        groups.append(waiting[joins])
        waiting = waiting[~joins]
    return groups
