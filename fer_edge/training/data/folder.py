"""A folder for each expression, with the pictures in it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from fer_edge.detect.base import FaceDetector
from fer_edge.errors import DataSetError
from fer_edge.training.data.face_set import FaceSet
from fer_edge.training.data.labels import find_label, names_of_the_seven, require_every_label
from fer_edge.training.data.names import first_of
from fer_edge.training.data.pictures import LARGEST_SIDE, Form, PictureStack, cut_out, data_cutter, open_picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

PART_NAMES = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""Names of subfolders that hold a part of the set, and the part."""


def find_parts(folder: Path) -> dict[str, Path]:
    """Return the parts that ``folder`` has as subfolders; empty if its classes lie in it directly."""
    return {PART_NAMES[path.name.lower()]: path for path in _subfolders(folder) if path.name.lower() in PART_NAMES}


def is_folder_per_class(folder: Path) -> bool:
    """Return whether at least half of the subfolders name an expression."""
    known = [find_label(path.name) is not None for path in _subfolders(folder)]
    return any(known) and 2 * sum(known) >= len(known)


def read_folder(folder: Path, form: Form, part: str | None = None, detector: FaceDetector | None = None) -> FaceSet:
    """Read the pictures of a folder per class.

    Parameters
    ----------
    folder
        Its subfolders have the names of the seven expressions (`fer_edge.training.data.labels.SYNONYMS`), or are
        parts (`PART_NAMES`) that have such subfolders. Pictures: `SUFFIXES`; other files are passed over.
    form
        How the faces are wanted.
    part
        ``training``, ``validation`` or ``test``, of a folder that has them; None for all that there is.
    detector
        Finds the face to be cut out; None takes the middle square of each picture as the face.

    Returns
    -------
    FaceSet
        Sorted by path. Pictures that are damaged, or in which the detector finds no face, are left out, logged by
        name and listed in ``skipped``.

    Raises
    ------
    DataSetError
        If the folder or the part is missing, a subfolder has another name, or an expression has no readable picture.
    """
    if not folder.is_dir():
        raise DataSetError(f"There is no folder {folder}.", "Give a folder with a subfolder for each expression.")
    parts = find_parts(folder)
    if part and part not in parts:
        raise DataSetError(
            f"{folder} has no part for {part}; it has {', '.join(sorted(parts)) or 'none at all'}.",
            "Name the part's subfolder train, val or test, or leave --part out.",
        )
    if parts:
        _refuse_others(folder, [path for path in _subfolders(folder) if path.name.lower() not in PART_NAMES], parts)
    roots = [parts[part]] if part else sorted(parts.values()) or [folder]

    stack = PictureStack(folder, form)
    cutter = data_cutter(detector, form.side or LARGEST_SIDE) if detector else None

    def read(path: Path) -> Image.Image:
        image = open_picture(path)
        return cut_out(image, cutter) if cutter else image

    labels: list[int] = []
    for root in roots:
        for label, path in _pictures(root):
            if stack.add(str(path.relative_to(folder)), lambda path=path: read(path)):  # type: ignore[misc]
                labels.append(label)
    require_every_label(labels, str(roots[0] if part else folder))
    return FaceSet.with_plain_labels(
        stack.images(),
        labels,
        "the name of the folder",
        tuple(stack.skipped),
        without_face=tuple(stack.without_face),
    )


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(root: Path) -> list[tuple[int, Path]]:
    classes = [(find_label(path.name), path) for path in _subfolders(root)]
    _refuse_others(root, [path for label, path in classes if label is None], {})
    return [
        (label, path)
        for label, folder in classes
        if label is not None
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]


def _refuse_others(folder: Path, others: list[Path], parts: dict[str, Path]) -> None:
    if others:
        beside = f" beside {', '.join(path.name for path in parts.values())}" if parts else ""
        raise DataSetError(
            f"{folder} has the folders {first_of([path.name for path in others])}{beside}, which name no expression.",
            f"Move them elsewhere or rename them; the names are {names_of_the_seven()}.",
        )
