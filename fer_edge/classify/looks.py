"""What the crop of a face looks like, coarsely: where its edges run, as a few numbers for a weighted sum.

Only grey values count, and of these only their differences relative to the whole crop: neither the colour of a skin, of a mask
or of the light, nor brightness or contrast have a say.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.spec import ModelSpec

CROP = ModelSpec(name="looks")
"""How a face is cut out for `edges`: 64 x 64, turned upright by its eyes, as the shipped networks have it."""

CELLS = 8
"""Rows of the grid, and columns before it is folded."""

EDGES = 4 * CELLS * CELLS // 2
"""Numbers that `edges` gives for a crop."""

_FLOOR = 0.5  # grey values; fainter edges are noise


_SIDE = CROP.input_size
_PAD = 4
"""Rows of its own mirror image above and below each crop, as far as blur and derivative reach: no crop sees its neighbour."""

_ROWS = np.abs(np.arange(-_PAD, _SIDE + _PAD))
_ROWS = np.minimum(_ROWS, 2 * (_SIDE - 1) - _ROWS)


def edges(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how strong the edges of four kinds are in each cell of a grid, for several crops at once.

    Parameters
    ----------
    crops : NDArray[np.uint8]
        N x 64 x 64 x 3, as `CROP` says.

    Returns
    -------
    NDArray[np.float32]
        N x `EDGES` logarithms of the mean strength in a cell over that in the crop: brightening downwards, darkening
        downwards, across, and spots and lines (Laplacian), for 8 rows of 4 columns; the right half is folded over the left
        one, since a face and its mirror image are the same.
    """
    count = len(crops)
    if not count:
        return np.empty((0, EDGES), np.float32)
    # One below the other, as each call of OpenCV costs more than the pixels of a crop.
    grey = cv2.cvtColor(crops.reshape(count * _SIDE, _SIDE, 3), cv2.COLOR_BGR2GRAY)
    padded = grey.reshape(count, _SIDE, _SIDE)[:, _ROWS].reshape(-1, _SIDE)
    blurred = cv2.GaussianBlur(padded, (0, 0), 1.0)
    down = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, scale=1 / 8)
    kinds = cv2.merge(
        [
            np.maximum(down, 0.0),
            np.maximum(-down, 0.0),
            np.abs(cv2.Sobel(blurred, cv2.CV_32F, 1, 0, scale=1 / 8)),
            np.abs(cv2.Laplacian(blurred, cv2.CV_16S)).astype(np.float32),
        ]
    )
    inner = kinds.reshape(count, -1, _SIDE, 4)[:, _PAD:-_PAD].reshape(-1, _SIDE, 4)
    cells = cv2.resize(inner, (CELLS, count * CELLS), interpolation=cv2.INTER_AREA).reshape(count, CELLS, CELLS, 4)
    cells = np.log((cells + _FLOOR) / (cells.mean(axis=(1, 2, 3), keepdims=True) + _FLOOR))
    folded: NDArray[np.float32] = (cells + cells[:, :, ::-1])[:, :, : CELLS // 2].reshape(count, -1) / 2
    return folded


_FINE = np.tile(np.array([-1, -1, -1, 3], np.float32), EDGES // 4) / (3 * EDGES // 4)


def sharpness(edges_of_one: NDArray[np.float32]) -> float:
    """Return how strong spots and lines are against slopes, all over one crop.

    Parameters
    ----------
    edges_of_one : NDArray[np.float32]
        `EDGES` numbers: a row of what `edges` gives.

    Returns
    -------
    float
        A difference of mean logarithms: 0.7 for a picture of FER2013, less the more it is blurred. Contrast and brightness
        have hardly a say, fine noise has.
    """
    return float(_FINE @ edges_of_one)
