"""One file is analysed once, however many arguments lead to it."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import Callable, Dict, List, Sequence, Tuple

from fer_edge.errors import UsageError
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.system.masking import mask, shown

logger = logging.getLogger("fer_edge")

_SHOWN = 3


def each_once(found: Sequence[Recording], size_of: Callable[[str], int]) -> Dict[str, Recording]:
    """Return what was found by name, without what is there already under another one.

    Of several names the one with most folders stays, as it comes from the argument furthest up; pictures that a folder with
    more of them has, too, are that one's. A link to a file is a name that somebody gave on purpose, so it is a recording beside
    the file; links to folders are not.

    Parameters
    ----------
    found : sequence of Recording
        In the order of the arguments.
    size_of : callable
        Gives the bytes of a file, for pictures of which some are another recording's.

    Raises
    ------
    UsageError
        Two recordings have one name.
    """
    kept: Dict[str, Recording] = {}
    owner: Dict[str, str] = {}
    dropped: List[Tuple[str, str]] = []
    for recording in sorted(found, key=lambda one: (-len(one.files), -one.name.count("/"))):
        places = _places_of(recording)
        free = [place for place in places if place not in owner]
        name, known = recording.name, kept.get(recording.name)
        if known is not None and free and not _is_same(known, recording):
            raise UsageError(
                f"Two recordings are called '{shown(name)}': {_told(known)} and {_told(recording)}.",
                "Name the folder that holds both, so that their names have its folders, or analyse them in two runs.",
            )
        if len(free) < len(places):
            taken = next(owner[place] for place in places if place in owner)
            if taken != name:
                dropped.append((name, taken))
        if not free or known is not None:
            continue
        if len(free) < len(places):
            files = tuple(file for file, place in zip(recording.files, places) if place not in owner)
            kept[name] = replace(recording, files=files, size=sum(map(size_of, free)))
        else:
            kept[name] = recording
        owner.update(dict.fromkeys(free, name))
    _tell(dropped)
    return kept


def _place_of(recording: Recording) -> str:
    """Return where a recording lies: its file, or the folder of its pictures."""
    single = recording.kind == PICTURES and len(recording.files) == 1
    return _below(recording.path, recording.files[0]) if single else recording.path


def _places_of(recording: Recording) -> List[str]:
    """Return its files, with the folders that they really lie in."""
    if recording.kind != PICTURES:
        folder, _, own = recording.path.rpartition("/")
        return [_below(_real(folder), own)]
    folder = _real(recording.path)
    return [_below(folder, file) for file in recording.files]


def _real(folder: str) -> str:
    return folder if "://" in folder else os.path.realpath(folder or "/")


def _below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _is_same(one: Recording, other: Recording) -> bool:
    """Return whether two names of one kind lead to the same file by a link."""
    places = _place_of(one), _place_of(other)
    return one.files == other.files and len({_real(place) for place in places}) == 1


def _told(recording: Recording) -> str:
    place = _place_of(recording)
    return shown(mask(place) if "://" in place else place)


def _tell(dropped: Sequence[Tuple[str, str]]) -> None:
    if dropped:
        words = ", ".join(f"{shown(taken)} (also found as {shown(name)})" for name, taken in dropped[:_SHOWN])
        more = f", and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
        logger.warning("what several arguments name is analysed once: %s%s", words, more)
