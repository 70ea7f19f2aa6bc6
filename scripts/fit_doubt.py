#!/usr/bin/env python3
"""Fit the rules that tell heads that are not upright, and covered mouths (`fer_edge/classify/look_rules.py`).

Faces of FER2013 are put on a larger ground, some of them worse lit, blurred or noisy; turned by any angle; or covered by
something drawn (`face_covers.py`). What a detector makes of them is cut out as the program does, and two logistic regressions
are fitted to `fer_edge.classify.looks.edges` of it. Their thresholds and the printed figures come from other faces (those of
the validation split)::

    python scripts/fit_doubt.py train.parquet val.parquet --yunet face_detection_yunet_2023mar.onnx
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import cv2
import numpy as np
from face_covers import KINDS, cover
from numpy.typing import NDArray
from pyarrow import parquet

from fer_edge.classify.crop import FaceCropper, pose_of
from fer_edge.classify.doubt import LARGEST_TURN
from fer_edge.classify.looks import CROP, edges
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.yunet import YuNetDetector
from fer_edge.types import Face

GROUND = 320
FALSE_ALARMS = 0.01
"""Share of faces that are clear to see, of the validation split, on which each rule may fire."""
PENALTY = 2e-3
LARGEST_WEIGHT = 999
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
NO_FACE = ("contempt", "unknown", "NF")

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """One face as a detector found it: what was done to it, the error of its measured roll in degrees, and its edges."""

    kind: str
    detector: str
    label: str
    error: float
    turn: float
    edges: NDArray[np.float32]


def pictures(path: Path, count: int) -> Iterator[Tuple[Image, str]]:
    """Return so many 48 x 48 faces that most annotators took for a face with one of the seven expressions, and that one."""
    table = parquet.read_table(path)
    votes, others = (np.stack([table[f"ferplus_{name}"].to_numpy() for name in names], 1) for names in (VOTES, NO_FACE))
    faces = np.flatnonzero(votes.max(1) > others.max(1))
    for row in np.random.default_rng(0).permutation(faces)[:count]:
        content = table["image"][int(row)].as_py()["bytes"]
        yield np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), 1), np.uint8), VOTES[int(votes[row].argmax())]


def placed(small: Image, scale: float, angle: float) -> Tuple[Image, Floats]:
    """Return a face in the middle of a larger ground, turned clockwise by degrees, and the matrix that did it."""
    wide = cv2.copyMakeBorder(small, 24, 24, 24, 24, cv2.BORDER_REPLICATE)
    matrix = cv2.getRotationMatrix2D((47.5, 47.5), -angle, scale)
    matrix[:, 2] += (GROUND - 95) / 2
    image = cv2.warpAffine(wide, matrix, (GROUND, GROUND), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(image, np.uint8), np.asarray(matrix, np.float64)


def worse(image: Image, draw: Any) -> Image:
    """Return half of the pictures as they are, and half with other light, blur and noise."""
    if draw.random() < 0.5:
        return image
    changed = 255 * (image / 255.0) ** np.exp(draw.uniform(-0.7, 0.7))
    changed = (changed - 128) * draw.uniform(0.5, 1.1) + 128 + draw.uniform(-25, 25)
    if draw.random() < 0.5:
        changed = cv2.GaussianBlur(changed, (0, 0), draw.uniform(0.5, 3))
    changed += draw.normal(0, draw.uniform(0, 8), image.shape[:2])[..., None]
    return np.clip(changed, 0, 255).astype(np.uint8)


def face_in_the_middle(detector: FaceDetector, image: Image) -> List[Face]:
    """Return the surest face near the middle, if there is one."""
    middle = GROUND / 2
    return [
        face
        for face in detector.detect(image)
        if max(abs(face.box.x + face.box.width / 2 - middle), abs(face.box.y + face.box.height / 2 - middle)) < 70
    ][:1]


def looks_of(path: Path, count: int, detectors: Sequence[FaceDetector], seed: int) -> List[Look]:
    """Return every face as it is found upright, tilted, turned by any angle, and covered."""
    draw = np.random.default_rng(seed)
    cropper, looks = FaceCropper(CROP), []
    for number, (small, label) in enumerate(pictures(path, count)):
        detector, scale = detectors[number % len(detectors)], float(draw.uniform(2.2, 4))

        def look(kind: str, picture: Image, angle: float) -> None:
            image = worse(placed(picture, scale, angle)[0], draw)  # noqa: B023
            for face in face_in_the_middle(detector, image):  # noqa: B023
                pose = pose_of(face)
                error = abs((angle - math.degrees(pose.roll) + 180) % 360 - 180)
                seen = edges(cropper.crop(image, [face]))[0]
                looks.append(Look(kind, detector.name, label, error, pose.turn, seen))  # noqa: B023

        image, matrix = placed(small, scale, 0)
        for face in face_in_the_middle(detector, image):
            back = cv2.invertAffineTransform(matrix)
            marks = {name: tuple(back[:, :2] @ point + back[:, 2] - 24) for name, point in face.landmarks.items()}
            if "mouth" not in marks:
                marks["mouth"] = tuple((np.asarray(marks["right_mouth"]) + marks["left_mouth"]) / 2)
            look("clear", small, 0.0)
            look("clear", small, float(draw.uniform(-45, 45)))
            look("rolled", small, float(draw.uniform(60, 300)))
            look("rolled", small, float(draw.uniform(150, 210)))
            for kind in draw.permutation(KINDS)[:3]:
                grey = cv2.cvtColor(cover(small, marks, str(kind), draw), cv2.COLOR_BGR2GRAY)
                look(str(kind), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), float(draw.uniform(-20, 20)))
    return looks


def fitted(inputs: Floats, wanted: NDArray[np.bool_]) -> Floats:
    """Fit a ridge logistic regression by Newton's method, both classes of equal weight; return its weights."""
    middle, spread = inputs.mean(0), inputs.std(0) + 1e-6
    rows = np.hstack([(inputs - middle) / spread, np.ones((len(inputs), 1))])
    share = np.where(wanted, 0.5 / wanted.mean(), 0.5 / (1 - wanted.mean())) / len(rows)
    ridge = np.diag([2 * PENALTY] * inputs.shape[1] + [1e-9])
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (share * (chance - wanted)) + ridge @ weights
        bend = (rows * (share * chance * (1 - chance))[:, None]).T @ rows + ridge
        weights -= np.linalg.solve(bend, slope)
    scaled: Floats = weights[:-1] / spread
    return scaled


def report(name: str, looks: Sequence[Look], fires: NDArray[np.bool_], groups: Dict[str, NDArray[np.bool_]]) -> None:
    """Print how often a rule fires in each group of held-out looks, by detector."""
    found = np.array([look.detector for look in looks])
    for group, members in groups.items():
        parts = [f"{fires[members].mean() if members.any() else 0:6.1%} of {members.sum():5}"]
        for detector in sorted(set(found)):
            chosen = members & (found == detector)
            parts.append(f"{detector} {fires[chosen].mean() if chosen.any() else 0:6.1%} of {chosen.sum()}")
        print(f"{name:12} {group:22} {'; '.join(parts)}", flush=True)


def main() -> None:
    """Fit, measure on the held-out faces, and print the figures and the text of the rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("--yunet", type=Path, help="YuNet's file; without it only BlazeFace finds the faces")
    parser.add_argument("--faces", type=int, nargs=2, default=(1500, 1100), help="of each split")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    detectors: List[FaceDetector] = [BlazeFaceDetector("short"), BlazeFaceDetector("full")]
    detectors += [YuNetDetector(model=asked.yunet)] if asked.yunet else []
    train = looks_of(asked.train, asked.faces[0], detectors, 1)
    held = looks_of(asked.validation, asked.faces[1], detectors, 2)
    print(f"{len(train)} looks to fit, {len(held)} held out")

    kinds, held_kinds = (np.array([look.kind for look in looks]) for looks in (train, held))
    errors, held_errors = (np.array([look.error for look in looks]) for looks in (train, held))
    inputs, held_inputs = (np.array([look.edges for look in looks], np.float64) for looks in (train, held))
    straight = np.array([abs(look.turn) <= LARGEST_TURN for look in held])
    clear, held_clear = (kinds == "clear") & (errors < 40), (held_kinds == "clear") & (held_errors < 30) & straight
    covered = np.isin(kinds, KINDS)
    labels = np.array([look.label for look in held])
    clear_groups = {"clear": held_clear, **{f"clear, {label}": held_clear & (labels == label) for label in VOTES}}
    rolled = {
        f"crop off by {low} to {low + 30}": (held_kinds == "rolled") & (held_errors >= low) & (held_errors < low + 30)
        for low in range(0, 180, 30)
    }
    tasks = (
        ("UPSIDE_DOWN", (kinds == "rolled") & (errors > 75), clear | covered, rolled),
        ("COVERED", covered, clear, {kind: held_kinds == kind for kind in KINDS}),
    )
    for name, wanted, unwanted, groups in tasks:
        chosen = wanted | unwanted
        weights = fitted(inputs[chosen], wanted[chosen])
        unit = LARGEST_WEIGHT / np.abs(weights).max()
        whole = np.round(weights * unit).astype(int)
        sums = held_inputs @ whole
        threshold = math.ceil(np.quantile(sums[held_clear], 1 - FALSE_ALARMS))
        report(name, held, sums > threshold, {**clear_groups, **groups})
        rows = [", ".join(map(str, whole[start : start + 16])) for start in range(0, len(whole), 16)]
        print(f"{name} = Rule({threshold}, (\n    " + ",\n    ".join(rows) + ",\n))")


if __name__ == "__main__":
    main()
