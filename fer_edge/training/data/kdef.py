"""KDEF, the Karolinska Directed Emotional Faces, as distributed (Lundqvist, Flykt and Öhman, 1998).

70 people, each photographed twice with seven expressions from five angles, 562 x 762 pixels. A file's name says all:
``AF01ANS.JPG`` is session A, female, number 01, angry, straight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fer_edge.detect.base import FaceDetector
from fer_edge.errors import DataSetError, UsageError
from fer_edge.training.data.face_set import FaceSet
from fer_edge.training.data.labels import find_label, require_every_label
from fer_edge.training.data.pictures import LARGEST_SIDE, Form, PictureStack, cut_out, data_cutter, open_picture

ANGLES = {
    "S": "straight",
    "HL": "half left profile",
    "HR": "half right profile",
    "FL": "full left profile",
    "FR": "full right profile",
}

USUAL_ANGLES = ("S", "HL", "HR")
"""A full profile shows one eye, and the cut is made from two."""

_PEOPLE_OF_A_SEX = 35
_NAME = re.compile(
    r"(?P<session>[AB])(?P<sex>[FM])(?P<number>\d\d)(?P<expression>AF|AN|DI|HA|NE|SA|SU)(?P<angle>S|HL|HR|FL|FR)\.jpe?g",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class KdefName:
    """What a file name says.

    Attributes
    ----------
    session
        ``A`` or ``B``.
    person
        0 to 34 for women, 35 to 69 for men; the same in both sessions.
    label
        Index into ``LABELS``.
    angle
        One of `ANGLES`.
    """

    session: str
    person: int
    label: int
    angle: str


def parse_name(name: str) -> KdefName | None:
    """Read the name of a KDEF file, in any case; None if it is none."""
    match = _NAME.fullmatch(name)
    if not match or not 1 <= int(match["number"]) <= _PEOPLE_OF_A_SEX:
        return None
    label = find_label(match["expression"])
    if label is None:
        return None
    person = int(match["number"]) - 1 + (_PEOPLE_OF_A_SEX if match["sex"].upper() == "M" else 0)
    return KdefName(match["session"].upper(), person, label, match["angle"].upper())


def find_pictures(folder: Path) -> Iterable[Path]:
    """Return the JPEG files anywhere under ``folder``."""
    return (path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))


def read_kdef(folder: Path, form: Form, detector: FaceDetector, angles: tuple[str, ...] = USUAL_ANGLES) -> FaceSet:
    """Read KDEF's photographs from anywhere under ``folder`` and cut out the faces.

    Parameters
    ----------
    folder
        Where the photographs lie.
    form
        How the faces are wanted; 64 pixels if it names no side.
    detector
        Finds the faces; stays the caller's to close.
    angles
        Which of `ANGLES` to take.

    Returns
    -------
    FaceSet
        Sorted by path, with ``people``. Photographs that are damaged, have a name that is not KDEF's, or in which no
        face is found are left out, logged by name and listed in ``skipped``; other angles are left out silently.

    Raises
    ------
    UsageError
        If ``angles`` names an angle that KDEF does not have.
    DataSetError
        If there is no such photograph, or one of the seven expressions does not occur.
    """
    unknown = [angle for angle in angles if angle not in ANGLES]
    if unknown or not angles:
        raise UsageError(
            f"KDEF has no angle {', '.join(unknown) or '(none given)'}.", f"Choose from {', '.join(ANGLES)}."
        )
    stack = PictureStack(folder, form)
    cutter = data_cutter(detector, form.side or LARGEST_SIDE)
    labels, people = [], []
    for path in sorted(find_pictures(folder)):
        said = parse_name(path.name)
        if said and said.angle not in angles:
            continue

        def read(path: Path = path, named: bool = said is not None) -> Image.Image:
            if not named:
                raise ValueError("its name is not one of KDEF's, such as AF01ANS.JPG")
            return cut_out(open_picture(path), cutter)

        if stack.add(str(path.relative_to(folder)), read) and said:
            labels.append(said.label)
            people.append(said.person)
    if not labels and not stack.skipped:
        raise DataSetError(
            f"{folder} holds no KDEF photograph from the angles {', '.join(angles)}.",
            "Files must be named as KDEF's are, such as AF01ANS.JPG, anywhere under the folder.",
        )
    images = stack.images()
    require_every_label(labels, str(folder))
    return FaceSet.with_plain_labels(
        images, labels, "the label in the file name", tuple(stack.skipped), people, tuple(stack.without_face)
    )
