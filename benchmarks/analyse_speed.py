"""How fast recordings are analysed: by one worker, by one for each core, and by a plain loop over `fer_edge.watch`.

    python benchmarks/analyse_speed.py
    python benchmarks/analyse_speed.py --seconds 10 --rounds 1 --sizes 480p
    python benchmarks/analyse_speed.py --seconds 3600 --rounds 1 --sizes 480p --workers-only   # whether memory is flat
    python benchmarks/analyse_speed.py --peer /opt/deepface/bin/python --peer /opt/fer/bin/python   # and other programs

It makes a video of one face that moves (H.264 by PyAV, else MPEG-4 by OpenCV) in each size, and as many links to it as there
are cores, so that all have work whatever the detector. The ways take turns in each round. Times hold the start of the workers;
each figure is a median over the rounds, and ratios are those of medians. Memory is the most that one worker had.

`--peer` names the Python of an environment with another program: its plain loop (`benchmarks/peer_loop.py`) takes its turn over
one of the videos. Its time does not hold its start, and ends after `--peer-seconds`. A peer that no environment has, or that
does not run in it, is named with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from peer_loop import PEERS

import fer_edge
from fer_edge.benchmark.environment import describe_environment
from fer_edge.board.cores import usable_cores
from fer_edge.capture.media.names import has_av
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.recordings.asked import asked_of
from fer_edge.recordings.figures import RunFigures
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.jobs import Asked
from fer_edge.recordings.local_pool import LocalPool
from fer_edge.recordings.run import Run
from fer_edge.settings import Settings
from fer_edge.types import Image

SIZES: Dict[str, Tuple[int, int]] = {"480p": (854, 480), "1080p": (1920, 1080), "4K": (3840, 2160)}
RATE = 30
START_SECONDS = 300
"""For another program to load its libraries and networks."""


class NotMeasured(Exception):
    """A program of others did not run; its words say why."""


@dataclass(frozen=True)
class Measured:
    """One way over one size.

    Attributes
    ----------
    fps : float
        Frames a second, all files together.
    megabytes : float
        The most that one process that analyses had in memory; 0 where nobody looked.
    note : str
        What else is to be known of a program of others.
    """

    fps: float
    megabytes: float = 0.0
    note: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="of each video (default: 30)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--detector", default="auto")
    parser.add_argument("--workers-only", action="store_true", help="leave out the plain loop")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="PYTHON", help="of another program's environment"
    )
    parser.add_argument("--peer-seconds", type=float, default=60.0, help="after which its loop ends (default: 60)")
    options = parser.parse_args()
    cores = usable_cores()
    asked = asked_of(Settings.of(detector=options.detector))
    print("\n".join(f"{name}: {value}" for name, value in describe_environment().items()))
    print(f"\n{cores} files of {options.seconds} s at {RATE} fps, detector {options.detector}, {asked.computes}\n")
    print(f"{'size':6} {'way':12} {'frames/s':>9} {'x real time':>12} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            place = make_files(Path(folder, size), *SIZES[size], options.seconds, cores)
            ways: Dict[str, Callable[[], Measured]] = {
                "1 worker": partial(run, place, asked, 1),
                f"{cores} workers": partial(run, place, asked, cores),
            }
            if not options.workers_only:
                ways["plain loop"] = partial(loop, place, options.detector)
            for name in PEERS if options.peer else ():
                ways[name] = partial(peer, name, options.peer, place / "0.mp4", options.peer_seconds)
            tell(size, measure(ways, options.rounds), cores)
    return 0


def make_files(folder: Path, width: int, height: int, seconds: int, count: int) -> Path:
    """Write one video, and links to it under other names."""
    folder.mkdir()
    first = folder / "0.mp4"
    write = write_h264 if has_av() else write_mpeg4
    write(first, images(width, height, seconds * RATE), width, height)
    for number in range(1, count):
        os.link(first, folder / f"{number}.mp4")
    return folder


def images(width: int, height: int, count: int) -> Iterator[Image]:
    """Yield images of a face, a third as high as the image, that moves before a ground with noise."""
    portrait = cv2.imread(str(PORTRAIT))
    side = height // 3
    face = cv2.resize(portrait[0:300, 80:380], (side, side))
    ground = cv2.resize(
        np.random.default_rng(0).integers(60, 120, (height // 8, width // 8, 3), np.uint8), (width, height)
    )
    for index in range(count):
        image = ground.copy()
        left = round((width - side) * (0.5 + 0.4 * np.sin(index / 40)))
        image[side : 2 * side, left : left + side] = face
        yield image


def write_h264(path: Path, frames: Iterator[Image], width: int, height: int) -> None:
    """Encode by PyAV."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "23", "g": "60"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        out.mux(stream.encode(None))


def write_mpeg4(path: Path, frames: Iterator[Image], width: int, height: int) -> None:
    """Encode by OpenCV."""
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), RATE, (width, height))
    for image in frames:
        out.write(image)
    out.release()


def measure(ways: Dict[str, Callable[[], Measured]], rounds: int) -> Dict[str, Measured]:
    """Take turns, and return the median of each way; of one that does not run no figure, but why."""
    taken: Dict[str, List[Measured]] = {name: [] for name in ways}
    failed: Dict[str, Measured] = {}
    for _ in range(rounds):
        for name in [name for name in ways if name not in failed]:
            try:
                taken[name].append(ways[name]())
            except NotMeasured as error:
                failed[name] = Measured(0.0, note=f"not measured: {error}")
    return {
        name: failed.get(name)
        or Measured(statistics.median(one.fps for one in all_of), max(one.megabytes for one in all_of), all_of[-1].note)
        for name, all_of in taken.items()
    }


def run(place: Path, asked: Asked, workers: int) -> Measured:
    """Analyse as ``fer-edge analyse`` does."""
    most = [0.0]
    with tempfile.TemporaryDirectory() as out, LocalPool(workers) as pool:

        def look(_: RunFigures) -> None:
            most[0] = max(most[0], *map(peak_megabytes, pool.pids), 0.0)

        began = time.perf_counter()
        outcome = Run(find_recordings([str(place)]).recordings, asked, out, pool, look).run()
        taken = time.perf_counter() - began
    if outcome.failures:
        raise SystemExit(f"not analysed: {outcome.failures[0].reason}")
    return Measured(outcome.figures.frames / taken, most[0])


def loop(place: Path, detector: str) -> Measured:
    """Analyse one file after the other in a loop, as a program would write it first."""
    count, began = 0, time.perf_counter()
    for path in sorted(place.iterdir()):
        for observation in fer_edge.watch(path, detector=detector):
            count += observation.frame.index >= 0
    return Measured(count / (time.perf_counter() - began))


def peer(name: str, pythons: Sequence[str], video: Path, seconds: float) -> Measured:
    """Have a program of others loop over a video, in the first environment that has it."""
    package, reasons = PEERS[name][0], []
    for python in pythons:
        look = [python, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"]
        if subprocess.run(look, check=False, timeout=START_SECONDS).returncode:
            reasons.append(f"{python} has no package '{package}'")
            continue
        command = [python, str(Path(__file__).with_name("peer_loop.py")), name, str(video), "--seconds", str(seconds)]
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=START_SECONDS + seconds)
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"it did not end within {START_SECONDS + seconds:.0f} s") from None
        told = json.loads(done.stdout) if done.stdout else {}
        if "fps" in told:
            note = f"{package} {told['version']}, {told['faces']:.2f} faces a frame, {told['frames']} frames"
            return Measured(told["fps"], note=f"{note}; {told['note']}" if told["note"] else note)
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reasons.append(told.get("error") or f"it ended with status {done.returncode}: {last}")
    raise NotMeasured("; ".join(reasons))


def peak_megabytes(pid: int) -> float:
    """Return the most that a process had in memory; 0 where the kernel does not tell, or it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def tell(size: str, measured: Dict[str, Measured], cores: int) -> None:
    for name, one in measured.items():
        memory = f"{one.megabytes:6.0f}" if one.megabytes else f"{'-':>6}"
        figures = f"{one.fps:9.1f} {one.fps / RATE:12.2f} {memory}" if one.fps else ""
        print(f"{size:6} {name:12} {figures}  {one.note}".rstrip())
    one, all_of = measured["1 worker"].fps, measured[f"{cores} workers"].fps
    print(f"{size:6} all / ({cores} x one): {all_of / (cores * one):.2f}", end="")
    others = [name for name in ("plain loop", *PEERS) if name in measured and measured[name].fps]
    print("".join(f"; all / {name}: {all_of / measured[name].fps:.2f}" for name in others))


if __name__ == "__main__":
    sys.exit(main())
