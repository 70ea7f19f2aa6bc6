"""How long it takes to follow the faces of a frame, without reading them and without the frame's other work.

    python benchmarks/tracking_speed.py
    python benchmarks/tracking_speed.py --frames 5000 --size 1920x1080

Faces move past each other, and every fifth is missed, so that pairs are contested and some are hidden. The part of the frame
that is read for cuts in the video is in the time; what reads expressions over time is replaced by one that does nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import List, Tuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.benchmark.environment import describe_environment
from fer_edge.track.reading import Reading, Steady
from fer_edge.track.tracker import FaceTracker
from fer_edge.types import Box, Expression, Face, Frame, Image, Observation, ObservedFace

CROWDS = (1, 3, 8, 64)
RATE = 15.0
NEUTRAL = Expression(np.eye(7, dtype=np.float32)[4], "neutral", 1.0, False)
POINTS = {"right_eye": (0.3, 0.35), "left_eye": (0.7, 0.35), "nose": (0.5, 0.55), "mouth": (0.5, 0.75)}


class NoReading(Reading):
    """Takes what a frame shows for steady."""

    def __init__(self) -> None:
        pass

    def update(self, seen: Expression, at: float) -> Steady:
        """Take it."""
        return Steady(seen, at)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--size", default="640x480", metavar="WxH")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    environment = describe_environment()
    print(
        f"{environment['cpu']}, Python {environment['python']}, {width}x{height}, {options.frames} frames each; milliseconds"
    )
    for crowd in CROWDS:
        taken = timed(crowd, options.frames, (width, height))
        p90 = sorted(taken)[int(0.9 * len(taken))]
        print(f"{crowd:3} faces  median {statistics.median(taken):6.3f}  p90 {p90:6.3f}")
    return 0


def timed(crowd: int, frames: int, size: Tuple[int, int]) -> List[float]:
    """Milliseconds of each frame but the first twenty."""
    random = np.random.default_rng(0)
    tracker = FaceTracker(make_reading=NoReading)
    image = random.integers(0, 256, (size[1], size[0], 3), np.uint8)
    taken = []
    for index in range(frames + 20):
        observation = seen(crowd, index, random, image)
        started = time.perf_counter()
        tracker.follow(observation)
        taken.append((time.perf_counter() - started) * 1e3)
    return taken[20:]


def seen(crowd: int, index: int, random: np.random.Generator, image: Image) -> Observation:
    """Faces in rows of eight, every other one on its way to its neighbour's place and back."""
    at = index / RATE
    faces = []
    for number in range(crowd):
        if (index + number) % 5 == 4:
            continue
        swing = 60.0 * np.sin(at + number % 2 * np.pi)
        left, top = 70.0 * (number % 8) + float(swing), 60.0 * (number // 8)
        box = Box(*(np.array((left, top, 60.0, 60.0)) + random.normal(0.0, 1.0, 4)).tolist())
        landmarks = {name: (box.x + x * box.width, box.y + y * box.height) for name, (x, y) in POINTS.items()}
        faces.append(ObservedFace(Face(box, float(random.uniform(0.5, 1.0)), landmarks), NEUTRAL))
    frame = Frame(index, at, datetime.now(timezone.utc), image, media_time=at)
    return Observation(frame, tuple(faces))


if __name__ == "__main__":
    sys.exit(main())
