"""What a person's resting face brings and costs: on pairs of pictures of the same people, with and without it.

    python benchmarks/resting_face.py FOLDER [--neutral neutral] [--seconds 10] [--margins 1 1.5 2] [--model NAME]

FOLDER holds a folder for each person, with pictures of the same names in all: neutral.jpg, slight.jpg, and what else there is.
For each kind of picture it prints as which expressions the faces are read: without a resting face (off), with one that was
recorded from the neutral picture (file), and with one that was learned from a stream of it before (auto). In the stream, and
for neutral itself, the neutral picture is moved by a pixel or two, and made a little lighter or darker, so that no two images
are the same.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fer_edge
from fer_edge.app.parts import classifier_factory, detector_factory
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect.base import FaceDetector
from fer_edge.settings import Settings
from fer_edge.track.learned_rest import LEARNED, LearnedRest
from fer_edge.track.rest import TRUSTED, Bounds, FixedRest, Rest, RestingFace, log_odds_of, rested
from fer_edge.types import LABELS, Expression, Image

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm")
FPS = 15.0
VERSIONS = 8
"""Of the neutral picture: half of them are in the stream, and the others are what is to be read as neutral."""

Read = Callable[[Image], Optional[Expression]]


@dataclass(frozen=True)
class Person:
    """What the network says of one person's pictures.

    Attributes
    ----------
    neutral : Expression
        Of the neutral picture as it is.
    versions : sequence of Expression
        Of its versions.
    others : mapping of str to Expression
        Of the other pictures, by their names without ending.
    """

    neutral: Expression
    versions: Sequence[Expression]
    others: Dict[str, Expression]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--neutral", default="neutral", help="name of the neutral pictures, without ending (default: neutral)"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="of the stream from which auto learns (default: 10)"
    )
    parser.add_argument(
        "--margins", type=float, nargs="+", default=[TRUSTED.margin], help="by how much a label must rise"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"the network (default: {DEFAULT_MODEL})")
    asked = parser.parse_args(arguments)
    if not asked.folder.is_dir():
        parser.error(f"there is no folder {asked.folder}")
    people, left_out, unknown = read_people(asked.folder, asked.neutral, asked.model)
    print(f"{len(people)} people; {left_out} pictures without exactly one face left out")
    if unknown:
        print(f"left out, as they have no picture {asked.neutral!r} with exactly one face: {', '.join(unknown)}")
    if not people:
        print(f"{asked.folder} must hold a folder for each person, with {asked.neutral}.jpg and others in it")
        return 1
    print(f"{'rest':5} {'margin':>6}  {'picture':10} {'n':>4}  read as")
    _show("off", "", people, asked.neutral, lambda person: None)
    for margin in asked.margins:
        fixed, learned = replace(TRUSTED, margin=margin), replace(LEARNED, margin=margin)
        _show("file", f"{margin:g}", people, asked.neutral, partial(recorded, bounds=fixed))
        _show("auto", f"{margin:g}", people, asked.neutral, partial(taught, bounds=learned, seconds=asked.seconds))
    return 0


def read_people(folder: Path, neutral: str, model: str) -> Tuple[List[Person], int, List[str]]:
    """Return the people of a folder, how many pictures have not exactly one face, and who has no neutral picture."""
    settings = Settings.of(model=model)
    detector, classifier = detector_factory(settings, "")(), classifier_factory(settings)()
    read = _reader(detector, classifier)
    people, left_out, unknown = [], 0, []
    try:
        for place in sorted(path for path in folder.iterdir() if path.is_dir()):
            pictures = {path.stem: path for path in sorted(place.iterdir()) if path.suffix.lower() in ENDINGS}
            seen = {name: read(_image(path)) for name, path in pictures.items()}
            left_out += sum(one is None for one in seen.values())
            others = {name: one for name, one in seen.items() if one is not None and name != neutral}
            at_rest = seen.get(neutral)
            if at_rest is None:
                unknown.append(place.name)
                continue
            versions = [read(_version(_image(pictures[neutral]), number)) for number in range(VERSIONS)]
            people.append(Person(at_rest, [one or at_rest for one in versions], others))
    finally:
        detector.close()
        classifier.close()
    return people, left_out, unknown


def recorded(person: Person, bounds: Bounds = TRUSTED) -> FixedRest:
    """Return the resting face that ``fer-edge rest --camera neutral.jpg`` records."""
    at_rest = log_odds_of(person.neutral.probabilities)
    return FixedRest(RestingFace(at_rest, np.zeros(len(LABELS)), 0.0, 1), bounds)


def taught(person: Person, bounds: Bounds = LEARNED, seconds: float = 10.0) -> LearnedRest:
    """Return a rest that has watched the neutral picture for some seconds."""
    rest = LearnedRest(bounds)
    stream = person.versions[: VERSIONS // 2]
    for index in range(round(seconds * FPS) + 1):
        rest.update(stream[index % len(stream)], index / FPS)
    return rest


def _show(
    kind: str, margin: str, people: Sequence[Person], neutral: str, rest_of: Callable[[Person], Optional[Rest]]
) -> None:
    found: Dict[str, Counter[str]] = {neutral: Counter()}
    for person in people:
        rest = rest_of(person)
        at_rest = person.versions[VERSIONS // 2 :] if kind == "auto" else person.versions
        labels = [_label(one, rest) for one in at_rest]
        # A person counts as neutral where no version is read as anything else.
        found[neutral][next((label for label in labels if label != "neutral"), "neutral")] += 1
        for name, seen in person.others.items():
            found.setdefault(name, Counter())[_label(seen, rest)] += 1
    for name, counts in found.items():
        told = ", ".join(f"{label} {count}" for label, count in counts.most_common())
        print(f"{kind:5} {margin:>6}  {name:10} {sum(counts.values()):4}  {told}")


def _label(seen: Expression, rest: Optional[Rest]) -> str:
    # A clock that goes back: nothing is learned from what is read.
    shift = rest.update(seen, 0.0) if rest is not None else None
    return seen.label if shift is None else LABELS[int(rested(seen.probabilities, shift).argmax())]


def _reader(detector: FaceDetector, classifier: ExpressionClassifier) -> Read:
    def read(image: Image) -> Optional[Expression]:
        faces = fer_edge.read_image(image, detector=detector, model=classifier)
        return faces[0].expression if len(faces) == 1 else None

    return read


def _image(path: Path) -> Image:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path} cannot be read as a picture.")
    return np.asarray(image, np.uint8)


def _version(image: Image, number: int) -> Image:
    """Return the image moved by up to two pixels, and up to 6 % lighter or darker; the same each time."""
    random = np.random.default_rng(number)
    across, down = random.uniform(-2, 2, 2)
    moved = cv2.warpAffine(
        image, np.array([[1, 0, across], [0, 1, down]]), image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
    )
    return np.clip(moved * random.uniform(0.94, 1.06), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())
