"""Labelled faces, from wherever they lie to arrays."""

from __future__ import annotations

from fer_edge.training.data.face_set import MAJORITY_RULE, NO_MAJORITY, FaceSet
from fer_edge.training.data.source import DataSource, cutting_detector, load_faces, load_pair, measured_part

__all__ = [
    "MAJORITY_RULE",
    "NO_MAJORITY",
    "DataSource",
    "FaceSet",
    "cutting_detector",
    "load_faces",
    "load_pair",
    "measured_part",
]
