"""Which files are recordings, and those that were found, wherever they lie: each has a name of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, Collection, List, Tuple

from fer_edge.capture.file.places import SUFFIXES as PICTURE_SUFFIXES
from fer_edge.errors import UsageError
from fer_edge.recordings.overlap import each_once
from fer_edge.recordings.recording import PICTURES, VIDEO, Recording, natural
from fer_edge.system.masking import shown

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
        Sorted naturally by name, each file once.
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
    """Takes what is found, and refuses names that would have results get in each other's way.

    Attributes
    ----------
    recordings : list of Recording
        In the order of the arguments, whatever several of them name as often as they do.
    unreadable : list of (str, str)
        As of `Found`.
    others : int
        As of `Found`.
    """

    def __init__(self) -> None:
        self.unreadable: List[Tuple[str, str]] = []
        self.others = 0
        self.recordings: List[Recording] = []

    def found(self, size_of: Callable[[str], int]) -> Found:
        """Return what was found, each file once; `size_of` gives the bytes of one.

        Raises
        ------
        UsageError
            It is nothing, two recordings have one name, or one has a name that the results need.
        """
        if not self.recordings:
            raise UsageError(
                "No recording was named.", "Give files, folders or patterns: fer-edge analyse interviews/ --out results"
            )
        recordings = each_once(self.recordings, size_of)
        _refuse_reserved(recordings)
        names = sorted(recordings, key=natural)
        return Found(tuple(recordings[name] for name in names), tuple(self.unreadable), self.others)


def _refuse_reserved(names: Collection[str]) -> None:
    """Raise UsageError where the results of one recording would lie where other results do, or outside."""
    for name in names:
        first, *rest = name.split("/")
        if not {"", ".", ".."}.isdisjoint((first, *rest)):
            raise UsageError(
                f"The results of '{shown(name)}' would lie outside of their folder.",
                "Give the recording, its folder or a pattern without '..' behind its first sign.",
            )
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
