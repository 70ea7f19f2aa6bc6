"""How small a face may be: the demo's portrait on a plain ground, smaller and smaller, at several sizes of image.

Prints, for each detector and size, the height of the smallest face (its box as the detector gives it at full size, scaled)
that is still found at each of nine places, in pixels and as a share of the image's longer side and height.
"""

from __future__ import annotations

import argparse
import math
from contextlib import closing
from typing import List, Tuple

import cv2
import numpy as np

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.registry import DEFAULT_DETECTOR
from fer_edge.types import Box, Image

SIZES = {f"{width}x{height}": (width, height) for width, height in ((640, 480), (1280, 720), (1920, 1080), (720, 1280))}
GROUND = 110
STEP = 0.96
AROUND = 2.2
"""How much of the portrait is used, in heights of the face: the hair is in it."""


def cut_out(portrait: Image, box: Box) -> Image:
    """Return the square around a face, `AROUND` times as high as its box."""
    side = round(AROUND * box.height)
    left, top = round(box.x + box.width / 2 - side / 2), round(box.y + box.height / 2 - 0.55 * side)
    return portrait[max(0, top) : top + side, max(0, left) : left + side]


def placed(portrait: Image, size: Tuple[int, int], side: int, across: float, down: float) -> Image:
    """Return the portrait, `side` pixels wide, on a plain image of `size`, so far across and down (0 to 1)."""
    image = np.full((size[1], size[0], 3), GROUND, np.uint8)
    left, top = round(across * (size[0] - side)), round(down * (size[1] - side))
    image[top : top + side, left : left + side] = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    return image


def smallest(
    detector: FaceDetector, portrait: Image, share: float, size: Tuple[int, int], largest: float = math.inf
) -> float:
    """Return the height in pixels of the smallest face that is found at all places; 0 where none is."""
    found, side = 0.0, min(float(min(size)), largest / share)
    while side > 16:
        places = [(x, y) for x in (0.1, 0.5, 0.9) for y in (0.1, 0.5, 0.9)]
        if not all(detector.detect(placed(portrait, size, round(side), *place)) for place in places):
            break
        found, side = share * side, side * STEP
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", action="append", help=f"may be given several times ({DEFAULT_DETECTOR})")
    parser.add_argument("--size", action="append", choices=SIZES, help="may be given several times (all)")
    parser.add_argument("--largest", type=float, default=math.inf, help="begin with faces of this height, in pixels")
    options = parser.parse_args()
    names: List[str] = options.detector or [DEFAULT_DETECTOR]
    portrait = cv2.imread(str(PORTRAIT))
    for name in names:
        with closing(open_detector(name)) as detector:
            (face, *_) = detector.detect(portrait)
            head, share = cut_out(portrait, face.box), 1 / AROUND
            for size in (SIZES[name] for name in options.size or SIZES):
                height = smallest(detector, head, share, size, options.largest)
                if not height:
                    print(f"{name:10} {size[0]}x{size[1]}: not even the largest one")
                    continue
                parts = f"1/{max(size) / height:.1f} of the longer side, 1/{size[1] / height:.1f} of the height"
                print(f"{name:10} {size[0]}x{size[1]}: {height:.0f} px, {parts}", flush=True)


if __name__ == "__main__":
    main()
