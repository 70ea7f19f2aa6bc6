"""How much processor time a look of each detector takes, by the size of the image: for `detector_recall.py`."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping

import numpy as np
from detector_grounds import Size, busy_ground
from detector_scenes import draw
from detector_suite import RATE, SIZES, moving_heads

from fer_edge.detect.base import FaceDetector
from fer_edge.system.progress import Progress
from fer_edge.types import Image

SHARES = {"near": 5, "far": 18}
"""How often the height of the three faces goes into the height of the image."""
WARMING = 3
"""Frames before those that are measured; a search of a video looks everywhere in its first one."""
LATE = 95
"""Percentile that is told beside the median: what the slower looks take."""


def measure_times(
    detectors: Mapping[str, FaceDetector], seed: int, rounds: int, progress: Progress
) -> Dict[str, Dict[str, Any]]:
    """Measure looks at a clip in which three heads move by one face width a second.

    All detectors take their turn at each frame, in an order that moves on, so that all see the same machine. One that searches
    videos is measured twice: as it looks at a picture, and as it looks at the clip.

    Returns
    -------
    dict
        By image and faces, then by detector: ``median`` and ``late``, milliseconds of all threads of this process.
    """
    times: Dict[str, Dict[str, Any]] = {}
    for size in SIZES:
        for faces, share in SHARES.items():
            progress(f"times at {size[0]}x{size[1]}, faces {faces}")
            key = f"{size[0]}x{size[1]}, 3 of {size[1] // share} px"
            times[key] = _times_at(_lookers(detectors), size, size[1] // share, seed, rounds)
    return times


def _times_at(
    lookers: Mapping[str, Callable[[Image, float], object]], size: Size, height: int, seed: int, rounds: int
) -> Dict[str, Any]:
    random = np.random.default_rng([seed, *size, height])
    names, ground = list(lookers), busy_ground(size, random)
    taken: Dict[str, List[float]] = {name: [] for name in names}
    for turn, heads in enumerate(moving_heads(height, 1.0, (WARMING + rounds) / RATE, random, size)):
        image = draw(ground.copy(), heads, random).image
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            begun = time.process_time()
            lookers[name](image, turn / RATE)
            if turn >= WARMING:
                taken[name].append((time.process_time() - begun) * 1e3)
    return {
        name: {"median": float(np.median(one)), "late": float(np.percentile(one, LATE))} for name, one in taken.items()
    }


def _lookers(detectors: Mapping[str, FaceDetector]) -> Dict[str, Callable[[Image, float], object]]:
    lookers: Dict[str, Callable[[Image, float], object]] = {}
    for name, detector in detectors.items():
        search = detector.search()
        if search is None:
            lookers[name] = lambda image, _at, look=detector.detect: look(image)  # type: ignore[misc]
        else:
            lookers[f"{name}, picture"] = lambda image, _at, look=detector.detect: look(image)  # type: ignore[misc]
            lookers[f"{name}, video"] = search.look
    return lookers
