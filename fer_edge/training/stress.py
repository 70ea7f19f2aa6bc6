"""What cameras, rooms and detectors do to a face, one by one and always alike, to measure how a network bears it.

All take a crop S x S x 3, BGR, uint8, and a source of randomness, and give a crop of the same shape. Strengths are in shares
of the side, so that networks of different input sizes are asked the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.uint8]


@dataclass(frozen=True)
class Stress:
    """One thing that happens to faces.

    Attributes
    ----------
    name
        For tables.
    change
        Does it, with randomness of its own.
    colour
        Whether it does nothing to a network that sees grey.
    """

    name: str
    change: Callable[[Crop, np.random.Generator], Crop]
    colour: bool = False


def stressed(crop: Crop, stress: Stress, seed: int) -> Crop:
    """Return the crop under that stress: the same one for the same crop and seed, wherever it stands in a set."""
    drawn = np.random.default_rng([seed, zlib.crc32(stress.name.encode()), zlib.crc32(crop.tobytes())])
    return stress.change(crop, drawn)


def _as_pixels(values: NDArray[np.floating]) -> Crop:
    pixels: Crop = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels


def _noise(crop: Crop, random: np.random.Generator, deviation: float) -> NDArray[np.float64]:
    """Return grey noise: a grey camera has one value for all three channels."""
    return np.asarray(crop + random.normal(0.0, deviation, crop.shape[:2])[:, :, None])


def _blur(crop: Crop, _random: np.random.Generator) -> Crop:
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.03 * len(crop), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _noisy(crop: Crop, random: np.random.Generator) -> Crop:
    return _as_pixels(_noise(crop, random, 25.0))


def _low_light(crop: Crop, random: np.random.Generator) -> Crop:
    return _as_pixels(_noise(_as_pixels(0.2 * crop.astype(np.float64)), random, 3.0))


def _jpeg(crop: Crop, _random: np.random.Generator) -> Crop:
    coded = cv2.imencode(".jpg", crop, (cv2.IMWRITE_JPEG_QUALITY, 20))[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _flat(crop: Crop, _random: np.random.Generator) -> Crop:
    mean = crop.mean()
    return _as_pixels(mean + 0.3 * (crop - mean))


def _cast(crop: Crop, random: np.random.Generator) -> Crop:
    warm = random.permutation([0.8, 1.0, 1.2])
    return _as_pixels(crop * warm)


def _covered(top: float, bottom: float, left: float, right: float) -> Callable[[Crop, np.random.Generator], Crop]:
    def change(crop: Crop, random: np.random.Generator) -> Crop:
        side = len(crop)
        rows, columns = slice(round(top * side), round(bottom * side)), slice(round(left * side), round(right * side))
        covered = crop.copy()
        covered[rows, columns] = random.integers(20, 236)
        return covered

    return change


def _warped(crop: Crop, matrix: NDArray[np.float64]) -> Crop:
    size = (crop.shape[1], crop.shape[0])
    return np.asarray(cv2.warpPerspective(crop, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _turn(side: int, degrees: float, scale: float = 1.0, across: float = 0.0, down: float = 0.0) -> NDArray[np.float64]:
    matrix = np.vstack([cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, scale), [0, 0, 1]])
    matrix[:2, 2] += side * across, side * down
    return np.asarray(matrix)


def _rolled(degrees: float) -> Callable[[Crop, np.random.Generator], Crop]:
    return lambda crop, random: _warped(crop, _turn(len(crop), degrees))


def _aside(crop: Crop, random: np.random.Generator) -> Crop:
    """Turn the head: one half of the face comes nearer, the other goes farther and gets narrower."""
    far = len(crop) - 1.0
    corners = np.array([[0, 0], [far, 0], [far, far], [0, far]], np.float32)
    moved = np.array([[0.06, -0.06], [0.86, 0.1], [0.86, 0.9], [0.06, 1.06]], np.float32) * np.float32(far)
    if random.random() < 0.5:
        moved = moved[[1, 0, 3, 2]]
        moved[:, 0] = far - moved[:, 0]
    return _warped(crop, np.asarray(cv2.getPerspectiveTransform(corners, moved), np.float64))


def _small(pixels: int) -> Callable[[Crop, np.random.Generator], Crop]:
    def change(crop: Crop, _random: np.random.Generator) -> Crop:
        size = (crop.shape[1], crop.shape[0])
        if pixels >= max(size):
            return crop
        small = cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)

    return change


def _jitter(crop: Crop, random: np.random.Generator) -> Crop:
    """As much as BlazeFace's boxes move and grow on FER2013 (docs/training-log.md); the tilt that is left is small."""
    scale = float(np.clip(np.exp(random.normal(0.0, 0.17)), 0.65, 1.34))
    across, down = random.normal(0.0, 0.069), random.normal(0.0, 0.059)
    return _warped(crop, _turn(len(crop), random.normal(0.0, 4.0), scale, across, down))


STRESSES = (
    Stress("blur", _blur),
    Stress("noise", _noisy),
    Stress("low light", _low_light),
    Stress("JPEG, quality 20", _jpeg),
    Stress("30 % of the contrast", _flat),
    Stress("colour cast", _cast, colour=True),
    Stress("mouth covered", _covered(0.62, 0.98, 0.2, 0.8)),
    Stress("eyes covered", _covered(0.28, 0.5, 0.08, 0.92)),
    Stress("rolled 30° to the left", _rolled(30)),
    Stress("rolled 30° to the right", _rolled(-30)),
    Stress("turned aside", _aside),
    Stress("24 pixels", _small(24)),
    Stress("32 pixels", _small(32)),
    Stress("48 pixels", _small(48)),
    Stress("the detector's jitter", _jitter),
)
"""In the order of tables."""
