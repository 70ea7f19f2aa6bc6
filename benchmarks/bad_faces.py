"""How often the network is right on faces that are small, blurred, cut off by the frame, or rolled.

    python benchmarks/bad_faces.py val.parquet
    python benchmarks/bad_faces.py val.parquet small blurred --faces 500

``val.parquet`` is FER2013 with FER+ labels, or any set that ``fer-edge evaluate --data`` reads, of faces that fill their
pictures. Small faces lie where they are known to lie, and then where a detector finds them, as the others do. The doubts of the
program are shown beside the figures, so that their limits can be judged. docs/detectors.md has what they were set by.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify.backend_choice import open_classifier
from fer_edge.classify.crop import EYES_TO_MOUTH, FaceCropper, pose_of
from fer_edge.classify.doubt import beyond_the_frame
from fer_edge.classify.looks import CROP, edges, sharpness
from fer_edge.classify.reader import ExpressionReader
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.inference.model_files import find_model
from fer_edge.training.data import load_faces
from fer_edge.training.faces import ENLARGEMENT, framed_image
from fer_edge.types import LABELS, Box, Expression, Face, Image

SIZES = (12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64)
SIGMAS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06)
CUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
ROLLS = (0, 15, 30, 45, 60, 75, 90, 105, 120)
BATCH = 32


class Seen(NamedTuple):
    """What was made of one face."""

    right: bool
    expression: Expression
    measured: float


Picture = Callable[[Image, np.random.Generator], Optional[Tuple[Image, Face, float]]]
"""Makes of a labelled face, BGR, an image, the face in it, and something measured of it; None where no face is found."""


def whole(image: Image) -> Face:
    """Return the face whose crop is the whole of a square image."""
    side = float(len(image))
    between = side / CROP.crop_margin
    # The crop's middle lies on the way from the eyes to the mouth.
    eyes = side / 2 - CROP.crop_centre * EYES_TO_MOUTH * between
    marks = {"right_eye": ((side - between) / 2, eyes), "left_eye": ((side + between) / 2, eyes)}
    return Face(Box(0.0, 0.0, side, side), 1.0, marks)


def smaller(size: int) -> Picture:
    """Return what shows a face in so few pixels as a camera would: each is the mean of what it covers."""

    def show(face: Image, draw: np.random.Generator) -> Tuple[Image, Face, float]:  # noqa: ARG001
        method = cv2.INTER_AREA if size <= len(face) else cv2.INTER_CUBIC
        image = np.asarray(cv2.resize(face, (size, size), interpolation=method), np.uint8)
        return image, whole(image), float(size)

    return show


def framed(face: Image) -> Image:
    """Return a face four times as large, with a border."""
    return framed_image(np.ascontiguousarray(face[..., ::-1]))


def found_in(detector: FaceDetector, image: Image) -> Optional[Face]:
    """Return the surest face."""
    faces = detector.detect(image)
    return faces[0] if faces else None


def smaller_and_found(size: int, detector: FaceDetector) -> Picture:
    """Return what shows a small face, and has it found in a region three times as large."""

    def show(face: Image, draw: np.random.Generator) -> Optional[Tuple[Image, Face, float]]:
        small = smaller(size)(face, draw)[0]
        mean = face.mean(axis=(0, 1)).tolist()
        image = cv2.copyMakeBorder(small, size, size, size, size, cv2.BORDER_CONSTANT, value=mean)
        found = found_in(detector, image)
        return found and (image, found, CROP.crop_margin * pose_of(found).scale)

    return show


def blurred(sigma: float, noise: float, detector: FaceDetector) -> Picture:
    """Return what shows a face out of focus; `sigma` is a share of the side of its crop, and `noise` in grey values."""
    cropper = FaceCropper(CROP)

    def show(face: Image, draw: np.random.Generator) -> Optional[Tuple[Image, Face, float]]:
        image = framed(face)
        if sigma:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma * ENLARGEMENT * len(face)), np.uint8)
        if noise:
            image = np.clip(image + draw.normal(0, noise, image.shape[:2])[..., None], 0, 255).astype(np.uint8)
        found = found_in(detector, image)
        return found and (image, found, sharpness(edges(cropper.crop(image, [found]))[0]))

    return show


def cut(edge: str, share: float, detector: FaceDetector) -> Picture:
    """Return what shows a face of which a share lies beyond one edge of the frame."""

    def show(face: Image, draw: np.random.Generator) -> Optional[Tuple[Image, Face, float]]:  # noqa: ARG001
        image = framed(face)
        side = ENLARGEMENT * len(face)
        begin, end = side // 2 + round(share * side), side // 2 + round((1 - share) * side)
        parts = {
            "left": np.s_[:, begin:],
            "right": np.s_[:, :end],
            "top": np.s_[begin:],
            "bottom": np.s_[:end],
        }
        image = np.ascontiguousarray(image[parts[edge]])
        found = found_in(detector, image)
        return found and (image, found, max(beyond_the_frame(pose_of(found), image.shape[1::-1])))

    return show


def rolled(degrees: float, detector: FaceDetector) -> Picture:
    """Return what shows a face that is rolled, to either side."""

    def show(face: Image, draw: np.random.Generator) -> Optional[Tuple[Image, Face, float]]:
        image = framed(face)
        middle, side = (len(image) - 1) / 2, len(image)
        angle = degrees * draw.choice((-1, 1)) + draw.uniform(-7.5, 7.5)
        mean = face.mean(axis=(0, 1)).tolist()
        matrix = cv2.getRotationMatrix2D((middle, middle), -angle, 1.0)
        image = np.asarray(cv2.warpAffine(image, matrix, (side, side), borderValue=mean), np.uint8)
        found = found_in(detector, image)
        return found and (image, found, abs(float(np.degrees(pose_of(found).roll))))

    return show


def read(reader: ExpressionReader, faces: NDArray[np.uint8], truth: NDArray[np.int64], show: Picture) -> List[Seen]:
    """Return what the reader makes of each face that is found."""
    draw = np.random.default_rng(0)
    seen: List[Seen] = []
    for start in range(0, len(faces), BATCH):
        shown = [(show(face, draw), label) for face, label in zip(faces[start : start + BATCH], truth[start:])]
        kept = [(made, label) for made, label in shown if made]
        for (observed,), (made, label) in zip(reader.read_all([(made[0], [made[1]]) for made, _ in kept]), kept):
            expression = observed.expression
            seen.append(Seen(expression.label == LABELS[label], expression, made[2]))
    return seen


def line(name: str, seen: Sequence[Seen], of: Optional[int] = None) -> str:
    """Word the figures of some faces."""
    if not seen:
        return f"{name:>16}    0 faces"
    sure = [one for one in seen if not one.expression.uncertain]
    words: Dict[str, int] = {}
    for one in seen:
        for word in one.expression.doubt:
            words[word] = words.get(word, 0) + 1
    doubts = ", ".join(f"{word} {count / len(seen):.1%}" for word, count in sorted(words.items()))
    return (
        f"{name:>16} {len(seen):5} faces{f' ({len(seen) / of:4.0%})' if of else ''}, right "
        f"{np.mean([s.right for s in seen]):.1%};"
        f" undoubted {len(sure) / len(seen):4.0%}, right {np.mean([s.right for s in sure]) if sure else 0:.1%};"
        f" median {np.median([s.measured for s in seen]):.3f}  [{doubts}]"
    )


def by_measure(seen: Sequence[Seen], limits: Sequence[float]) -> Iterator[str]:
    """Word the figures of faces by what was measured of them."""
    for low, high in zip(limits, limits[1:]):
        yield line(f"{low:g} to {high:g}", [one for one in seen if low <= one.measured < high])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("what", nargs="*", help="small, blurred, cut, rolled; all without any")
    parser.add_argument("--faces", type=int, default=100_000, help="at most, the first ones")
    parser.add_argument("--detector", default="blazeface")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    asked = parser.parse_args()
    what = asked.what or ("small", "blurred", "cut", "rolled")
    cv2.setNumThreads(1)
    labelled = load_faces(asked.data)
    rows = labelled.labelled()[0][: asked.faces]
    truth = labelled.majority()[rows]
    faces = np.ascontiguousarray(
        np.broadcast_to(labelled.images[rows][..., ::-1], (len(rows), *labelled.images.shape[1:3], 3))
    )
    detector = open_detector(asked.detector)
    reader = ExpressionReader(open_classifier(find_model(asked.model)))
    facts = describe_environment()
    print(
        f"{asked.model}, {asked.detector}, {len(rows)} faces of {asked.data.name}; {facts['cpu']}, {facts['cores']} cores",
        flush=True,
    )

    def measure(name: str, show: Picture) -> List[Seen]:
        seen = read(reader, faces, truth, show)
        print(line(name, seen, len(rows)), flush=True)
        return seen

    if "small" in what:
        print("side of the crop in pixels:")
        for size in SIZES:
            measure(f"{size} px", smaller(size))
        print("through the detector, in a region three times as large:")
        for size in SIZES:
            measure(f"{size} px", smaller_and_found(size, detector))
    if "blurred" in what:
        for noise in (0.0, 6.0):
            print(
                f"sigma as a share of the side of the crop, noise of {noise:g} grey values; measured is the sharpness:"
            )
            for sigma in SIGMAS:
                measure(f"{sigma:g}", blurred(sigma, noise, detector))
    if "cut" in what:
        for edge in ("bottom", "top", "left", "right"):
            print(f"beyond the {edge} edge of the frame, share of the crop; measured along the middle, as found:")
            seen = [one for share in CUTS for one in measure(f"{share:g}", cut(edge, share, detector))]
            if edge in ("top", "bottom"):
                print("\n".join(by_measure(seen, (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 1))), flush=True)
    if "rolled" in what:
        print("rolled by degrees (7.5 more or less), to either side; measured is the roll through the detector:")
        seen = [one for degrees in ROLLS for one in measure(f"{degrees}", rolled(degrees, detector))]
        print("\n".join(by_measure(seen, (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 120, 181))), flush=True)
    detector.close()


if __name__ == "__main__":
    main()
