"""Where the images of several cameras lie in one: a grid of equal cells that wastes as little room as it can."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Sequence, Tuple

from fer_edge.ui.drawing import Rect, Style

Size = Tuple[int, int]
"""Width and height in pixels."""

LARGEST: Size = (1920, 1200)
"""A larger window is filled by enlarging, so that what is drawn costs the same on every screen."""
SMALLEST_CELL: Size = (160, 120)
"""A smaller window is filled by reducing, so that a cell has room for its text."""

_SMALLEST_CAPITAL, _CAPITAL_SHARE = 9.0, 0.018
"""Of the text: pixels at least, and its share of the shorter side of a cell."""
_GAP = 2


class Cell(NamedTuple):
    """The place of one camera: a strip with its name, and below it the room for its image."""

    title: Rect
    room: Rect


@dataclass(frozen=True)
class Layout:
    """A grid.

    Attributes
    ----------
    width, height : int
        Of everything, in pixels.
    columns : int
        How many cells lie side by side.
    style : Style
        Of the text in all cells, so that none looks more important.
    cells : tuple of Cell
        Row by row; they do not overlap.
    """

    width: int
    height: int
    columns: int
    style: Style
    cells: Tuple[Cell, ...]


def arranged(proportions: Sequence[float], size: Size) -> Layout:
    """Return the grid in which the images are largest.

    Parameters
    ----------
    proportions : sequence of float
        Width / height of each image; at least one.
    size : tuple of int
        Of the window. The grid has its proportions, and its size within the bounds of this module.
    """
    size = max(size[0], SMALLEST_CELL[0]), max(size[1], SMALLEST_CELL[1])
    count = len(proportions)

    def goodness(columns: int) -> Tuple[float, int]:
        grid = _grid(count, columns, size)
        return sum(_area(fitted(cell.room, each)) for cell, each in zip(grid.cells, proportions)), -columns

    columns = max(range(1, count + 1), key=goodness)
    rows = -(-count // columns)
    larger = max(1.0, SMALLEST_CELL[0] * columns / size[0], SMALLEST_CELL[1] * rows / size[1])
    scale = min(larger, LARGEST[0] / size[0], LARGEST[1] / size[1])
    return _grid(count, columns, (max(1, round(scale * size[0])), max(1, round(scale * size[1]))))


@lru_cache(maxsize=16)
def snug(proportions: Tuple[float, ...], bounds: Size) -> Size:
    """Return the size, within `bounds`, of a window that the grid of these images fills without margins."""
    grid = arranged(proportions, bounds)
    images = [fitted(cell.room, each) for cell, each in zip(grid.cells, proportions)]
    width, height = (max(sides) for sides in zip(*((image.width, image.height) for image in images)))
    rows = -(-len(images) // grid.columns)
    title = max(cell.title.height for cell in grid.cells)
    return min(grid.columns * (width + _GAP), bounds[0]), min(rows * (height + title + _GAP), bounds[1])


def fitted(room: Rect, proportion: float) -> Rect:
    """Return the largest rectangle of a proportion, width / height, in the middle of a room; a pixel at least."""
    width = max(1, min(room.width, round(room.height * proportion)))
    height = max(1, min(room.height, round(room.width / proportion)))
    left, top = room.left + (room.width - width) // 2, room.top + (room.height - height) // 2
    return Rect(left, top, left + width, top + height)


def _area(rect: Rect) -> int:
    return rect.width * rect.height


def _grid(count: int, columns: int, size: Size) -> Layout:
    width, height = size
    rows = -(-count // columns)
    shorter = min(width // columns, height // rows)
    style = Style.of(max(_SMALLEST_CAPITAL, 3.0 + _CAPITAL_SHARE * shorter))
    strip = min(round(style.capital) + 2 * style.padding, height // rows // 3)
    cells = []
    for number in range(count):
        row, column = divmod(number, columns)
        left, right = (width * edge // columns for edge in (column, column + 1))
        top, bottom = (height * edge // rows for edge in (row, row + 1))
        cell = Rect(left + _GAP // 2, top + _GAP // 2, right - _GAP // 2, bottom - _GAP // 2)
        below = cell.top + strip
        cells.append(
            Cell(Rect(cell.left, cell.top, cell.right, below), Rect(cell.left, below, cell.right, cell.bottom))
        )
    return Layout(width, height, columns, style, tuple(cells))
