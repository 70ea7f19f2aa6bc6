"""Which recordings the paths and patterns of a command line name."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from fer_edge.capture.file.container import is_text
from fer_edge.capture.file.places import is_image_place, path_of
from fer_edge.errors import SourceNotFound, SourcePermission, SourceUnreadable, UsageError
from fer_edge.recordings.found import ANIMATION, VIDEO_SUFFIXES, Catalogue, Found, kind_of
from fer_edge.recordings.recording import PICTURES, VIDEO, Recording, natural
from fer_edge.system.masking import mask, shown


def find_recordings(arguments: Sequence[str], out: str = "") -> Found:
    """Find the recordings of files, folders (with all that is in them) and patterns.

    Parameters
    ----------
    arguments : sequence of str
        As a command line has them; a ``~`` at the beginning is a home folder.
    out : str
        The folder of the results, which is not searched.

    Raises
    ------
    UsageError
        Two recordings have one name, or one has a name that the results need.
    SourceNotFound, SourcePermission, SourceUnreadable
        An argument names nothing that is there, that may be read, or that is a recording.
    """
    catalogue = Catalogue()
    search(arguments, out, catalogue)
    return catalogue.found(_size)


def search(arguments: Sequence[str], out: str, catalogue: Catalogue) -> None:
    """Put the recordings of files, folders and patterns into a catalogue; the rest is as of `find_recordings`."""
    paths = _Search(os.path.realpath(out) if out else "", catalogue)
    for argument in arguments:
        paths.add(argument)


class _Search:
    def __init__(self, out: str, catalogue: Catalogue) -> None:
        self._out = out
        self._catalogue = catalogue

    def add(self, argument: str) -> None:
        """Add what one argument names."""
        place = path_of(argument)
        if "://" in argument and not os.path.exists(place):
            raise UsageError(
                f"'{shown(mask(argument))}' is an address, and no recording on this machine.",
                "Record it first, watch it with  fer-edge --camera,  or have a cluster read it:  fer-edge analyse --on ray",
            )
        if os.path.isdir(place):
            before = len(self._catalogue.recordings)
            self._add_files(list(self._files_below(place)), place)
            if self._is_out(place):
                raise UsageError(
                    f"{shown(place)} is the folder of the results (--out), or in it, and is not searched.",
                    f"Name another for the results, such as {shown(os.path.join(place, 'results'))}.",
                )
            if len(self._catalogue.recordings) == before and not self._catalogue.unreadable:
                raise SourceUnreadable(
                    f"The folder {shown(place)} holds no videos and no pictures.",
                    f"Videos are known by their endings ({', '.join(one[1:] for one in VIDEO_SUFFIXES[:6])}, ...); name a file "
                    "itself if it has another.",
                )
        elif os.path.exists(place):
            self._add_file(place, os.path.basename(place))
        elif glob.has_magic(place):
            self._add_pattern(place)
        else:
            raise SourceNotFound(f"There is no file or folder {shown(place)}.", "Check the spelling and the folder.")

    def _add_pattern(self, pattern: str) -> None:
        named = [path for path in glob.glob(pattern, recursive=True) if not self._is_out(path)]
        base = _fixed_part(pattern)
        files = [path for path in named if os.path.isfile(path)]
        if not files:
            raise SourceNotFound(
                f"No file fits the pattern {shown(pattern)}.", "Quote the pattern, and check the folder's name."
            )
        self._add_files(files, base)

    def _files_below(self, folder: str) -> Iterator[str]:
        """Return the files below a folder, each folder once also where links lead back."""
        seen = set()

        def note(error: OSError) -> None:
            if error.filename == folder:
                raise SourcePermission(
                    f"This user may not read the folder {shown(folder)}.",
                    f"Allow it with:  chmod u+rx '{shown(folder)}'  or ask its owner.",
                )
            self._catalogue.unreadable.append((str(error.filename), error.strerror or "it cannot be read"))

        for where, folders, files in os.walk(folder, onerror=note, followlinks=True):
            try:
                status = os.stat(where)
            except OSError as error:  # it was there a moment ago
                note(error)
                folders[:] = []
                continue
            identity = status.st_dev, status.st_ino
            if identity in seen or self._is_out(where):
                folders[:] = []
                continue
            seen.add(identity)
            folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural)
            yield from (os.path.join(where, name) for name in files if not name.startswith("."))

    def _add_files(self, paths: Sequence[str], base: str) -> None:
        """Add videos each by itself, and pictures by their folder."""
        pictures: Dict[str, List[str]] = {}
        for path in sorted(paths, key=natural):
            kind = kind_of(path)
            if not os.path.isfile(path) and (os.path.exists(path) or not os.path.islink(path)):
                continue  # a device or a pipe, or a link to one; of a link to nothing it is told why
            if kind == PICTURES:
                pictures.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
            elif kind == VIDEO and not (path.lower().endswith((".ts", ".mts")) and _is_text(path)):
                self._catalogue.recordings.append(
                    Recording(_below(path, base), VIDEO, os.path.abspath(path), size=_size(path))
                )
            else:
                self._catalogue.others += 1
        for folder, names in pictures.items():
            name = _below(folder, base) if os.path.abspath(folder) != os.path.abspath(base or ".") else ""
            size = sum(_size(os.path.join(folder, one)) for one in names)
            own = name or os.path.basename(os.path.abspath(folder)) or "pictures"
            self._catalogue.recordings.append(Recording(own, PICTURES, os.path.abspath(folder), tuple(names), size))

    def _add_file(self, path: str, name: str) -> None:
        if not os.path.isfile(path):
            raise SourceUnreadable(f"{shown(path)} is not a file.", "Give a video, a picture or a folder.")
        if is_image_place(path) and not path.lower().endswith(ANIMATION):
            folder, own = os.path.split(os.path.abspath(path))
            self._catalogue.recordings.append(Recording(name, PICTURES, folder, (own,), _size(path)))
        else:
            self._catalogue.recordings.append(Recording(name, VIDEO, os.path.abspath(path), size=_size(path)))

    def _is_out(self, path: str) -> bool:
        real = os.path.realpath(path)
        return bool(self._out) and (real == self._out or real.startswith(self._out + os.sep))


def _below(path: str, base: str) -> str:
    return os.path.relpath(path, base or ".").replace(os.sep, "/")


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:  # it is told when it is read
        return 0


def _is_text(path: str) -> bool:
    try:
        return is_text(Path(path))
    except OSError:
        return False


def _fixed_part(pattern: str) -> str:
    """Return the folder of a pattern up to the first part that has a sign with a meaning in it."""
    parts = pattern.split("/")[:-1]
    fixed: List[str] = []
    for part in parts:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return "/".join(fixed) or ("/" if pattern.startswith("/") else "")
