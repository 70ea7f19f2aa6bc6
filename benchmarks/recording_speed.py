"""How long the recording of one image takes, by each encoder that this machine has.

    python benchmarks/recording_speed.py
    python benchmarks/recording_speed.py --size 1280x720 --frames 300

The images are those of the built-in demo, which move. Each goes through the whole sink but for the drawing: conversion, encoder
and file. Beside the time of one image stand the processor's, of this process and of a program that encodes, and the bytes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2

from fer_edge.benchmark.environment import describe_environment
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.sinks.base import StreamInfo
from fer_edge.sinks.video.encoders import H264, EncoderKind, look
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Frame, Image, Observation, Rates


class Undrawn:
    """In place of an overlay: the image as it is."""

    bars = False

    def draw(self, image: Image, *_: Any, **__: Any) -> Image:
        """Return it."""
        return image


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480", metavar="WxH")
    parser.add_argument("--frames", type=int, default=150)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    if options.frames < 2:
        parser.error("--frames must be at least 2")
    images = demo(options.frames, width, height)
    print("\n".join(f"{name}: {value}" for name, value in describe_environment().items()))
    print(f"\n{width}x{height}, {options.frames} images\n")
    print(f"{'encoder':44} {'ms median':>9} {'ms p90':>7} {'CPU ms':>7} {'kB/image':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in H264:
            name, reasons = look([kind])
            if name:
                tell(name, measure(Path(folder, "out.mp4"), images, [kind]))
            else:
                print(f"{kind.name:44} not here: {reasons[kind.name]}")
        tell("MPEG-4 Part 2 by OpenCV", measure(Path(folder, "out.mp4"), images, []))
        tell("Motion JPEG by OpenCV", measure(Path(folder, "out.avi"), images, []))
    return 0


def demo(count: int, width: int, height: int) -> List[Image]:
    """Return images of the demo in a size."""
    images = []
    with open_source("demo:2", CaptureSettings(paced=False)) as source:
        for _ in range(count):
            source.grab()
            image: Optional[Image] = source.retrieve()
            images.append(cv2.resize(image, (width, height)))
    return images


def measure(path: Path, images: Sequence[Image], encoders: Sequence[EncoderKind]) -> Tuple[float, float, float, float]:
    """Return the median and the 90th percentile of an image's milliseconds, its processor's, and its kilobytes."""
    path.unlink(missing_ok=True)
    sink = VideoSink(path, overlay=Undrawn(), encoders=encoders)  # type: ignore[arg-type]
    sink.open(StreamInfo("demo", images[0].shape[1], images[0].shape[0], 30.0, live=False))
    taken = []
    used = 0.0
    for index, image in enumerate(images):
        frame = Frame(index, time.monotonic(), datetime.now(timezone.utc), image, "demo", index / 30)
        begun = time.perf_counter()
        sink.write(Observation(frame), Rates())
        if index:
            taken.append(1000 * (time.perf_counter() - begun))
        else:
            used = processor_seconds()  # the first opens the encoder
    sink.close()
    used = processor_seconds() - used
    percentiles = statistics.quantiles(taken, n=10)
    return statistics.median(taken), percentiles[8], 1000 * used / len(taken), path.stat().st_size / len(images) / 1000


def processor_seconds() -> float:
    """Return what this process and the children that have ended have used."""
    return sum(os.times()[:4])


def tell(name: str, measured: Tuple[float, float, float, float]) -> None:
    print(f"{name:44} {measured[0]:9.2f} {measured[1]:7.2f} {measured[2]:7.2f} {measured[3]:9.2f}")


if __name__ == "__main__":
    sys.exit(main())
