"""What a history costs: processor time of its sink for a camera's frames, and bytes on the disk.

    python benchmarks/history_cost.py --minutes 10 --faces 3

Frames of 30 a second are given to the sink as fast as it takes them, with faces that each change their expression every five
seconds; their times are those of a real run, so there is a batch a second.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import datetime, timedelta, timezone

import numpy as np

from fer_edge.settings import Settings
from fer_edge.sinks import SinkRequest, StreamInfo
from fer_edge.sinks.history.reading import size_of
from fer_edge.sinks.history.sink import HistorySink
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Observation, ObservedFace, Rates, Track

FPS = 30
START = datetime(2026, 11, 26, 10, tzinfo=timezone.utc)
IMAGE = np.zeros((8, 8, 3), np.uint8)


def expression(label: str) -> Expression:
    probabilities = np.full(len(LABELS), 0.05, np.float32)
    probabilities[LABELS.index(label)] = 0.7
    return Expression(probabilities, label, 0.7, False)


EXPRESSIONS = [expression(label) for label in LABELS]


def observation(index: int, faces: int) -> Observation:
    at = index / FPS
    seen = []
    for number in range(faces):
        turn, since = divmod(at + number, 5.0)
        shown = EXPRESSIONS[int(turn) % len(EXPRESSIONS)]
        box = Box(60.0 * number, 20.0, 50.0, 60.0)
        seen.append(ObservedFace(Face(box, 0.9, {}), shown, Track(number + 1, at, shown, min(since, at))))
    return Observation(Frame(index, at, START + timedelta(seconds=at), IMAGE, "camera"), tuple(seen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--faces", type=int, default=3)
    parser.add_argument("--folder", help="where the file lies; that of temporary files when left out")
    options = parser.parse_args()
    now = 0.0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = os.path.join(folder, "cost.db")
        sink = HistorySink(
            SinkRequest(path, Settings.of(history=path).history), lambda: now, lambda: START.timestamp() + now
        )
        sink.open(StreamInfo("camera"))
        spent, longest, count = 0.0, 0.0, int(options.minutes * 60 * FPS)
        for index in range(count):
            seen, now = observation(index, options.faces), index / FPS
            begun, by_clock = time.process_time(), time.perf_counter()
            sink.write(seen, Rates())
            spent += time.process_time() - begun
            longest = max(longest, time.perf_counter() - by_clock)
        sink.close()
        share = spent / (count / FPS)
        print(
            f"{count} frames with {options.faces} faces: {spent / count * 1e6:.0f} µs of processor time for each, "
            f"{100 * share:.2f} % of a core at {FPS} frames/s; the longest write took {longest * 1e3:.1f} ms; "
            f"{size_of(path) / options.minutes * 60 * 24 / 1e6:.1f} MB a day"
        )


if __name__ == "__main__":
    main()
