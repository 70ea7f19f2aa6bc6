"""The rate of a video out of the times of its images, where its header has none that could be true."""

from __future__ import annotations

from typing import Iterable, List

HIGHEST_TOLD = 120.0
"""Images a second up to which a header is believed. A browser's recorder gives 1000, a cover picture 90000: units of time."""

HIGHEST = 1000.0

_LATEST = 1e9
"""Seconds; FFmpeg's word for no time is far beyond."""

LOOKED_AT = 30
"""Images: a second of most videos, decoded twice."""


def is_believable(fps: float) -> bool:
    """Return whether a header's rate is that of images."""
    return 0 < fps <= HIGHEST_TOLD


def rate_of(positions: Iterable[float]) -> float:
    """Return the images a second of the first `LOOKED_AT` images; 0 where their times do not tell.

    Parameters
    ----------
    positions : iterable of float
        Seconds, as the decoder gives them; those that are no numbers or do not grow are left out.
    """
    grown: List[float] = []
    for position, _ in zip(positions, range(LOOKED_AT)):
        if abs(position) < _LATEST and (not grown or position > grown[-1]):
            grown.append(position)
    if len(grown) < 2:
        return 0.0
    fps = (len(grown) - 1) / (grown[-1] - grown[0])
    return fps if fps <= HIGHEST else 0.0
