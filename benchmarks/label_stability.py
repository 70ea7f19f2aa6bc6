"""How often a face's label changes, frame by frame and steadily, and how soon a true change shows.

    python benchmarks/label_stability.py clip.mp4 other.gif
    python benchmarks/label_stability.py --detector blazeface-full --half-life 0.5 clip.mp4

Of the videos, each face that is followed for a second or more has a line. The made streams follow: a face that moves to and fro
between two expressions, whose true changes are known, and one that stays between them; then the time from a change to the
frame that shows it. Their noise is that of the videos (standard deviation of the log-probabilities around their mean over
0.75 s): 0.35 on faces whose box is 60 to 90 pixels high, 0.7 on faces of 25.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from fer_edge.app.session import build_session
from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify.answer import answer
from fer_edge.settings import Settings
from fer_edge.track.reading import HALF_LIFE, Reading
from fer_edge.types import LABELS

Numbers = NDArray[np.float64]
FPS = 15.0
UNCERTAIN_BELOW = 0.4
SHORTEST = 1.0
"""Seconds for which a face of a video is followed at the least."""
ONE, OTHER = LABELS.index("neutral"), LABELS.index("happy")


class Seen(NamedTuple):
    """One face in one frame."""

    at: float
    raw: str
    steady: str


def changes(labels: Sequence[str]) -> int:
    return sum(one != other for one, other in zip(labels, labels[1:]))


def faces_of(video: str, options: argparse.Namespace) -> Dict[int, List[Seen]]:
    """Return what each face of a video showed, by the id of its track."""
    settings = Settings.of(camera=video, detector=options.detector, model=options.model, half_life=options.half_life)
    faces: Dict[int, List[Seen]] = {}
    for observation in build_session(settings):
        at = observation.frame.media_time or 0.0
        for face in observation.faces:
            if face.track is not None:
                seen = Seen(at, face.expression.label, face.track.expression.label)
                faces.setdefault(face.track.id, []).append(seen)
    return {number: seen for number, seen in faces.items() if seen[-1].at - seen[0].at >= SHORTEST}


def steady_labels(probabilities: Numbers, times: Numbers, half_life: float) -> List[str]:
    reading = Reading(half_life)
    rows = probabilities.astype(np.float32)
    return [reading.update(answer(row, UNCERTAIN_BELOW), at).expression.label for row, at in zip(rows, times.tolist())]


def noisy(levels: Numbers, spread: float, random: np.random.Generator) -> Numbers:
    """Return probabilities whose logarithms are these levels with noise."""
    powers = np.exp(levels + random.normal(0, spread, levels.shape))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def between(swing: float, seconds: float, spread: float, half_life: float, random: np.random.Generator) -> List[int]:
    """Return how often the label of a face between two expressions changes, raw and steadily.

    Its log-odds swing by so much to both sides, once in 8 seconds; so 0 is a face that stays between.
    """
    times = np.arange(seconds * FPS) / FPS
    levels = np.full((len(times), len(LABELS)), -3.0)
    levels[:, OTHER] = swing / 2 * np.sin(2 * np.pi * times / 8)
    levels[:, ONE] = -levels[:, OTHER]
    probabilities = noisy(levels, spread, random)
    raw = [LABELS[index] for index in probabilities.argmax(1)]
    return [changes(raw), changes(steady_labels(probabilities, times, half_life))]


def latency(
    sure: float, left: float, spread: float, fps: float, half_life: float, random: np.random.Generator
) -> float:
    """Return the seconds from a change at a random moment between two frames to the frame that shows it.

    The old label had 0.99. The new one gets `sure`, the old one keeps `left`, the others share the rest. 4 where it never
    shows.
    """
    times = (np.arange(6 * fps) + random.random()) / fps
    before = np.full(len(LABELS), 0.01 / 6)
    before[ONE] = 0.99
    after = np.full(len(LABELS), max((1 - sure - left) / 5, 1e-4))
    after[OTHER], after[ONE] = sure, left
    levels = np.log(np.where((times >= 2.0)[:, None], after, before))
    labels = steady_labels(noisy(levels, spread, random), times, half_life)
    shown = [at for at, label in zip(times.tolist(), labels) if at >= 2.0 and label == LABELS[OTHER]]
    return shown[0] - 2.0 if shown else 4.0


def cost_us(frames: int = 500) -> float:
    """Return the microseconds of one face in one frame, in the quietest of 20 rounds."""
    rows = np.random.default_rng(0).dirichlet(np.ones(len(LABELS)), frames).astype(np.float32)
    seen = [answer(row, UNCERTAIN_BELOW) for row in rows]
    rounds = []
    for _ in range(20):
        reading, begun = Reading(), time.perf_counter()
        for index, expression in enumerate(seen):
            reading.update(expression, index / FPS)
        rounds.append((time.perf_counter() - begun) / frames * 1e6)
    return min(rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", metavar="VIDEO")
    parser.add_argument("--detector", default=Settings().analysis.detector)
    parser.add_argument("--model", default=Settings().analysis.model)
    parser.add_argument("--half-life", type=float, default=HALF_LIFE)
    options = parser.parse_args()
    print("\n".join(f"{name}: {value}" for name, value in describe_environment().items()))
    print(f"detector: {options.detector}\nmodel: {options.model}\nhalf-life: {options.half_life:g} s\n")
    if options.videos:
        print(
            f"{'label changes':44} {'face':>4} {'frames':>6} {'raw':>5} {'steady':>6} {'raw/100':>8} {'steady/100':>10}"
        )
    sums = [0, 0, 0]
    for video in options.videos:
        name = Path(video).name
        for number, seen in faces_of(video, options).items():
            row = [len(seen), changes([one.raw for one in seen]), changes([one.steady for one in seen])]
            sums = [total + new for total, new in zip(sums, row)]
            print(line(f"{name:44} {number:4}", row))
    if options.videos:
        print(line(f"{'all':44} {'':4}", sums))

    random = np.random.default_rng(0)
    print(f"\nmade streams, 400 s at {FPS:g} frames/s")
    for spread in (0.35, 0.7):
        for swing, what in ((6.0, "to and fro, 100 true changes"), (2.0, "the same, less far"), (0.0, "in between")):
            row = [int(400 * FPS), *between(swing, 400.0, spread, options.half_life, random)]
            print(line(f"{what}, noise {spread:g}".ljust(44) + " " * 5, row))
    print(
        f"\n{'seconds until a change shows, 200 changes':44} {'frames/s':>8} {'noise':>6} {'median':>7} {'p95':>6} {'max':>6}"
    )
    for sure, left in ((0.99, 0.001), (0.6, 0.07), (0.6, 0.4)):
        for fps, spread in ((15.0, 0.0), (15.0, 0.35), (15.0, 0.7), (30.0, 0.35), (10.0, 0.35)):
            found = [latency(sure, left, spread, fps, options.half_life, random) for _ in range(200)]
            figures = f"{np.median(found):7.2f} {np.quantile(found, 0.95):6.2f} {max(found):6.2f}"
            print(f"{f'from 0.99 to {sure:g}, the old one at {left:g}':44} {fps:8g} {spread:6g} {figures}")
    print(f"\none face in one frame: {cost_us():.1f} us")
    return 0


def line(what: str, row: Sequence[int]) -> str:
    frames, raw, steady = row
    rates = f"{raw / max(frames, 1) * 100:8.1f} {steady / max(frames, 1) * 100:10.1f}"
    return f"{what} {frames:6} {raw:5} {steady:6} {rates}"


if __name__ == "__main__":
    sys.exit(main())
