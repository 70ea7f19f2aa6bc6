"""Where a set lies and how it is wanted; what kind it is, is found out here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fer_edge.errors import UsageError
from fer_edge.training.data.face_set import FaceSet
from fer_edge.training.data.layout import FER2013_NAME, USAGES, find_format, needed_libraries
from fer_edge.training.data.split import split_faces

if TYPE_CHECKING:
    from fer_edge.detect.base import FaceDetector

PARTS = ("training", "validation", "test")
COLOURS = ("gray", "rgb")
KDEF_DETECTOR = "blazeface"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataSource:
    """A labelled set, as a person names it.

    Attributes
    ----------
    path
        File or folder.
    format
        One of `fer_edge.training.data.layout.FORMATS`; ``auto`` looks at what is there.
    part
        Of fer2013.csv, or of a folder with parts: one of `PARTS`; None names none: `load_faces` reads all of them,
        `measured_part` and `load_pair` choose.
    votes
        fer2013new.csv; None takes the one beside fer2013.csv if there is one.
    detector
        Name of the detector that finds the face, for KDEF (None: `KDEF_DETECTOR`) and for a folder (None: the whole
        picture is the face).
    side
        Height and width of the faces in pixels; None takes the pictures' own, 64 at most.
    colour
        ``gray`` (one channel, as the shipped networks see) or ``rgb``.
    angles
        Which of KDEF's angles to take: S, HL, HR, FL, FR.
    """

    path: Path
    format: str = "auto"
    part: str | None = None
    votes: Path | None = None
    detector: str | None = None
    side: int | None = None
    colour: str = "gray"
    angles: tuple[str, ...] = ("S", "HL", "HR")

    @property
    def title(self) -> str:
        """What to call the set: its file name, and the part."""
        name = self.path.resolve().name
        return f"{name}, {self.part} part" if self.part else name


def load_faces(source: DataSource | Path) -> FaceSet:
    """Read a labelled set.

    Parameters
    ----------
    source
        What to read; a path alone stands for a `DataSource` with nothing else said.

    Raises
    ------
    DataSetError
        If it is missing or has another layout; if no picture can be read, or one of the seven labels has none.
    UsageError
        If the source asks for something that its format does not have.
    MissingExtra
        If a library that the format needs is not installed.
    """
    source = source if isinstance(source, DataSource) else DataSource(source)
    kind = find_format(source.path, source.format)
    _check(source, kind)
    with needed_libraries():
        from fer_edge.training.data import fer2013_csv, folder, kdef, parquet, pictures

    form = pictures.Form(source.side, source.colour)
    which = f", its {source.part} part" if source.part else ""
    if kind == "parquet":
        faces = parquet.read_parquet(source.path, form)
    elif kind == "fer2013":
        faces = fer2013_csv.read_fer2013(_fer2013_file(source.path), form, source.part, source.votes)
    else:
        with _detector(cutting_detector(source)) as detector:
            if kind == "kdef" and detector:
                faces = kdef.read_kdef(source.path, form, detector, source.angles)
            else:
                faces = folder.read_folder(source.path, form, source.part, detector)
    _log.info("%s%s: %d faces, %d pictures skipped", source.path, which, len(faces), len(faces.skipped))
    return faces


def cutting_detector(source: DataSource) -> str | None:
    """Return the name of the detector that cuts the faces out as the set is read; None where its pictures are the faces.

    Raises
    ------
    DataSetError
        If there is no set.
    UsageError
        If the source names a detector, and its format has cut faces already.
    """
    kind = find_format(source.path, source.format)
    _check(source, kind)
    return source.detector or (KDEF_DETECTOR if kind == "kdef" else None)


def measured_part(source: DataSource) -> DataSource:
    """Return what a network may be measured on: of a set with parts the one for validation, unless ``source`` names one.

    It is the part that `load_pair` keeps from training. A folder with one part that is not for training gives that.

    Raises
    ------
    UsageError
        If the set has parts, and which one is meant cannot be told.
    DataSetError
        If there is no set.
    """
    parts = _own_parts(source)
    if not parts:
        return source
    part = "validation" if "validation" in parts else min(parts)
    if part != "validation" and parts != {"test"}:
        raise UsageError(
            f"{source.path} has no validation part to measure on; it has {', '.join(sorted(parts))}.",
            "Name a part with --part, or give the folder of one.",
        )
    official = f" ({USAGES[part]})" if find_format(source.path, source.format) == "fer2013" else ""
    _log.info("%s: no part is named: its %s part%s is measured on", source.path, part, official)
    return replace(source, part=part)


def load_pair(
    train: DataSource,
    validation: DataSource | None = None,
    split: str | None = None,
    share: float = 0.2,
    seed: int = 0,
) -> tuple[FaceSet, FaceSet]:
    """Read what to train with and what to validate on.

    Parameters
    ----------
    train
        The training set.
    validation
        The validation set. None takes it from ``train``: fer2013.csv and folders with ``train`` and ``val`` have one
        of their own, unless ``train`` names a part; everything else is divided.
    split, share, seed
        How to divide: see `fer_edge.training.data.split.split_faces`. A set with a validation part of its own is not
        divided, and refuses ``split``.

    Raises
    ------
    DataSetError, UsageError, MissingExtra
        As `load_faces` and `fer_edge.training.data.split.split_faces` do.
    """
    own_parts = _own_parts(train)
    if validation is None and "validation" in own_parts and "training" in own_parts:
        if split:
            raise UsageError(
                f"{train.path} has a validation part of its own and is not split.",
                "Leave --split out, or name the one part that is to be split.",
            )
        validation = replace(train, part="validation")
    if "training" in own_parts:
        # Neither a test part nor the part to validate on may be trained with.
        train = replace(train, part="training")
    if validation is None:
        return split_faces(load_faces(train), split, share, seed)
    if split:
        raise UsageError("With a validation set of its own nothing is split.", "Leave --split or --validation out.")
    validation = measured_part(validation)
    if validation == train:
        _log.warning("%s is training set and validation set at once: the figures say nothing of new faces", train.path)
    return load_faces(train), load_faces(validation)


def _fer2013_file(path: Path) -> Path:
    return path / FER2013_NAME if path.is_dir() else path


def _own_parts(source: DataSource) -> set[str]:
    """Return the parts that a set has and of which the source names none."""
    if source.part:
        return set()
    kind = find_format(source.path, source.format)
    if kind == "fer2013":
        return set(PARTS)
    if kind == "folder":
        with needed_libraries():
            from fer_edge.training.data.folder import find_parts

        return set(find_parts(source.path))
    return set()


def _check(source: DataSource, kind: str) -> None:
    if source.colour not in COLOURS:
        raise UsageError(f"There is no colour {source.colour!r}.", f"Choose one of {', '.join(COLOURS)}.")
    if source.part is not None and source.part not in PARTS:
        raise UsageError(f"There is no part {source.part!r}.", f"Choose one of {', '.join(PARTS)}.")
    where = f"{source.path} (format {kind})"
    if source.part and kind not in ("fer2013", "folder"):
        raise UsageError(f"{where} has no parts.", "Leave --part out.")
    if source.votes and kind != "fer2013":
        raise UsageError(f"{where} takes no file of votes.", "Leave --votes out; it belongs to fer2013.csv.")
    if source.detector and kind not in ("kdef", "folder"):
        raise UsageError(f"{where} holds cut faces; no detector is used to read it.", "Leave --data-detector out.")


@contextmanager
def _detector(name: str | None) -> Iterator[FaceDetector | None]:
    if name is None:
        yield None
        return
    from fer_edge.detect import open_detector

    detector = open_detector(name)
    try:
        yield detector
    finally:
        detector.close()
