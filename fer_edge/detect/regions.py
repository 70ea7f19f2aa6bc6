"""Regions of an image as polygons: what is one, and what lies in it. Nothing here knows of faces.

Corners are in pixels from the upper left corner of the image, so that a rectangle at 0,0 of the image's width and height is all
of it.
"""

from __future__ import annotations

from typing import Tuple

Corner = Tuple[int, int]
"""(x, y) in whole pixels."""

Polygon = Tuple[Corner, ...]
"""Corners in their order around it, either way; the last one is joined to the first."""

MOST_REGIONS = 32
"""Of one camera. Each face is looked up in each of them, for each frame."""

MOST_CORNERS = 64
"""Of one region. Whether it crosses itself takes the square of their number, and a hand draws fewer."""


def rectangle(left: int, top: int, width: int, height: int) -> Polygon:
    """Return a rectangle as a polygon.

    Examples
    --------
    >>> rectangle(80, 0, 480, 400)
    ((80, 0), (560, 0), (560, 400), (80, 400))
    """
    return (left, top), (left + width, top), (left + width, top + height), (left, top + height)


def holds(polygon: Polygon, x: float, y: float) -> bool:
    """Return whether a point lies in a polygon that does not cross itself.

    What lies on its left or upper edge is inside, and what lies on its right or lower edge is not: of two regions side by side
    exactly one has a point of the border.

    Examples
    --------
    >>> left, right = rectangle(0, 0, 10, 10), rectangle(10, 0, 10, 10)
    >>> holds(left, 10.0, 5.0), holds(right, 10.0, 5.0)
    (False, True)
    """
    inside = False
    x0, y0 = polygon[-1]
    for x1, y1 in polygon:
        # Each edge that a ray to the right meets changes sides; of its two ends it has the upper one.
        if (y0 > y) != (y1 > y):
            # From the upper end, whichever way round: the same edge of two polygons is then met at the very same place.
            (xa, ya), (xb, yb) = ((x0, y0), (x1, y1)) if y0 < y1 else ((x1, y1), (x0, y0))
            inside ^= x < xa + (y - ya) * (xb - xa) / (yb - ya)
        x0, y0 = x1, y1
    return inside


def extent(polygon: Polygon) -> Tuple[int, int, int, int]:
    """Return left, top, right and bottom of the smallest upright rectangle around a polygon."""
    across, down = zip(*polygon)
    return min(across), min(down), max(across), max(down)


def flaw_of(polygon: Polygon) -> str:
    """Return what is wrong with a polygon, in words that can follow "the region"; empty where nothing is.

    Examples
    --------
    >>> flaw_of(((0, 0), (10, 10), (10, 0), (0, 10)))
    'crosses itself: its edges 0,0 10,10 and 10,0 0,10 meet'
    >>> flaw_of(rectangle(0, 0, 10, 10))
    ''
    """
    count = len(polygon)
    if count < 3:
        return f"has {count} corner{'' if count == 1 else 's'}, and needs three"
    if count > MOST_CORNERS:
        return f"has {count} corners, and {MOST_CORNERS} are the most"
    if not _spreads(polygon):
        return "is empty: its corners lie on one line"
    twice = [corner for place, corner in enumerate(polygon) if corner in polygon[:place]]
    if twice:
        return f"has the corner {_words(twice[0])} twice"
    edges = [(polygon[place - 1], polygon[place]) for place in range(count)]
    for one, (a, b) in enumerate(edges):
        for other in range(one + 1, count):
            c, d = edges[other]
            neighbours = other == one + 1 or (one == 0 and other == count - 1)
            # Neighbours share a corner; more than that is an edge that runs back on the one before.
            if _run_back(a, b, c, d) if neighbours else _meet(a, b, c, d):
                return f"crosses itself: its edges {_words(a, b)} and {_words(c, d)} meet"
    return ""


def written(polygon: Polygon) -> str:
    """Return a polygon as it is written in the settings.

    Examples
    --------
    >>> written(((0, 0), (10, 0), (5, 8)))
    '0,0 10,0 5,8'
    """
    return _words(*polygon)


def _words(*corners: Corner) -> str:
    return " ".join(f"{x},{y}" for x, y in corners)


def _spreads(polygon: Polygon) -> bool:
    """Return whether not all corners lie on one line."""
    first = polygon[0]
    second = next((corner for corner in polygon if corner != first), first)
    return any(_side(first, second, corner) for corner in polygon)


def _side(a: Corner, b: Corner, point: Corner) -> int:
    """Return on which side of the line from `a` to `b` a point lies, 1 or -1; 0 where it lies on it."""
    turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    return (turn > 0) - (turn < 0)


def _meet(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Return whether two edges have a point in common, and do not lie on one line.

    Where two of a polygon lie on one line and share a part of it, another two of its edges meet or run back as well.
    """
    return _side(a, b, c) != _side(a, b, d) and _side(c, d, a) != _side(c, d, b)


def _run_back(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Return whether two edges that share one corner share more than that."""
    shared, one, other = (b, a, d) if b == c else (a, b, c)
    if _side(shared, one, other):
        return False
    ahead = (one[0] - shared[0]) * (other[0] - shared[0]) + (one[1] - shared[1]) * (other[1] - shared[1])
    return ahead > 0
