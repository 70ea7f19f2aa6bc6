"""What the look that gives a small face its landmarks is worth: how often the network is right with each of them.

    python benchmarks/small_faces.py val.parquet
    python benchmarks/small_faces.py val.parquet --sizes 24 --faces 500 --yunet face_detection_yunet_2023mar.onnx

Labelled faces of ``val.parquet`` (see `bad_faces.py`), one in a frame on a drawn busy ground, at any place to an eighth of a
pixel, each pixel the mean of what it covers. Each face is cut out by the landmarks of every look that finds it, and looks are
compared on the faces that both found: a difference is given in points, with its standard error.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bad_faces import whole
from benchmarks.detector_grounds import busy_ground, finish
from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify.backend_choice import open_classifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.known_faces import nearest, one_of_each, shifted
from fer_edge.detect.looks import Looks
from fer_edge.detect.parts import in_phase, parts_of
from fer_edge.detect.yunet import YuNetDetector
from fer_edge.inference.model_files import find_model
from fer_edge.training.data import load_faces
from fer_edge.types import LABELS, Box, Face, Image

FINE = 8
"""Steps of a place in a pixel."""

AROUND = 0.75
"""Share of a face's side that surrounds it in the mean of its colours, with a soft edge, as hair and neck would."""

PAIRS = (("second", "first"), ("third", "second"), ("mean", "second"), ("known", "second"))
"""Looks that are compared."""


def in_a_frame(face: Image, size: int, ground: NDArray[np.float32], draw: np.random.Generator) -> Tuple[Image, Face]:
    """Return a frame with a face of so many pixels' side, and the face where its pixels lie."""
    height, width = ground.shape[:2]
    border = math.ceil(AROUND * size)
    side = size + 2 * border + 1
    left, top = (int(draw.integers(0, room - side + 1)) for room in (width, height))
    offsets = draw.integers(0, FINE, 2)
    across, down = (int(border * FINE + offset) for offset in offsets)
    fine = np.empty((side * FINE, side * FINE, 3), np.float32)
    fine[:] = face.mean(axis=(0, 1))
    method = cv2.INTER_CUBIC if size * FINE >= len(face) else cv2.INTER_AREA
    large = cv2.resize(face, (size * FINE, size * FINE), interpolation=method)
    fine[down : down + size * FINE, across : across + size * FINE] = large
    seen = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)
    soft = np.zeros((side, side, 1), np.float32)
    soft[border // 2 : -border // 2, border // 2 : -border // 2] = 1.0
    soft = cv2.GaussianBlur(soft, (0, 0), border / 8)[..., None]
    frame = ground.copy()
    frame[top : top + side, left : left + side] *= 1 - soft
    frame[top : top + side, left : left + side] += soft * seen
    known = shifted(whole(np.empty((size, size, 3), np.uint8)), left + across / FINE, top + down / FINE)
    return finish(frame, draw), known


def mean_of(one: Face, other: Face) -> Face:
    """Return a face between two."""
    marks = {
        name: ((x + other.landmarks[name][0]) / 2, (y + other.landmarks[name][1]) / 2)
        for name, (x, y) in one.landmarks.items()
    }
    return Face(Box(*((a + b) / 2 for a, b in zip(one.box, other.box))), one.score, marks)


def looks_of_auto(looks: Looks) -> Callable[[Image, Face], Dict[str, Face]]:
    """Return what gives a face as the looks of `auto` see it, by their names."""

    def see(image: Image, known: Face) -> Dict[str, Face]:
        height, width = image.shape[:2]
        candidates = [
            face
            for part in parts_of(width, height)
            for phase in (0, 1)
            for face in looks.candidates(image, in_phase(part, phase, width, height))
        ]
        first = nearest(one_of_each(candidates), known)
        second = first and looks.confirmed(image, first)
        if first is None or second is None:
            return {} if first is None else {"first": first}
        found = {"first": first, "second": second}
        third = looks.again(image, second)
        if third is not None:
            found.update(third=third, mean=mean_of(second, third))
        return found

    return see


def compared(right: Dict[str, Dict[int, bool]], one: str, other: str) -> str:
    """Word how much more often one look is right than another on the faces that both found."""
    both = sorted(right[one].keys() & right[other].keys())
    if len(both) < 2:
        return f"{one} - {other}: {len(both)} faces"
    apart = np.array([int(right[one][face]) - int(right[other][face]) for face in both], np.float64)
    error = apart.std(ddof=1) / math.sqrt(len(both))
    won, lost = int((apart > 0).sum()), int((apart < 0).sum())
    return (
        f"{one} - {other}: {100 * apart.mean():+.1f} points, standard error {100 * error:.1f}, of {len(both)} faces "
        f"({won} won, {lost} lost)"
    )


def measure(
    faces: Sequence[Image],
    truth: Sequence[int],
    size: int,
    frame: Tuple[int, int],
    see: Callable[[Image, Face], Dict[str, Face]],
    alone: Dict[str, FaceDetector],
    reader: ExpressionReader,
) -> None:
    """Measure faces of one size in frames of one size, and print."""
    draw = np.random.default_rng(size)
    grounds = [busy_ground(frame, draw) for _ in range(20)]
    names = ["known", "first", "second", "third", "mean", *alone]
    right: Dict[str, Dict[int, bool]] = {name: {} for name in names}
    for number, (pixels, label) in enumerate(zip(faces, truth)):
        image, known = in_a_frame(pixels, size, grounds[number % len(grounds)], draw)
        found = {"known": known, **see(image, known)}
        for name, detector in alone.items():
            face: Optional[Face] = nearest(detector.detect(image), known)
            if face is not None:
                found[name] = face
        seen = reader.read(image, list(found.values()))
        for name, one in zip(found, seen):
            right[name][number] = one.expression.label == LABELS[label]
    print(f"{size} px in {frame[0]} x {frame[1]}:")
    for name in names:
        told = list(right[name].values())
        share = f"right {np.mean(told):.1%}" if told else ""
        print(f"{name:>16} {len(told):5} found ({len(told) / len(faces):4.0%}) {share}")
    pairs: List[Tuple[str, str]] = [*PAIRS, *((name, "second") for name in alone)]
    for one, other in pairs:
        print(f"    {compared(right, one, other)}", flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--faces", type=int, default=100_000, help="at most, the first ones")
    parser.add_argument("--sizes", type=int, nargs="+", default=[24, 32, 48], help="sides of a crop in pixels")
    parser.add_argument("--frame", type=int, nargs=2, default=[640, 480], help="width and height")
    parser.add_argument("--yunet", help="its file, where it is to be measured")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    labelled = load_faces(asked.data)
    rows = labelled.labelled()[0][: asked.faces]
    faces = np.ascontiguousarray(
        np.broadcast_to(labelled.images[rows][..., ::-1], (len(rows), *labelled.images.shape[1:3], 3))
    )
    alone: Dict[str, FaceDetector] = {"blazeface-full": BlazeFaceDetector("full", 1, 0.5)}
    if asked.yunet:
        alone["yunet"] = YuNetDetector(model=asked.yunet)
    looks, reader = Looks(), ExpressionReader(open_classifier(find_model(asked.model)))
    facts = describe_environment()
    print(f"{asked.model}, {len(rows)} faces of {asked.data.name}; {facts['cpu']}, {facts['cores']} cores", flush=True)
    for size in asked.sizes:
        measure(
            list(faces),
            labelled.majority()[rows].tolist(),
            size,
            (asked.frame[0], asked.frame[1]),
            looks_of_auto(looks),
            alone,
            reader,
        )
    for detector in alone.values():
        detector.close()
    looks.close()


if __name__ == "__main__":
    main()
