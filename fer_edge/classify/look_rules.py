"""Two rules over `fer_edge.classify.looks.edges`, fitted by ``scripts/fit_doubt.py``; docs/detectors.md has how well they do."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray


class Rule:
    """A weighted sum of edges, and from where on it holds.

    Parameters
    ----------
    threshold : int
        The rule holds where the sum is greater. It was passed by 1 % of the faces on which it should not hold.
    weights : sequence of int
        `fer_edge.classify.looks.EDGES` of them, of a ridge logistic regression, the largest made 999.
    """

    def __init__(self, threshold: int, weights: Sequence[int]) -> None:
        self._threshold = threshold
        self._weights = np.array(weights, np.float32)

    def holds(self, edges: NDArray[np.floating[Any]]) -> bool:
        """Return whether the rule holds for a crop with such edges."""
        return float(self._weights @ edges) > self._threshold


# fmt: off
UPSIDE_DOWN = Rule(-3517, (
    -3, 178, 46, 33, -241, 477, -153, -132, 86, 790, 317, 444, 236, 527, -40, 451,
    93, 344, 50, 58, -141, 513, -195, -133, -181, -33, 177, -214, 98, 116, 111, 302,
    -10, 203, -182, -327, 211, -446, 279, -241, -126, -879, -474, -896, 100, -327, -328, 170,
    -158, 97, 45, -108, -461, 0, 369, -53, -995, 335, -502, -999, 78, -228, -699, -334,
    -387, 167, 254, 45, 224, 121, 222, 292, 255, 196, -246, 302, -179, -68, -464, -637,
    36, -104, 372, 196, 197, -35, 667, 244, 399, -378, -151, -257, 326, -632, -98, -618,
    -192, 105, 256, -90, 260, 272, 151, -43, 278, 128, 137, -150, -84, -173, -11, -464,
    341, -163, 396, 337, -246, 36, 162, 64, -379, 394, -2, -227, -577, 748, 19, -217,
))
"""The crop shows no upright face: the head is upside down or lies, or there is none."""

COVERED = Rule(3185, (
    -339, -126, -41, 42, 58, -92, 99, 10, 140, -233, 355, -53, 137, 179, -204, -11,
    -107, 12, 94, 161, -371, -17, -280, -311, -298, 19, 5, -305, 24, 246, -168, 63,
    -62, 35, 66, 291, 108, -150, 36, -178, -33, 204, -395, -253, 113, -190, 60, -583,
    73, -36, 83, 277, 274, -327, 392, -185, 226, -409, 403, 164, -310, -182, -323, -185,
    227, 299, -165, -361, 84, 198, 72, -168, 578, 384, 173, 332, 167, -229, -139, 22,
    174, -150, -261, -327, 22, 424, -172, 476, 522, -155, -570, 700, -141, -587, -117, -196,
    232, -147, -174, 266, -21, 474, -60, 314, -118, 46, -305, 311, -503, -999, -678, -649,
    125, -143, 117, 370, -216, 73, -275, 18, 608, -363, -44, 628, -393, -559, -764, 245,
))
"""Something lies over the mouth of an upright face."""
# fmt: on
