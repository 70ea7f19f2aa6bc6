"""What the crop of a face looks like, coarsely: where its edges run, as a few numbers for a weighted sum.

Only grey values count, and of these only their differences relative to the whole crop: neither the colour of a skin, of a mask
or of the light, nor brightness or contrast have a say.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.spec import ModelSpec
from fer_edge.types import Image

CROP = ModelSpec(name="looks")
"""How a face is cut out for `edges`: 64 x 64, turned upright by its eyes, as the shipped networks have it."""

CELLS = 8
"""Rows of the grid, and columns before it is folded."""

EDGES = 4 * CELLS * CELLS // 2
"""Numbers that `edges` gives for a crop."""

_FLOOR = 0.5  # grey values; fainter edges are noise


def edges(crop: Image) -> NDArray[np.float32]:
    """Return how strong the edges of four kinds are in each cell of a grid.

    Parameters
    ----------
    crop : Image
        64 x 64 x 3, as `CROP` says.

    Returns
    -------
    NDArray[np.float32]
        `EDGES` logarithms of the mean strength in a cell over that in the crop: brightening downwards, darkening downwards,
        across, and spots and lines (Laplacian), for 8 rows of 4 columns; the right half is folded over the left one, since
        a face and its mirror image are the same.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (0, 0), 1.0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    kinds = cv2.merge(
        [
            np.maximum(down, 0.0),
            np.maximum(-down, 0.0),
            np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)),
            np.abs(cv2.Laplacian(grey, cv2.CV_32F)),
        ]
    )
    cells = cv2.resize(kinds, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    cells = np.log((cells + _FLOOR) / (cells.mean() + _FLOOR))
    folded: NDArray[np.float32] = (cells + cells[:, ::-1])[:, : CELLS // 2].ravel() / 2
    return folded
