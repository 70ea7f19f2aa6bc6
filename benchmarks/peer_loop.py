"""A plain loop over a video with a program of others: `analyse_speed.py --peer PYTHON` has that program's own Python run it.

    /opt/deepface/bin/python benchmarks/peer_loop.py deepface video.mp4

It prints one line of JSON. The loop reads frames by OpenCV and asks the program for the expressions of each, in the way that
its own pages show. Counted is the loop alone, after one frame that has everything loaded, and for `--seconds` at most. Weights
that cannot be fetched are replaced by random ones: those take as long, and what they name means nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib.metadata import version
from typing import Any, Callable, Dict, Tuple

Faces = Callable[[Any], int]
"""How many faces a program finds in an image and names the expressions of."""

RANDOM = "random weights, as its own could not be fetched"


def fer_haar() -> Tuple[Faces, str]:
    from fer.fer import FER

    detector = FER()
    return lambda image: len(detector.detect_emotions(image)), ""


def fer_mtcnn() -> Tuple[Faces, str]:
    from fer.fer import FER

    detector = FER(mtcnn=True)
    return lambda image: len(detector.detect_emotions(image)), ""


def deepface() -> Tuple[Faces, str]:
    from deepface import DeepFace
    from deepface.commons import weight_utils

    note = ""
    try:
        DeepFace.build_model(task="facial_attribute", model_name="Emotion")
    except ValueError:  # what it says where a download failed
        weight_utils.download_weights_if_necessary = lambda **_: ""
        weight_utils.load_model_weights = lambda model, weight_file: model
        note = RANDOM

    def faces(image: Any) -> int:
        found = DeepFace.analyze(
            image, actions=["emotion"], detector_backend="opencv", enforce_detection=False, silent=True
        )
        return sum(one["face_confidence"] > 0 for one in found)  # 0: the whole image, for want of a face

    return faces, note


PEERS: Dict[str, Tuple[str, Callable[[], Tuple[Faces, str]]]] = {
    "fer": ("fer", fer_haar),
    "fer, MTCNN": ("fer", fer_mtcnn),
    "deepface": ("deepface", deepface),
}
"""Ways to ask other programs, with the packages that have them."""


def measure(faces: Faces, path: str, seconds: float) -> Dict[str, float]:
    """Loop over a video; its first frame is left out, as it loads what was not loaded yet."""
    import cv2

    capture = cv2.VideoCapture(path)
    there, image = capture.read()
    if not there:
        raise SystemExit(f"{path} cannot be read by the OpenCV of {sys.executable}")
    faces(image)
    frames = found = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        there, image = capture.read()
        if not there:
            break
        found += faces(image)
        frames += 1
    return {"fps": frames / (time.perf_counter() - began), "frames": frames, "faces": found / max(1, frames)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("video")
    parser.add_argument("--seconds", type=float, default=60.0, help="after which the loop ends (default: 60)")
    options = parser.parse_args()
    output = os.dup(1)
    os.dup2(2, 1)  # what those programs print is not for who reads the line
    package, make = PEERS[options.peer]
    try:
        faces, note = make()
        told: Dict[str, Any] = {**measure(faces, options.video, options.seconds), "note": note}
        told["version"] = version(package)
    except Exception as error:  # noqa: BLE001  (whatever keeps it from working is told)
        told = {"error": f"{type(error).__name__}: {error}"[:300]}
    os.write(output, json.dumps(told).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
