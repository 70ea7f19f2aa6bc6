"""Regions as the command line, variables and settings files write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Tuple

from fer_edge.detect.regions import MOST_REGIONS, Polygon, flaw_of, rectangle
from fer_edge.settings.values import Kind, Unfit

_LARGEST_DIGITS = 9


@dataclass(frozen=True)
class _Regions(Kind):
    """One region or several, of which a settings file may hold lists."""

    def from_toml(self, value: Any) -> Any:
        """Read what a settings file holds; raises ValueError if it is not allowed."""
        return self.read(_text_of(value) if isinstance(value, list) else value)


def _text_of(value: List[Any]) -> str:
    """Return a list as text: numbers of a rectangle, corners of a polygon, or several regions."""
    if _are_numbers(value, 4) or (value and all(_are_numbers(item, 2) for item in value)):
        return _text_of_one(value)
    return ";".join(item if isinstance(item, str) else _text_of_one(item) for item in value)


def _text_of_one(item: Any) -> str:
    if not isinstance(item, list) or not item:
        raise ValueError
    if _are_numbers(item, 4):
        return ",".join(map(str, item))
    if not all(_are_numbers(corner, 2) for corner in item):
        raise ValueError
    return " ".join(f"{x},{y}" for x, y in item)


def _are_numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(isinstance(number, int) for number in value)


def _read(text: Any) -> Tuple[Polygon, ...]:
    if not isinstance(text, str):
        raise ValueError
    parts = [part.strip() for part in text.split(";")]
    if not any(parts):
        raise Unfit("it names no region")
    # A list ends with a separator now and then.
    regions = tuple(_region(part) for part in (parts if parts[-1] else parts[:-1]))
    if len(regions) > MOST_REGIONS:
        raise Unfit(f"there are {len(regions)} regions, and {MOST_REGIONS} are the most of one camera")
    return regions


def _region(text: str) -> Polygon:
    numbers = [tuple(_pixels(number) for number in group.split(",")) for group in text.split()]
    if len(numbers) == 1 and len(numbers[0]) == 4:
        left, top, width, height = numbers[0]
        if not width or not height:
            raise Unfit(f"the region {text} is empty: width and height are at least 1")
        return rectangle(left, top, width, height)
    if not numbers or any(len(corner) != 2 for corner in numbers):
        raise ValueError
    corners = tuple((corner[0], corner[1]) for corner in numbers)
    if len(corners) > 1 and corners[0] == corners[-1]:  # as maps write polygons
        corners = corners[:-1]
    flaw = flaw_of(corners)
    if flaw:
        raise Unfit(f"the region {text:.80} {flaw}")
    return corners


def _pixels(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > _LARGEST_DIGITS:
        raise ValueError
    return int(text)


REGIONS = _Regions(
    _read,
    "LEFT,TOP,WIDTH,HEIGHT in pixels such as 80,0,480,480, or the corners of a polygon such as '0,0 640,0 320,400', several "
    "separated by ;, in a file also [80, 0, 480, 480], [[0, 0], [640, 0], [320, 400]], or a list of such",
    (list,),
    gathered=True,
)
"""Read as a tuple of `fer_edge.detect.regions.Polygon`."""
