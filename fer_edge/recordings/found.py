"""Which files are recordings, and those that were found, wherever they lie: each has a name of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Collection, Dict, List, Tuple

from fer_edge.capture.file.places import SUFFIXES as PICTURE_SUFFIXES
from fer_edge.errors import UsageError
from fer_edge.recordings.recording import PICTURES, VIDEO, Recording, natural
from fer_edge.system.masking import mask, shown

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".wmv"),
    *(
        ".asf",
        ".flv",
        ".f4v",
        ".3gp",
        ".3g2",
        ".ogv",
        ".vob",
        ".mxf",
        ".divx",
        ".y4m",
        ".h264",
        ".264",
        ".hevc",
        ".265",
    ),
)
"""Endings, in lower case, of what is taken for a video where a folder is searched; a file that is named itself may have any."""

ANIMATION = ".gif"
"""A picture by name that is a recording of its own, as it has a time."""

RESERVED = ("summary.csv", "failures.csv", "index.html")
"""Names that the results of a run have, so that no recording may, nor the folder that it lies in."""

_OF_ONE = ("frames.csv", "states.csv", "frames.parquet", "states.parquet", "summary.json", "report.html")
"""Names that the results of a recording have in its folder."""


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes
    ----------
    recordings : tuple of Recording
        Sorted naturally by name, each once.
    unreadable : tuple of (str, str)
        Folders that could not be searched, and why.
    others : int
        Files that are neither videos nor pictures.
    """

    recordings: Tuple[Recording, ...]
    unreadable: Tuple[Tuple[str, str], ...] = ()
    others: int = 0


def kind_of(name: str) -> str:
    """Return what a file of a folder is by its ending: `VIDEO`, `PICTURES`, or nothing.

    Examples
    --------
    >>> kind_of("take1.MP4"), kind_of("wave.gif"), kind_of("anna.jpg"), kind_of("notes.txt")
    ('video', 'video', 'pictures', '')
    """
    ending = os.path.splitext(name)[1].lower()
    if ending in VIDEO_SUFFIXES or ending == ANIMATION:
        return VIDEO
    return PICTURES if ending in PICTURE_SUFFIXES else ""


class Catalogue:
    """Takes the recordings that are found, and refuses those whose names would have their results get in each other's way.

    Attributes
    ----------
    unreadable : list of (str, str)
        As of `Found`.
    others : int
        As of `Found`.
    """

    def __init__(self) -> None:
        self.unreadable: List[Tuple[str, str]] = []
        self.others = 0
        self._recordings: Dict[str, Recording] = {}
        self._places: Dict[str, str] = {}

    def put(self, recording: Recording, place: str) -> None:
        """Take a recording; `place` is where it really lies, so that one that is named twice is taken once.

        Raises
        ------
        UsageError
            Another one has its name.
        """
        known = self._recordings.setdefault(recording.name, recording)
        if (self._places.setdefault(recording.name, place), known.files) != (place, recording.files):
            raise UsageError(
                f"Two recordings are called '{shown(recording.name)}': {_named(known)} and {_named(recording)}.",
                "Name the folder that holds both, so that their names have its folders, or analyse them in two runs.",
            )

    def found(self) -> Found:
        """Return what was found.

        Raises
        ------
        UsageError
            It is nothing, or a recording has a name that the results need.
        """
        if not self._recordings:
            raise UsageError(
                "No recording was named.", "Give files, folders or patterns: fer-edge analyse interviews/ --out results"
            )
        _refuse_reserved(self._recordings)
        names = sorted(self._recordings, key=natural)
        return Found(tuple(self._recordings[name] for name in names), tuple(self.unreadable), self.others)


def place_of(recording: Recording) -> str:
    """Return the path or address of a recording; of a single picture, that of its file."""
    single = recording.kind == PICTURES and len(recording.files) == 1
    return os.path.join(recording.path, recording.files[0]) if single else recording.path


def _refuse_reserved(names: Collection[str]) -> None:
    """Raise UsageError where the results of one recording would lie where other results do."""
    for name in names:
        first, *rest = name.split("/")
        above = first
        taken = first in RESERVED
        for part in rest:
            taken = taken or (part in _OF_ONE and above in names)
            above = f"{above}/{part}"
        if taken:
            raise UsageError(
                f"A recording may not be called '{shown(name)}', as the results are.",
                "Rename it, or the folder of that name.",
            )


def _named(recording: Recording) -> str:
    place = place_of(recording)
    return shown(mask(place) if "://" in place else place)
