"""How well each detector finds faces: by size, roll, turn, light and motion, where there is none, and what a look costs.

    python benchmarks/detector_recall.py                                all detectors that can run here; some minutes
    python benchmarks/detector_recall.py --quick blazeface              fewer and coarser figures, within a minute
    python benchmarks/detector_recall.py --json before.json --seed 0    the figures, to compare later ones with
    python benchmarks/detector_recall.py --images made                  some of the images of each kind, to look at
    python benchmarks/detector_recall.py --write docs/detectors.md      puts the tables that this page has in their places

YuNet takes part where `fer-edge models pull yunet` has fetched it, and mediapipe's where that package is installed.

The images are made from the demo's portrait and are the same for the same seed and libraries ("images" in the JSON is a
checksum). A face is as high as from the brows to the chin, which is the box that BlazeFace short-range gives the portrait.

A box that was found is that of a true face where their middles lie within half a face height of each other and they share
30 % of the area that both take (intersection over union); the best pair first, each box and each face once. A box lies on a
head where its middle is within three quarters of a face height of the face's. A detector that searches videos looks at
moving heads in that way, and at all other images as at pictures. The time is that of the detector alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
from detector_nobody import CLIPS, PICTURES, files_of
from detector_scenes import Scene
from detector_suite import TABLES, VIEW, Group, suite
from detector_tables import filled, tables
from detector_tally import LEAST_SHARE, NEAR_ENOUGH, ON_HEAD, Tally, judge
from detector_times import measure_times

from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify.heads import one_for_each_head
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.registry import DETECTORS, open_detector
from fer_edge.errors import FerEdgeError, LibraryUnusable, MissingExtra, ModelNotFound, OutputNotWritable, UsageError
from fer_edge.types import Face, Image

SHOWN = 2
"""Images of each group that are written for people."""


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
        lookers = {name: _looker(detector, group.rate) for name, detector in detectors.items()}
        _tell(f"{number + 1} of {len(groups)}: {group.name}")
        tallies = {name: Tally() for name in detectors}
        for index, scene in enumerate(group.scenes()):
            checksum = zlib.crc32(scene.image.tobytes(), checksum)
            if images is not None and index < SHOWN:
                _write(images / f"{group.name}-{index}.png", scene.image)
            for name, look in lookers.items():
                faces = look(scene, index)
                boxes, left = [face.box for face in faces], [face.box for face in one_for_each_head(faces)]
                tallies[name].add(judge(boxes, scene.faces), judge(left, scene.faces), scene.first)
        found = {name: asdict(tally) for name, tally in tallies.items()}
        results.append({"table": group.table, "key": dict(group.key), "detectors": found})
    return {"images": f"{checksum:08x}", "groups": results}


def _looker(detector: FaceDetector, rate: int) -> Callable[[Scene, int], Sequence[Face]]:
    """Return what looks at the images of a group, each with its number: as at those of clips where there is a rate."""
    search = detector.search() if rate else None
    if search is None:
        return lambda scene, _index: detector.detect(scene.image)
    clip = -1

    def look(scene: Scene, index: int) -> Sequence[Face]:
        nonlocal clip
        anew, clip = scene.first != clip, scene.first
        return search.look(scene.image, index / rate, anew)

    return look


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
    parser.add_argument(
        "--only", action="append", choices=TABLES, metavar="TABLE", help=f"of {', '.join(TABLES)} (all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another one makes other images (default: 0)")
    parser.add_argument("--min-score", type=float, default=0.5, help="as fer-edge's own, from 0 to 1 (default: 0.5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, with the machine and its versions")
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help=f"write {SHOWN} images of each kind there, as PNG"
    )
    parser.add_argument(
        "--clips", type=Path, metavar="FOLDER", help="clips, in whose parts without anybody false faces are counted"
    )
    parser.add_argument(
        "--nobody", type=Path, metavar="FOLDER", help="pictures in which nobody is, where false faces are counted"
    )
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="replace the tables that a Markdown page has of these"
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
    if options.clips is not None:
        files_of(options.clips, CLIPS)
    if options.nobody is not None:
        files_of(options.nobody, PICTURES)
    _try_to_write(options)
    page = None if options.write is None else _page(options.write)
    wanted = options.only or TABLES
    groups = suite(options.seed, options.quick, options.clips, options.nobody)
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
            **measure([group for group in groups if group.table in wanted], detectors, options.images),
            "ms": measure_times(detectors, options.seed, 15 if options.quick else 60, _tell) if "ms" in wanted else {},
        }
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    lines = tables(report)
    if page is not None:
        options.write.write_text(filled(page, lines), encoding="utf-8")
    print("\n".join(lines))
    return 0


def _page(path: Path) -> str:
    """Return a page that has a place for tables."""
    try:
        page = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8.", "Give a Markdown page.") from error
    if not any(line.startswith("**") and line.endswith("**") for line in page.split("\n")):
        raise UsageError(f"{path} has none of these tables.", "Put the title of one, as it is printed, on a line.")
    return page


def _try_to_write(options: argparse.Namespace) -> None:
    """Raise OutputNotWritable before minutes of work, and not after them."""
    try:
        if options.images is not None:
            options.images.mkdir(parents=True, exist_ok=True)
        if options.json is not None:
            options.json.open("a", encoding="utf-8").close()
        if options.write is not None:
            options.write.open("r+", encoding="utf-8").close()
    except OSError as error:
        raise OutputNotWritable(
            f"{error.filename} cannot be written: {error.strerror}.", "Give a place that can be written."
        ) from error


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
