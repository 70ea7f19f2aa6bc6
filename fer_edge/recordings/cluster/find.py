"""Which recordings lie at an address."""

from __future__ import annotations

import os
from typing import Dict, List, Mapping, Sequence, Tuple

from fer_edge.errors import SourceNotFound, SourceUnreadable
from fer_edge.recordings.cluster.storage import Storage, below, is_url
from fer_edge.recordings.find import search
from fer_edge.recordings.found import Catalogue, Found, kind_of
from fer_edge.recordings.recording import PICTURES, VIDEO, Recording, natural
from fer_edge.system.masking import mask, shown


def find_anywhere(arguments: Sequence[str], out: str = "") -> Found:
    """Find the recordings of paths, as `find_recordings` does, and of addresses of files and folders.

    Parameters
    ----------
    arguments : sequence of str
        Paths, patterns and addresses.
    out : str
        Path or address of the folder of the results, which is not searched.

    Raises
    ------
    UsageError
        Two recordings have one name, or one has a name that the results need.
    SourceError
        An argument names nothing that is there, that may be read, or that is a recording.
    MissingExtra
        The package for a storage is not installed.
    """
    catalogue = Catalogue()
    search([argument for argument in arguments if not is_url(argument)], "" if is_url(out) else out, catalogue)
    for url in dict.fromkeys(argument.rstrip("/") for argument in arguments if is_url(argument)):
        recordings, others = _at(url, out.rstrip("/"))
        catalogue.others += others
        catalogue.recordings += recordings
    return catalogue.found(_size)


def _size(place: str) -> int:
    return Storage(place).size(place) if is_url(place) else os.path.getsize(place)


def _at(url: str, out: str) -> Tuple[List[Recording], int]:
    storage = Storage(url)
    if storage.is_file(url):
        folder, _, name = url.rpartition("/")
        kind = kind_of(name) or VIDEO
        size = storage.size(url)
        return [
            Recording(name, kind, folder, (name,), size) if kind == PICTURES else Recording(name, kind, url, (), size)
        ], 0
    files = {
        name: size
        for name, size in storage.files_below(url).items()
        if not name.startswith(out + "/") and not any(part.startswith(".") for part in name[len(url) :].split("/"))
    }
    recordings, others = _in_folder(url, files)
    if not recordings:
        if not files:
            raise SourceNotFound(f"There is no file or folder {shown(mask(url))}.", "Check the address.")
        raise SourceUnreadable(
            f"The folder {shown(mask(url))} holds no videos and no pictures.",
            "Name a file itself if it has another ending.",
        )
    return recordings, others


def _in_folder(url: str, files: Mapping[str, int]) -> Tuple[List[Recording], int]:
    recordings: List[Recording] = []
    pictures: Dict[str, List[str]] = {}
    others = 0
    for name in sorted(files, key=natural):
        folder, _, own = name.rpartition("/")
        kind = kind_of(own)
        if kind == PICTURES:
            pictures.setdefault(folder, []).append(own)
        elif kind == VIDEO:
            recordings.append(Recording(name[len(url) + 1 :], VIDEO, name, (), files[name]))
        else:
            others += 1
    for folder, names in pictures.items():
        own = folder[len(url) + 1 :] or url.rpartition("/")[2] or "pictures"
        recordings.append(
            Recording(own, PICTURES, folder, tuple(names), sum(files[below(folder, one)] for one in names))
        )
    return recordings, others
