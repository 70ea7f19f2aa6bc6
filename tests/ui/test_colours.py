from __future__ import annotations

from itertools import combinations
from typing import Tuple

import numpy as np
import pytest

from fer_edge.types import LABELS
from fer_edge.ui.drawing import COLOURS, Colour

ENOUGH = 10.0
"""CIEDE2000 between any two: some ten times what can just be seen."""

SIGHT = {
    "all cones": np.eye(3),
    "no long-wave cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no middle-wave cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no short-wave cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""How linear red, green and blue are seen: Machado, Oliveira and Fernandes (2009), "A physiologically-based model for
simulation of color vision deficiency", severity 1.0 of their table of matrices."""

Lab = Tuple[float, float, float]


def linear(colour: Colour) -> np.ndarray:
    shares = np.array(colour[::-1], float) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> Lab:
    """Return CIELAB under D65 of linear red, green and blue."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ np.clip(light, 0, 1) / (0.95047, 1.0, 1.08883)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one: Lab, other: Lab) -> float:
    """Return the difference of two colours, after Sharma, Wu and Dalal (2005)."""
    mean_chroma = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))
    chroma1, chroma2 = np.hypot(stretch * one[1], one[2]), np.hypot(stretch * other[1], other[2])
    hue1, hue2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for _, a, b in (one, other))
    turn = 0.0 if chroma1 * chroma2 == 0 else (hue2 - hue1 + 180) % 360 - 180
    hue = hue1 + hue2 if chroma1 * chroma2 == 0 else (hue1 + turn / 2) % 360
    light, chroma = (one[0] + other[0]) / 2, (chroma1 + chroma2) / 2
    waves = zip((-0.17, 0.24, 0.32, -0.20), (1, 2, 3, 4), (-30, 0, 6, -63))
    weight = 1 + sum(share * np.cos(np.radians(times * hue + shift)) for share, times, shift in waves)
    by_light = (other[0] - one[0]) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    by_chroma = (chroma2 - chroma1) / (1 + 0.045 * chroma)
    by_hue = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    twist = -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    twist *= 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    return float(np.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + twist * by_chroma * by_hue))


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ],
)
def test_the_distance_of_this_file_is_that_of_its_paper(one: Lab, other: Lab, difference: float) -> None:
    """Pairs of the table of Sharma, Wu and Dalal, which every implementation is held to."""
    assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(other, one) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHT)
def test_whoever_lacks_one_kind_of_cones_can_tell_all_expressions_apart_by_colour(sight: str) -> None:
    seen = {label: lab(np.asarray(SIGHT[sight]) @ linear(COLOURS[label])) for label in LABELS}
    distances = {pair: ciede2000(seen[pair[0]], seen[pair[1]]) for pair in combinations(LABELS, 2)}
    near = min(distances, key=distances.__getitem__)
    assert distances[near] > ENOUGH, f"{near}: {distances[near]:.1f}"
