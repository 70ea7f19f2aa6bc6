"""Measure how the crop should lie: accuracy through the detector for a grid of margins, centres and alignments.

Usage: python scripts/choose_crop.py MODEL --data val.parquet [--detector blazeface]

The best face of each labelled picture is found once, as the program would find it, and then cut in every way of the grid.
The winner goes into the model's metadata with ``fer-edge export --crop-margin --crop-centre --alignment``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np

from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.detect import open_detector
from fer_edge.inference.model_files import find_model
from fer_edge.training.data import load_faces
from fer_edge.training.faces import framed_image
from fer_edge.types import LABELS, Face, Image

MARGINS = (2.5, 2.6, 2.7, 2.8, 2.9)
CENTRES = (0.15, 0.25, 0.3, 0.35, 0.45)
ALIGNMENTS = ("eyes", "none")


def main() -> None:
    """Measure and print, best first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="a shipped model's name or an ONNX file")
    parser.add_argument("--data", type=Path, required=True, help="a Parquet file of faces")
    parser.add_argument("--detector", default="blazeface")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth picture only")
    options = parser.parse_args()

    classifier = OnnxClassifier(find_model(options.model), threads=2)
    faces = load_faces(options.data)
    rows = faces.labelled()[0][:: options.every]
    truth = faces.majority()[rows]
    seen = find_faces([faces.images[row] for row in rows], options.detector)
    found = np.array([face is not None for _, face in seen])
    print(f"{options.detector} finds a face in {found.sum()} of {len(rows)} pictures; accuracy among these:")
    results: List[Tuple[float, float, str]] = []
    for alignment in ALIGNMENTS:
        for margin in MARGINS:
            for centre in CENTRES:
                spec = replace(classifier.spec, crop_margin=margin, crop_centre=centre, alignment=alignment)
                cropper = FaceCropper(spec)
                crops = np.concatenate([cropper.crop(image, [face]) for image, face in seen if face is not None])
                answers = [
                    LABELS.index(seen.label) for part in np.array_split(crops, 50) for seen in classifier.classify(part)
                ]
                right = np.array(answers) == truth[found]
                balanced = np.mean([right[truth[found] == label].mean() for label in range(len(LABELS))])
                results.append(
                    (right.mean(), float(balanced), f"margin {margin}  centre {centre}  alignment {alignment}")
                )
    for accuracy, balanced, how in sorted(results, reverse=True):
        print(f"{accuracy:.4f}  mean recall {balanced:.4f}  {how}")


def find_faces(pictures: List[np.ndarray], detector_name: str) -> List[Tuple[Image, Optional[Face]]]:
    """Find the best face of each picture, in the picture as the detector sees it."""
    detector = open_detector(detector_name)
    seen = []
    for picture in pictures:
        image = framed_image(picture)
        best = detector.detect(image)[:1]
        seen.append((image, best[0] if best else None))
    detector.close()
    return seen


if __name__ == "__main__":
    main()
