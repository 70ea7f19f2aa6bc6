"""Which of the four layouts lies at a path; a look at it is short, however much lies there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from itertools import islice
from pathlib import Path

from fer_edge.errors import DataSetError, UsageError
from fer_edge.system.libraries import needing
from fer_edge.training.data.names import first_of

FORMATS = ("auto", "parquet", "fer2013", "kdef", "folder")
FER2013_NAME = "fer2013.csv"

USAGES = {"training": "Training", "validation": "PublicTest", "test": "PrivateTest"}
"""What FER2013 calls each part."""

MOST_ENTRIES = 1000
"""So many entries of a folder, and a tenth of that of each subfolder, are looked at to know KDEF by its names."""

_LAYOUTS = (
    "Give a Parquet file with an image column, fer2013.csv, a folder with KDEF's files (AF01ANS.JPG ...) in it or in its "
    "subfolders, or a folder with a subfolder for each expression; docs/data.md shows each."
)


def find_format(path: Path, wanted: str = "auto") -> str:
    """Return the format of the set at ``path``: ``wanted``, or what is found there.

    Parameters
    ----------
    path
        File or folder.
    wanted
        One of `FORMATS`; ``auto`` looks at what is there.

    Raises
    ------
    UsageError
        If ``wanted`` is no format.
    DataSetError
        If there is nothing at the path, nothing that is known, or nothing that can be of the format.
    MissingExtra
        If a library that reads folders is not installed.
    """
    if wanted not in FORMATS:
        raise UsageError(f"There is no data format {wanted!r}.", f"Choose one of {', '.join(FORMATS)}.")
    if not path.exists():
        raise DataSetError(f"There is no data set at {path}.", _LAYOUTS)
    if not path.is_file() and not path.is_dir():
        raise DataSetError(f"{path} is neither a file nor a folder.", _LAYOUTS)
    if wanted in ("kdef", "folder") and not path.is_dir():
        raise DataSetError(f"{path} is a file; the format {wanted} is a folder.", _LAYOUTS)
    if wanted == "parquet" and not path.is_file():
        raise DataSetError(f"{path} is a folder; the format parquet is a file.", "Give one of the files in it.")
    if wanted != "auto":
        return wanted
    try:
        with needed_libraries():
            return _format_of_folder(path) if path.is_dir() else _format_of_file(path)
    except OSError as error:
        raise DataSetError(f"{path} cannot be read: {error}.", "Check its rights and its disk.") from error


def needed_libraries() -> AbstractContextManager[None]:
    """Return which extra brings the library that an import of a reader does not find.

    Raises
    ------
    MissingExtra, LibraryUnusable
        In place of the ImportError.
    """
    return needing("train", "Reading a data set", "pyarrow")


def _format_of_file(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(200)
    if start.startswith(b"PAR1") or path.suffix.lower() == ".parquet":
        return "parquet"
    first_line = start.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    if path.suffix.lower() == ".csv" or {b"emotion", b"pixels"} <= {name.strip() for name in first_line.split(b",")}:
        return "fer2013"
    raise DataSetError(f"{path} is neither a Parquet file nor {FER2013_NAME}; it begins with {start[:16]!r}.", _LAYOUTS)


def _format_of_folder(path: Path) -> str:
    from fer_edge.training.data.folder import find_parts, is_folder_per_class

    if (path / FER2013_NAME).is_file():
        return "fer2013"
    if is_folder_per_class(path) or any(is_folder_per_class(part) for part in find_parts(path).values()):
        return "folder"
    if _is_kdef(path):
        return "kdef"
    names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    tables = [name for name in names if name.lower().endswith(".parquet")]
    if tables:
        raise DataSetError(f"{path} is a folder of Parquet files: {first_of(tables)}.", "Give one of these files.")
    raise DataSetError(f"{path} has no layout that is known: it holds {first_of(names) or 'nothing'}.", _LAYOUTS)


def _is_kdef(folder: Path) -> bool:
    """Return whether most of the pictures that lie near are named as KDEF's are."""
    from fer_edge.training.data.folder import SUFFIXES
    from fer_edge.training.data.kdef import parse_name

    pictures = [name for name in _names_near(folder) if name.lower().endswith(SUFFIXES)]
    return 2 * sum(parse_name(name) is not None for name in pictures) > len(pictures)


def _names_near(folder: Path) -> Iterator[str]:
    """Return names of what lies in ``folder`` and in its subfolders, and no more than `MOST_ENTRIES` allows."""
    entries = [entry for entry in islice(folder.iterdir(), MOST_ENTRIES) if not entry.name.startswith(".")]
    yield from (entry.name for entry in entries)
    for entry in entries:
        # Also of a file; of a folder that may not be read, nothing is known.
        with suppress(OSError):
            yield from (inner.name for inner in islice(entry.iterdir(), MOST_ENTRIES // 10))
