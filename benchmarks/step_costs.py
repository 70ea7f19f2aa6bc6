"""What the steps around the networks cost, by the size of the frame and the number of faces.

    python benchmarks/step_costs.py
    python benchmarks/step_costs.py --against ../before --rounds 60
    python benchmarks/step_costs.py --jpeg

With ``--against`` the same steps of another checkout are measured in turn with these, call by call, and it is said how far what
they give differs: in grey values of crops, in the numbers of what is fed, in probabilities and words. Each checkout runs in
a process of its own. Figures are medians in milliseconds of the processor, which other programs on the machine disturb less
than a clock; each step runs in one thread. ``classify`` is all of the stage with the network in it; ``around it`` the same
with a network that takes no time.

``--jpeg`` measures how long a JPEG takes to decode, whole and at a half, a quarter and an eighth of its sides.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Tuple

sys.path.insert(0, os.environ.get("STEP_COSTS_FOLDER", str(Path(__file__).resolve().parent.parent)))

import cv2
import numpy as np

from fer_edge.benchmark.environment import describe_environment
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.doubt import Doubting
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.classify.tensors import NetworkTensors
from fer_edge.detect.letterbox import Letterbox
from fer_edge.sinks.jsonl import as_record
from fer_edge.types import Box, Expression, Face, Frame, Image, Observation, Rates
from fer_edge.ui.overlay import Overlay

HERE = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("STEP_COSTS_FOLDER", HERE))

SIZES = ((320, 240), (640, 480), (1920, 1080), (3840, 2160))

# Of the demo's portrait, in its pixels, as BlazeFace marks it.
_PORTRAIT = FOLDER / "fer_edge" / "capture" / "astronaut.jpg"
_MARKS = {
    "right_eye": (202.1, 104.8),
    "left_eye": (246.3, 109.6),
    "nose": (220.9, 127.8),
    "mouth": (219.9, 149.1),
    "right_ear": (178.1, 115.0),
    "left_ear": (272.0, 124.5),
}
_BOX = Box(177.2, 82.7, 95.9, 95.9)
_MIDDLE, _SIDE = (223.0, 118.5), 120.3
_SHARES = {1: (1, 1, 0.43), 8: (4, 2, 0.28)}
"""Columns, rows, and the side of a crop in heights of the frame: about those of the demo."""


class Instant(ExpressionClassifier):
    """A network that takes no time: feeds it, and reads an answer that was there before."""

    def __init__(self, like: OnnxClassifier) -> None:
        self.spec, self.provider, self.precision = like.spec, like.provider, like.precision
        self._tensors = NetworkTensors(self.spec)
        self._logits = np.random.default_rng(0).normal(0, 2, (8, 7)).astype(np.float32)

    def classify(self, crops: np.ndarray) -> Tuple[Expression, ...]:
        """Return the answers."""
        self._tensors.feed(crops)
        return self._tensors.expressions(self._logits[: len(crops)])

    def close(self) -> None:
        """Hold nothing."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--jpeg", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.serve:
        return serve()
    environment = describe_environment()
    names = ("cpu", "cores", "load_1min", "python", "numpy", "opencv", "onnxruntime")
    print(", ".join(f"{name} {environment[name]}" for name in names))
    print(f"medians of {options.rounds} rounds, milliseconds of the processor\n")
    if options.jpeg:
        print_jpeg(options.rounds)
        return 0
    folders = [HERE] if options.against is None else [options.against.resolve(), HERE]
    workers = [Worker(folder) for folder in folders]
    try:
        for size in SIZES:
            for faces in _SHARES:
                print_table(workers, size, faces, options.rounds)
    finally:
        for worker in workers:
            worker.close()
    return 0


def print_table(workers: List[Worker], size: Tuple[int, int], faces: int, rounds: int) -> None:
    """Measure the steps of all checkouts in turn, and print a line for each step."""
    print(f"{size[0]}x{size[1]}, {faces} {'face' if faces == 1 else 'faces'}")
    for worker in workers:
        steps = worker.ask({"prepare": [*size, faces]})
    for step in steps:
        taken: List[List[float]] = [[] for _ in workers]
        for number in range(rounds + 1):
            for worker, times in zip(workers, taken):
                spent = worker.ask({"run": step})
                times.extend([spent] if number else [])
        line = f"  {step:12}" + "".join(f"{statistics.median(times):9.3f}" for times in taken)
        if len(workers) == 2:
            ratio = statistics.median(new / old for old, new in zip(*taken))
            given = [worker.ask({"give": step}) for worker in workers]
            line += f"   x {ratio:4.2f}   {differences(*given)}"
        print(line, flush=True)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say how far apart two results are."""
    if old == new:
        return "equal"
    apart = np.abs(np.array(old["numbers"]) - np.array(new["numbers"]))
    words = "" if old["words"] == new["words"] else ", other words"
    return f"differs by {apart.mean():.2g} on average, {apart.max():.2g} at most{words}"


def print_jpeg(rounds: int) -> None:
    """Print how long pictures of each size take to decode, whole and reduced."""
    flags = [cv2.IMREAD_COLOR, *(getattr(cv2, f"IMREAD_REDUCED_COLOR_{by}") for by in (2, 4, 8))]
    print(f"{'JPEG':12}{'whole':>9}{'1/2':>9}{'1/4':>9}{'1/8':>9}")
    for size in SIZES:
        data = cv2.imencode(".jpg", scene(size, 1)[0], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
        taken: List[List[float]] = [[] for _ in flags]
        for _ in range(rounds):
            for flag, times in zip(flags, taken):
                times.append(timed(partial(cv2.imdecode, data, flag)))
        print(
            f"{size[0]}x{size[1]}".ljust(12) + "".join(f"{statistics.median(times):9.2f}" for times in taken),
            flush=True,
        )


class Worker:
    """The steps of one checkout, in a process that imports it."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env={**os.environ, "STEP_COSTS_FOLDER": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, what: Mapping[str, Any]) -> Any:
        """Have it do something, and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def serve() -> int:
    """Do what comes on the standard input, a line each."""
    classifier = OnnxClassifier(FOLDER / "models" / "fernet_r.onnx")
    steps: Dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "prepare" in asked:
            width, height, faces = asked["prepare"]
            steps = prepare(classifier, (width, height), faces)
            answer: Any = list(steps)
        elif "run" in asked:
            answer = timed(steps[asked["run"]])
        else:
            answer = told(steps[asked["give"]]())
        print(json.dumps(answer), flush=True)
    return 0


def prepare(classifier: OnnxClassifier, size: Tuple[int, int], faces: int) -> Dict[str, Callable[[], Any]]:
    """Make a frame, and return the steps that it takes."""
    image, found = scene(size, faces)
    cropper, tensors, doubting = (
        FaceCropper(classifier.spec),
        NetworkTensors(classifier.spec),
        Doubting(classifier.spec),
    )
    around, whole = ExpressionReader(Instant(classifier)), ExpressionReader(classifier)
    letterbox, overlay, rates = Letterbox(128), Overlay(), Rates(15.0)
    crops = cropper.crop(image, found)
    logits = np.random.default_rng(0).normal(0, 2, (faces, 7)).astype(np.float32)
    observed = around.read(image, found)
    observation = Observation(Frame(0, 0.0, datetime(2026, 1, 1, tzinfo=timezone.utc), image), observed)
    return {
        "letterbox": lambda: letterbox.fit(image)[0],
        "crop": lambda: cropper.crop(image, found),
        "feed": lambda: tensors.feed(crops),
        "answers": lambda: tensors.expressions(logits),
        "doubt": lambda: doubting.reasons(image, found, crops),
        "around it": lambda: around.read(image, found),
        "classify": lambda: whole.read(image, found),
        "draw": lambda: overlay.draw(image, observed, rates),
        "JSON line": lambda: json.dumps(as_record(observation, rates), allow_nan=False, separators=(",", ":")),
    }


def scene(size: Tuple[int, int], faces: int) -> Tuple[Image, List[Face]]:
    """Return a frame of portraits, and where their faces are."""
    portrait = cv2.imread(str(_PORTRAIT))
    columns, rows, share = _SHARES[faces]
    width, height = size[0] // columns, size[1] // rows
    zoom = share * size[1] / _SIDE
    image = np.zeros((size[1], size[0], 3), np.uint8)
    found = []
    for number in range(faces):
        left, top = number % columns * width, number // columns * height
        shift = width / 2 - zoom * _MIDDLE[0], height / 2 - zoom * _MIDDLE[1]
        matrix = np.array([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]])
        image[top : top + height, left : left + width] = cv2.warpAffine(
            portrait, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )

        def place(
            x: float, y: float, at: Tuple[float, float] = (left + shift[0], top + shift[1])
        ) -> Tuple[float, float]:
            return at[0] + zoom * x, at[1] + zoom * y

        box = Box(*place(_BOX.x, _BOX.y), zoom * _BOX.width, zoom * _BOX.height)
        found.append(Face(box, 0.92, {name: place(*mark) for name, mark in _MARKS.items()}))
    return image, found


def told(result: Any) -> Dict[str, Any]:
    """Return a result as numbers and words."""
    if isinstance(result, np.ndarray):
        # A few thousand of them say as much as all.
        return {"numbers": result.reshape(-1)[:: max(1, result.size // 20000)].tolist(), "words": []}
    if isinstance(result, str):
        return {"numbers": [0.0], "words": [result]}
    expressions = [getattr(one, "expression", one) for one in result]
    if expressions and isinstance(expressions[0], Expression):
        numbers = [float(value) for one in expressions for value in one.probabilities]
        return {"numbers": numbers, "words": [[one.label, *one.doubt] for one in expressions]}
    return {"numbers": [0.0], "words": [list(one) for one in result]}


def timed(step: Callable[[], Any]) -> float:
    """Return how many milliseconds of the processor a step took."""
    started = time.thread_time()
    step()
    return (time.thread_time() - started) * 1e3


if __name__ == "__main__":
    sys.exit(main())
