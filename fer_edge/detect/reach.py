"""How small a face may be for each shipped detector, as it was measured. Reading this module imports no library."""

from __future__ import annotations

from typing import Mapping, Optional, Tuple

SMALLEST: Mapping[str, Mapping[Tuple[int, int], int]] = {
    "blazeface": {(640, 480): 82, (1280, 720): 157, (1920, 1080): 235},
    "auto": {(640, 480): 29, (1280, 720): 33, (1920, 1080): 29},
    "blazeface-full": {(640, 480): 57, (1280, 720): 96, (1920, 1080): 138},
}
"""Pixels from brows to chin of the smallest face that is found at each of nine places, by detector and by width and height of
the image: what ``scripts/smallest_face.py`` prints and docs/detectors.md tells."""


def smallest_face(detector: str, width: int, height: int) -> Optional[int]:
    """Return how high a face must be for a detector to find it in a single picture.

    Parameters
    ----------
    detector : str
        By the name of its entry in `fer_edge.detect.registry.DETECTORS`.
    width, height : int
        Of the image, in pixels. Its longer side counts.

    Returns
    -------
    int or None
        Pixels from brows to chin; between the sizes that were measured on the line between these. None for other detectors,
        and for images that are smaller or larger than those.

    Examples
    --------
    >>> smallest_face("blazeface", 1920, 1080), smallest_face("blazeface", 960, 540)
    (235, 120)
    """
    side = max(width, height)
    known = sorted((max(size), pixels) for size, pixels in SMALLEST.get(detector, {}).items())
    for (left, least), (right, most) in zip(known, known[1:]):
        if left <= side <= right:
            return round(least + (most - least) * (side - left) / (right - left))
    return None
