"""Two rules over `fer_edge.classify.looks.edges`, fitted by ``scripts/fit_doubt.py``; docs/detectors.md says how well."""

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
UPSIDE_DOWN = Rule(-1276, (
    -92, -115, 130, 63, -228, -68, 11, 40, 132, -116, -156, 357, 187, 429, 50, 178,
    2, 103, -219, 202, 47, 61, 80, -310, 16, -231, 247, 55, 40, -162, 226, 573,
    100, 264, 36, 166, -496, -137, 116, -85, -98, -500, 33, -357, 103, -319, -698, 843,
    -225, 133, 44, 186, -236, 156, 328, -45, -621, 213, 178, -365, 528, 513, -707, -20,
    -21, -4, -71, -167, 170, 209, -349, 143, 181, 177, -345, -211, 291, 190, -411, -999,
    -49, -2, 316, -171, 137, 150, 86, -92, 340, 67, 480, 17, -138, -237, 793, -656,
    -89, -46, -47, 128, 216, 255, -63, -123, 254, -98, 246, -358, -114, -186, 645, -533,
    -283, -114, 19, 334, -51, -183, 38, -125, 144, 137, 89, -470, -58, 146, 29, -394,
))
"""The crop shows no upright face: the head is upside down or lies, or there is none."""

COVERED = Rule(1897, (
    -98, -107, 174, -36, 14, 121, 80, -227, 127, -82, 112, -164, -50, 9, -70, 18,
    -27, -64, 25, -147, -127, 210, 143, -24, 205, -115, -82, -184, 53, 142, -76, -272,
    -16, 27, 128, -236, -19, -22, 66, -250, 149, -15, 60, 30, 9, -141, 545, -288,
    -216, 4, 119, -149, 262, -6, -172, -198, 329, -112, 334, -168, -134, 59, -174, 45,
    -44, -41, 54, 23, 18, -11, 61, -192, 407, -164, -269, 217, 24, 35, -254, 215,
    157, 203, -136, 60, 409, 398, -146, 262, 701, -15, -537, 477, -324, -506, 32, 238,
    107, 40, -362, 3, 167, 108, -385, -37, 120, -165, -405, 872, -987, -753, -497, -339,
    82, 68, 151, -131, 49, 149, -28, -21, 157, -293, -141, 799, -712, -338, -403, 999,
))
"""Something lies over the mouth of an upright face."""
# fmt: on
