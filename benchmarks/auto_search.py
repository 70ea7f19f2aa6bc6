"""How well `--detector auto` searches videos: who is found and when, what is found where nobody is, and what it costs.

    python benchmarks/auto_search.py                             made videos; some minutes
    python benchmarks/auto_search.py --quick                     fewer of them, within a minute or two
    python benchmarks/auto_search.py --clips DIR --yunet FILE    also clips of people, against YuNet on an input of 640
    python benchmarks/auto_search.py --only people crowd         some of the tables

The videos are made from the demo's portrait (see `detector_scenes.py`): three heads at rest or moving by up to a face height
a second, on plain and busy grounds, up to 45 frames at 15 a second. Times are processor time of one thread, of
detectors that take turns at the same frames. "Short" and "full" are the two networks on the whole frame.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from detector_grounds import GROUNDS, Size
from detector_recall import judge
from detector_scenes import Scene
from detector_suite import suite
from search_videos import APPEARS, EMPTY_KINDS, FRAMES, RATE, emptied, nobody, people, randomness, read_clips

from fer_edge.detect.auto import AutoDetector
from fer_edge.detect.base import FaceSearch
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.errors import FerEdgeError, UsageError
from fer_edge.types import Box, Face, Image

SIZES: Tuple[Size, ...] = ((640, 480), (1920, 1080))
HEIGHTS = (60, 40, 30)
SPEEDS = (0.0, 1.0)
SOON = 0.5
"""Seconds within which a new face is to be found."""
CROWD = 20
AT_ONCE = 20
"""Frames of a video with those who are there at once: what is missed in the first is told of, and whether the others stay."""


class Bench:
    """The detectors that are compared.

    Parameters
    ----------
    seed : int
        Another one makes other videos.
    quick : bool
        Fewer videos.
    """

    def __init__(self, seed: int, quick: bool) -> None:
        self.seed, self.quick = seed, quick
        self.auto = AutoDetector()
        self.short, self.full = BlazeFaceDetector("short"), BlazeFaceDetector("full")

    def close(self) -> None:
        """Close them."""
        for detector in (self.auto, self.short, self.full):
            detector.close()


def _boxes(faces: Sequence[Face]) -> List[Box]:
    return [face.box for face in faces]


def _timed(look: Callable[[], Sequence[Face]]) -> Tuple[Sequence[Face], float]:
    begun = time.process_time()
    return look(), (time.process_time() - begun) * 1e3


def measure_people(bench: Bench) -> None:
    """Print who is found in a first frame, when new ones are, and whether they are told in each frame from then on."""
    print(f"\n| | faces of | in the first frame | new, within {SOON} s | slowest | lost later | two on a head, false |")
    print("|---|---|---|---|---|---|---|")
    for size in SIZES:
        for height in HEIGHTS:
            total: Counter[str] = Counter()
            slowest = 0
            for ground in GROUNDS:
                for speed in SPEEDS[-1:] if bench.quick else SPEEDS:
                    for new in (False, True):
                        words = (size, height, ground, speed, new)
                        video = people(
                            ground,
                            size,
                            height,
                            speed,
                            randomness(bench.seed, *words),
                            new=new,
                            frames=FRAMES if new else AT_ONCE,
                        )
                        first, missing, wrong = _follow(bench.auto.search(), video)
                        late = [at - APPEARS if new else at for at in first]
                        total["new" if new else "all"] += len(first)
                        total["in time" if new else "at once"] += sum(
                            at is not None and at <= (SOON * RATE if new else 0) for at in late
                        )
                        slowest = max([slowest, *late]) if new else slowest
                        total["lost"] += missing
                        total["wrong"] += wrong
            print(
                f"| {size[0]} x {size[1]} | {height} px | {total['at once']} of {total['all']} | "
                f"{total['in time']} of {total['new']} | {slowest / RATE:.2f} s | {total['lost']} | {total['wrong']} |",
                flush=True,
            )


def _follow(search: FaceSearch, video: Iterator[Scene]) -> Tuple[List[int], int, int]:
    """Return the frame in which each head is found first, how often one was missing later, and what was told wrongly."""
    first: Dict[int, int] = {}
    missing = wrong = heads = number = 0
    for number, scene in enumerate(video):
        outcome = judge(_boxes(search.look(scene.image, number / RATE)), scene.faces)
        heads = max(heads, len(scene.faces))
        for head, found in enumerate(outcome.found):
            missing += head in first and not found
            if found:
                first.setdefault(head, number)
        wrong += outcome.false + outcome.doubled
    return [first.get(head, number + 1) for head in range(heads)], missing, wrong


def measure_cost(bench: Bench) -> None:
    """Print the processor time of a frame after the first, and of a first frame."""
    rows = [(1, 200, (640, 480)), (1, 60, (640, 480)), (3, 60, (1920, 1080)), (CROWD, 40, (1920, 1080))]
    print("\n| faces | | first frame | a frame, mean | median | short | full | mean of full | not told |")
    print("|---|---|---|---|---|---|---|---|---|")
    for count, height, size in rows:
        for speed in (0.0, 1.0):
            search, taken, shorts, fulls, missing, faces = bench.auto.search(), [], [], [], 0, 0
            video = people("busy", size, height, speed, randomness(bench.seed, "cost", count, height), count=count)
            for number, scene in enumerate(video):
                image = scene.image
                found, spent = _timed(lambda search=search, image=image, at=number / RATE: search.look(image, at))
                taken.append(spent)
                shorts.append(_timed(lambda image=image: bench.short.detect(image))[1])
                fulls.append(_timed(lambda image=image: bench.full.detect(image))[1])
                outcome = judge(_boxes(found), scene.faces)
                missing += outcome.found.count(False)
                faces += len(outcome.found)
            mean, full = statistics.mean(taken[1:]), statistics.median(fulls)
            print(
                f"| {count} of {height} px, {size[0]} x {size[1]} | {'moving' if speed else 'at rest'} | {taken[0]:.0f} ms "
                f"| {mean:.1f} ms | {statistics.median(taken[1:]):.1f} ms | {statistics.median(shorts):.1f} ms "
                f"| {full:.1f} ms | {mean / full:.2f} | {missing} of {faces} |",
                flush=True,
            )


def measure_empty(bench: Bench, clips: Sequence[Tuple[str, List[Image]]]) -> None:
    """Print how many faces are told in videos without any."""
    videos, frames = (1, 30) if bench.quick else (4, 36)
    print(f"\n| {videos} videos of {frames} frames without anybody | frames | auto | short | full |")
    print("|---|---|---|---|---|---|")
    sums: Counter[str] = Counter()
    named = [
        (kind, [nobody(kind, frames, randomness(bench.seed, kind, video)) for video in range(videos)])
        for kind in EMPTY_KINDS
    ]
    for name, cut in clips:
        named.append((name, [iter(cut)]))
    for kind, all_of in named:
        count: Counter[str] = Counter()
        for video in all_of:
            search = bench.auto.search()
            for number, image in enumerate(video):
                count["frames"] += 1
                count["auto"] += len(search.look(image, number / RATE))
                count["short"] += len(bench.short.detect(image))
                count["full"] += len(bench.full.detect(image))
        sums.update(count)
        print(f"| {kind} | {count['frames']} | {count['auto']} | {count['short']} | {count['full']} |", flush=True)
    print(f"| all | {sums['frames']} | {sums['auto']} | {sums['short']} | {sums['full']} |", flush=True)


def measure_doubles(bench: Bench) -> None:
    """Print in how many pictures of one head two boxes lie on it."""
    print("\n| one head | pictures | auto: two boxes | false | short: two boxes | false |\n|---|---|---|---|---|---|")
    for group in suite(bench.seed, quick=True):
        if group.table == "double":
            count: Counter[str] = Counter()
            for number, scene in enumerate(group.scenes()):
                if bench.quick and number >= 10:
                    break
                count["pictures"] += 1
                for name, detector in (("auto", bench.auto), ("short", bench.short)):
                    outcome = judge(_boxes(detector.detect(scene.image)), scene.faces)
                    count[name] += outcome.doubled
                    count[f"{name} false"] += outcome.false
            figures = " | ".join(str(count[one]) for one in ("pictures", "auto", "auto false", "short", "short false"))
            print(f"| {group.key['heads']} | {figures} |", flush=True)


def measure_clips(bench: Bench, clips: Sequence[Tuple[str, List[Image], List[List[Box]]]]) -> None:
    """Print in how many frames all are told whom YuNet finds there."""
    print("\n| clip | YuNet's faces told | frames with all of them | others told | short |\n|---|---|---|---|---|")
    for name, frames, known in clips:
        search, whole, told, faces, others, short = bench.auto.search(), 0, 0, 0, 0, 0
        for number, (image, boxes) in enumerate(zip(frames, known)):
            outcome = judge(_boxes(search.look(image, number / RATE)), boxes)
            whole += all(outcome.found)
            told, faces, others = told + sum(outcome.found), faces + len(boxes), others + outcome.false
            short += sum(judge(_boxes(bench.short.detect(image)), boxes).found)
        print(f"| {name} | {told} of {faces} | {whole} of {len(frames)} | {others} | {short} |", flush=True)


def measure_speed(seconds: float, rounds: int) -> None:
    """Print the frames a second of whole runs on the demo."""
    rates: Dict[str, List[float]] = {"auto": [], "blazeface": []}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        for turn in range(rounds):
            for name in ("auto", "blazeface") if turn % 2 else ("blazeface", "auto"):
                command = [sys.executable, "-m", "fer_edge", "--benchmark", "--detector", name]
                command += ["--duration", str(seconds), "--report", str(report)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60 + 10 * seconds)
                rates[name].append(json.loads(report.read_text(encoding="utf-8"))["results"][0]["fps"]["total"])
                report.unlink()
    auto, short = (statistics.median(rates[name]) for name in ("auto", "blazeface"))
    print(
        f"\nThe demo: {auto:.1f} frames a second with auto, {short:.1f} with blazeface ({auto / short:.2f}).",
        flush=True,
    )


TABLES = ("people", "cost", "empty", "doubles", "clips", "speed")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer videos, for a first look")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other videos (default: 0)")
    parser.add_argument("--clips", type=Path, metavar="FOLDER", help="clips of people; needs --yunet")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help="YuNet, as fer-edge models pull yunet fetches it")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES, metavar="TABLE", help=", ".join(TABLES))
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except FerEdgeError as error:
        print(f"auto_search: {error}", file=sys.stderr)
        return error.exit_code


def _run(options: argparse.Namespace) -> int:
    if options.seed < 0:
        raise UsageError(f"The seed {options.seed} is negative.", "Give 0 or more.")
    if (options.clips is None) != (options.yunet is None):
        raise UsageError("Clips are compared with YuNet.", "Give both --clips and --yunet, or neither.")
    clips = read_clips(options.clips, options.yunet) if options.clips is not None else []
    with closing(Bench(options.seed, options.quick)) as bench:
        if "people" in options.only:
            measure_people(bench)
        if "cost" in options.only:
            measure_cost(bench)
        if "empty" in options.only:
            measure_empty(bench, [one for name, frames, known in clips for one in _empty_parts(name, frames, known)])
        if "doubles" in options.only:
            measure_doubles(bench)
        if "clips" in options.only and clips:
            measure_clips(bench, clips)
    if "speed" in options.only:
        measure_speed(*((3, 3) if options.quick else (6, 5)))
    return 0


def _empty_parts(name: str, frames: List[Image], known: List[List[Box]]) -> List[Tuple[str, List[Image]]]:
    corners = [(x, y, x + width, y + height) for boxes in known for x, y, width, height in boxes]
    return [(f"{name}, {part}", cut) for part, cut in emptied(frames, np.array(corners, float).reshape(-1, 4)).items()]


if __name__ == "__main__":
    raise SystemExit(main())
