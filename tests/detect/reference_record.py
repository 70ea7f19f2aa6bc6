"""Reads the record of what mediapipe found, and compares faces with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np

from fer_edge.types import Box, Face, Image

FOLDER = Path(__file__).parent / "reference"


def read_record(name: str) -> Dict[str, Any]:
    record: Dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return record


def read_picture(name: str) -> Image:
    picture = cv2.imread(str(FOLDER / f"{name}.png"))
    assert picture is not None, f"{name}.png cannot be read"
    return picture


def recorded_faces(variant: str, scene: str) -> List[Face]:
    return [
        Face(Box(*face["box"]), face["score"], {name: tuple(point) for name, point in face["landmarks"].items()})
        for face in read_record("mediapipe")["faces"][variant][scene]
    ]


def iou(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def worst_box_difference(one: Face, other: Face) -> float:
    """Give the largest difference of an edge, as a share of the other's width."""
    edges = [np.array([f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height]) for f in (one, other)]
    return float(np.abs(edges[0] - edges[1]).max() / other.box.width)


def worst_landmark_difference(one: Face, other: Face) -> float:
    """Give the largest difference of a coordinate, as a share of the other's width."""
    points = [np.array([face.landmarks[name] for name in other.landmarks]) for face in (one, other)]
    return float(np.abs(points[0] - points[1]).max() / other.box.width)


def paired(found: Sequence[Face], expected: Sequence[Face]) -> List[Face]:
    """Give for each expected face the found one that overlaps it most."""
    return [max(found, key=lambda face: iou(face.box, wanted.box)) for wanted in expected]
