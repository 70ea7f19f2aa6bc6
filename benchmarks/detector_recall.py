"""How well each detector finds faces: by size, roll, light and motion, and how often it finds one where there is none.

    python benchmarks/detector_recall.py                                all detectors that can run here; some minutes
    python benchmarks/detector_recall.py --quick blazeface              fewer and coarser figures, within a minute
    python benchmarks/detector_recall.py --json before.json --seed 0    the figures, to compare later ones with
    python benchmarks/detector_recall.py --images made                  some of the images of each kind, to look at

YuNet takes part where `fer-edge models pull yunet` has fetched it, and mediapipe's where that package is installed.

The images are made from the demo's portrait and are the same for the same seed and libraries ("images" in the JSON is a
checksum). A face is as high as from the brows to the chin, which is the box that BlazeFace short-range gives the portrait.

A box that was found is that of a true face where their middles lie within half a face height of each other and they share
30 % of the area that both take (intersection over union); the best pair first, each box and each face once. A box lies on a
head where its middle is within three quarters of a face height of the face's. The time is that of the detector alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import zlib
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from detector_grounds import busy_ground
from detector_scenes import draw, place
from detector_suite import SIZES, VIEW, Group, suite
from detector_tables import tables

from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify.heads import one_for_each_head, shares
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.registry import DETECTORS, open_detector
from fer_edge.errors import FerEdgeError, LibraryUnusable, MissingExtra, ModelNotFound, OutputNotWritable, UsageError
from fer_edge.types import Box, Image

NEAR_ENOUGH = 0.5
"""Face heights from the middle of a true face within which a box's middle lies that is its."""
LEAST_SHARE = 0.3
"""Intersection over union of a box and the true face that it is of."""
ON_HEAD = 0.75
"""Face heights within which the middle of a box lies that is on a head."""
SHOWN = 2
"""Images of each group that are written for people."""


class Outcome(NamedTuple):
    """What a detector made of one image.

    Attributes
    ----------
    found : list of bool
        For each true face.
    false : int
        Boxes that lie on no head.
    doubled : bool
        Whether two boxes lie on one head.
    """

    found: List[bool]
    false: int
    doubled: bool


@dataclass
class Tally:
    """What a detector made of a group of images.

    Attributes
    ----------
    frames, faces : int
        How many there were.
    found : int
        Faces.
    by_head : list of list of int
        Images and findings of each head; of use where images are those of clips, in which heads stay the same.
    false : int
        Boxes on no head.
    doubled, doubled_after : int
        Images with two boxes on one head: from the detector, and after fer-edge has joined what is one head.
    """

    frames: int = 0
    faces: int = 0
    found: int = 0
    by_head: List[List[int]] = field(default_factory=list)
    false: int = 0
    doubled: int = 0
    doubled_after: int = 0

    def add(self, outcome: Outcome, after: Outcome, first: int = 0) -> None:
        """Count one image.

        Parameters
        ----------
        outcome : Outcome
            Of the boxes as they were detected.
        after : Outcome
            Of what is left of them when fer-edge has joined what is one head.
        first : int
            The number of the first face's head.
        """
        self.frames += 1
        self.faces += len(outcome.found)
        self.found += sum(outcome.found)
        for number, seen in enumerate(outcome.found, first):
            self.by_head += [[0, 0]] * (number + 1 - len(self.by_head))
            images, found = self.by_head[number]
            self.by_head[number] = [images + 1, found + seen]
        self.false += outcome.false
        self.doubled += outcome.doubled
        self.doubled_after += after.doubled


def judge(found: Sequence[Box], true: Sequence[Box]) -> Outcome:
    """Compare the boxes of one image with its true faces."""
    pairs = sorted(
        ((shares(box, face)[1], number, index) for number, face in enumerate(true) for index, box in enumerate(found)
         if _apart(box, face) <= NEAR_ENOUGH),
        reverse=True,
    )  # fmt: skip
    taken: Dict[int, int] = {}
    for share, number, index in pairs:
        if share >= LEAST_SHARE and number not in taken and index not in taken.values():
            taken[number] = index
    on_heads = [[_apart(box, face) <= ON_HEAD for face in true] for box in found]
    return Outcome(
        [number in taken for number in range(len(true))],
        sum(not any(one) for one in on_heads),
        any(sum(column) > 1 for column in zip(*on_heads)),
    )


def measure(
    groups: Sequence[Group], detectors: Mapping[str, FaceDetector], images: Optional[Path] = None
) -> Dict[str, Any]:
    """Show every image of the groups to every detector.

    Returns
    -------
    dict
        ``images``, the checksum of all images, and ``groups``: for each its table, its key, and a tally by detector.
    """
    checksum, results = 0, []
    for number, group in enumerate(groups):
        _tell(f"{number + 1} of {len(groups)}: {group.name}")
        tallies = {name: Tally() for name in detectors}
        for index, scene in enumerate(group.scenes()):
            checksum = zlib.crc32(scene.image.tobytes(), checksum)
            if images is not None and index < SHOWN:
                _write(images / f"{group.name}-{index}.png", scene.image)
            for name, detector in detectors.items():
                faces = detector.detect(scene.image)
                boxes, left = [face.box for face in faces], [face.box for face in one_for_each_head(faces)]
                tallies[name].add(judge(boxes, scene.faces), judge(left, scene.faces), scene.first)
        found = {name: asdict(tally) for name, tally in tallies.items()}
        results.append({"table": group.table, "key": dict(group.key), "detectors": found})
    return {"images": f"{checksum:08x}", "groups": results}


def measure_times(detectors: Mapping[str, FaceDetector], seed: int, rounds: int) -> Dict[str, Dict[str, float]]:
    """Return the median milliseconds of an image with three faces by its size, then by detector.

    All detectors take their turn in each round, in an order that moves on, so that all see the same machine.
    """
    names, medians = list(detectors), {}
    for size in SIZES:
        _tell(f"times at {size[0]}x{size[1]}")
        random = np.random.default_rng([seed, *size])
        image = draw(busy_ground(size, random), place(size, size[1] / 5, random), random).image
        taken: Dict[str, List[float]] = {name: [] for name in names}
        for turn in range(-3, rounds):
            for step in range(len(names)):
                name = names[(turn + step) % len(names)]
                begun = time.perf_counter()
                detectors[name].detect(image)
                if turn >= 0:  # what comes before warms up
                    taken[name].append((time.perf_counter() - begun) * 1e3)
        medians[f"{size[0]}x{size[1]}"] = {name: statistics.median(times) for name, times in taken.items()}
    return medians


def open_detectors(names: Sequence[str], min_score: float, stack: ExitStack) -> Dict[str, FaceDetector]:
    """Open the detectors of these names, or all that can run here; `stack` closes them.

    Raises
    ------
    UsageError
        There is no detector of such a name.
    MissingExtra, LibraryUnusable, ModelNotFound
        One that was named cannot run here.
    """
    unknown = [name for name in names if name not in DETECTORS]
    if unknown:
        raise UsageError(f"There is no detector named '{unknown[0]}'.", f"Choose from {', '.join(DETECTORS)}.")
    opened: Dict[str, FaceDetector] = {}
    for name in dict.fromkeys(names or DETECTORS):
        try:
            opened[name] = stack.enter_context(closing(open_detector(name, min_score=min_score)))
        except (MissingExtra, LibraryUnusable, ModelNotFound) as error:
            if names:
                raise
            _tell(f"without {name}: {error.message}")
    if not opened:
        raise ModelNotFound("No detector can run here.", "fer-edge doctor says what is missing.")
    return opened


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "detectors", nargs="*", metavar="DETECTOR", help=f"of {', '.join(DETECTORS)} (all that can run)"
    )
    parser.add_argument("--quick", action="store_true", help="fewer images and rows, for a first look")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other images (default: 0)")
    parser.add_argument("--min-score", type=float, default=0.5, help="as fer-edge's own, from 0 to 1 (default: 0.5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, with the machine and its versions")
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help=f"write {SHOWN} images of each kind there, as PNG"
    )
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except FerEdgeError as error:
        print(f"detector_recall: {error}", file=sys.stderr)
        return error.exit_code


def _run(options: argparse.Namespace) -> int:
    if options.seed < 0:
        raise UsageError(f"The seed {options.seed} is negative.", "Give 0 or more.")
    if not 0 <= options.min_score <= 1:
        raise UsageError(f"The least score {options.min_score:g} is not between 0 and 1.", "Give one such as 0.5.")
    try:
        if options.images is not None:
            options.images.mkdir(parents=True, exist_ok=True)
        if options.json is not None:
            options.json.open("a", encoding="utf-8").close()  # before minutes of work
    except OSError as error:
        raise OutputNotWritable(
            f"{error.filename} cannot be written: {error.strerror}.", "Give a place that can be written."
        ) from error
    with ExitStack() as stack:
        detectors = open_detectors(options.detectors, options.min_score, stack)
        report: Dict[str, Any] = {
            "environment": describe_environment(),
            "seed": options.seed,
            "quick": options.quick,
            "min_score": options.min_score,
            "matching": {"middles": NEAR_ENOUGH, "iou": LEAST_SHARE, "on_head": ON_HEAD},
            "view": list(VIEW),
            "detectors": list(detectors),
            **measure(suite(options.seed, options.quick), detectors, options.images),
            "ms": measure_times(detectors, options.seed, 15 if options.quick else 60),
        }
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print("\n".join(tables(report)))
    return 0


def _apart(box: Box, face: Box) -> float:
    """Return how far the middles are from each other, in heights of the true face."""
    across = box.x + box.width / 2 - face.x - face.width / 2
    down = box.y + box.height / 2 - face.y - face.height / 2
    return float(np.hypot(across, down)) / face.height


def _write(path: Path, image: Image) -> None:
    done, content = cv2.imencode(".png", image)
    if not done:
        raise OutputNotWritable(f"{path} cannot be written as PNG.", "Leave out --images.")
    try:
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise OutputNotWritable(
            f"{path} cannot be written: {error.strerror}.", "Make room, or leave out --images."
        ) from error


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
