"""Files at addresses such as ``s3://bucket/folder``: through fsspec, and the package that it has for each kind of storage."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from typing import Any, Callable, Dict, Iterator, List, Mapping

from fer_edge.errors import (
    FerEdgeError,
    MissingExtra,
    OutputNotWritable,
    SourceNotFound,
    SourcePermission,
    SourceUnreachable,
    UsageError,
)
from fer_edge.system.libraries import import_library, in_short
from fer_edge.system.masking import mask, shown

CHUNK = 1 << 22
"""Bytes that are read and written at once."""

WHOLE_OR_NOT = frozenset(
    ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "obs", "cos", "tos", "hf", "r2")
)
"""Kinds of storage in which a file is there once all of it is, and a renaming copies it."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MARKS = (
    "ETag",
    "etag",
    "md5Hash",
    "md5",
    "crc32c",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "modified",
    "created",
)
_KEYS = ("credential", "authentication", "authorization", "tokenretrieval")
"""Parts of the names that packages give to their errors for keys that are missing, or are not taken."""

_OF_PIP = re.compile(r"[Ii]nstall ([A-Za-z][\w.\[\]-]*)")

Tick = Callable[[], None]


def nothing() -> None:
    """Do nothing, where nobody wants to be told of each chunk."""


def is_url(place: str) -> bool:
    """Return whether a place is an address for fsspec, and no path.

    Examples
    --------
    >>> is_url("s3://bucket/interviews"), is_url("/data/interviews")
    (True, False)
    """
    return _URL.match(place) is not None


def below(url: str, *names: str) -> str:
    """Return the address of a file in a folder.

    Examples
    --------
    >>> below("s3://bucket/results/", "anna", "summary.json")
    's3://bucket/results/anna/summary.json'
    """
    return "/".join((url.rstrip("/"), *names))


class Storage:
    """The storage that an address names.

    Parameters
    ----------
    url : str
        Of any file or folder in it. Keys and regions come from where the package of that storage looks for them.

    Raises
    ------
    MissingExtra
        fsspec, or its package for this storage, is not installed.
    UsageError
        There is no storage of this kind.

    Examples
    --------
    >>> Storage("memory://folder").files_below("memory://nothing-there")
    {}
    """

    def __init__(self, url: str) -> None:
        fsspec = import_library("fsspec", "cluster", "A file at an address")
        # s3fs tries five times what botocore tries five times itself: seven minutes with a server that says nothing.
        os.environ.setdefault("AWS_MAX_ATTEMPTS", "2")
        kind = url.partition("://")[0].lower()
        self._named = shown(mask(url))
        try:
            self._fs: Any = fsspec.core.url_to_fs(url)[0]
        except ImportError as error:
            found = _OF_PIP.search(str(error))
            package = found.group(1) if found else "that fsspec names"
            raise MissingExtra(
                f"{self._named} needs the Python package '{package}', which is not installed.",
                f"Install it on every machine:  pip install {found.group(1) if found else 'fsspec[full]'}   ({error})",
            ) from error
        except ValueError as error:
            raise UsageError(
                f"There is no storage for {self._named}: {in_short(error)}.",
                "Give a path, or an address that fsspec knows: s3://, gs://, abfs://, sftp://, hdfs://, smb://...",
            ) from error
        except Exception as error:
            raise self._unreachable(error) from error
        self._whole_or_not = kind in WHOLE_OR_NOT

    def files_below(self, url: str) -> Dict[str, int]:
        """Return the addresses of all files in a folder and those in it, with their sizes; none where it is not there.

        Raises
        ------
        SourceError
            The storage refuses, or does not answer.
        """
        with self._reading(url):
            self._fs.invalidate_cache()
            folder = self._path(url).rstrip("/") + "/"
            found: Mapping[str, Mapping[str, Any]] = self._fs.find(folder, detail=True)
            return {
                below(url, name[len(folder) :]): int(info.get("size") or 0)
                for name, info in found.items()
                if name.startswith(folder) and not name.endswith("/")
            }

    def size(self, url: str) -> int:
        """Return the bytes of a file. Raises SourceError."""
        with self._reading(url):
            return int(self._info(url).get("size") or 0)

    def is_file(self, url: str) -> bool:
        """Return whether there is such a file. Raises SourceError."""
        try:  # fsspec's own `isfile` takes a storage that refuses, or does not answer, for one without the file
            with self._reading(url):
                return bool(self._info(url).get("type") == "file")
        except SourceNotFound:
            return False

    def stamp(self, url: str) -> str:
        """Return what differs once a file was written anew, as far as this kind of storage tells. Raises SourceError."""
        with self._reading(url):
            info = self._info(url)
            mark = next((str(info[name]) for name in _MARKS if info.get(name)), "")
            return hashlib.sha256(f"{info.get('size')}:{mark}".encode()).hexdigest()

    def fetch(self, url: str, path: str, tick: Tick = nothing) -> None:
        """Copy a file to a path here.

        Raises
        ------
        SourceError
            It cannot be read.
        OSError
            It cannot be written here.
        """
        with open(path, "wb") as file:
            for chunk in self._chunks(url):
                file.write(chunk)
                tick()

    def put(self, path: str, url: str, tick: Tick = nothing) -> None:
        """Copy a file from here to an address, where it is there once all of it is, as far as the storage can.

        Raises
        ------
        OutputNotWritable
            The storage refuses, or does not answer.
        """
        place = self._path(url)
        folder, _, name = place.rpartition("/")
        draft = place if self._whole_or_not else f"{folder}/.fer-edge-{secrets.token_hex(8)}-{name}"
        with self._writing(url):
            if not self._whole_or_not:  # those have no folders, and would make a bucket of a name that was mistyped
                self._fs.makedirs(folder, exist_ok=True)
            try:
                self._copy(path, draft, tick)
                if draft != place:
                    self._moved(path, draft, place, tick)
            finally:
                if draft != place:
                    with contextlib.suppress(Exception):  # it was moved
                        self._fs.rm_file(draft)

    def remove(self, url: str) -> None:
        """Remove a file or a folder with all in it, if it is there. Raises OutputNotWritable."""
        with self._writing(url), contextlib.suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            if self._fs.exists(self._path(url)):
                self._fs.rm(self._path(url), recursive=True)

    def _moved(self, path: str, draft: str, place: str, tick: Tick) -> None:
        try:
            self._fs.mv(draft, place)
        except NotImplementedError:  # then it is written last, and not beside its place
            self._copy(path, place, tick)

    def _copy(self, path: str, place: str, tick: Tick) -> None:
        with open(path, "rb") as source, self._fs.open(place, "wb") as target:
            for chunk in iter(lambda: source.read(CHUNK), b""):
                target.write(chunk)
                tick()

    def _chunks(self, url: str) -> Iterator[bytes]:
        with self._reading(url), self._fs.open(self._path(url), "rb") as file:
            while True:
                chunk = file.read(CHUNK)
                if not chunk:
                    return
                yield chunk

    def _info(self, url: str) -> Mapping[str, Any]:
        self._fs.invalidate_cache()
        info: Mapping[str, Any] = self._fs.info(self._path(url))
        return info

    def _path(self, url: str) -> str:
        return str(self._fs._strip_protocol(url))

    @contextlib.contextmanager
    def _reading(self, url: str) -> Iterator[None]:
        try:
            yield
        except FerEdgeError:
            raise
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise SourceNotFound(f"There is no file {shown(mask(url))}.", "Check the address.") from error
        except Exception as error:
            if isinstance(error, PermissionError) or _is_of_keys(error):
                raise SourcePermission(
                    f"{shown(mask(url))} may not be read: {_said(error)}.",
                    "Give every machine of the cluster the keys of the storage.",
                ) from error
            raise self._unreachable(error) from error

    @contextlib.contextmanager
    def _writing(self, url: str) -> Iterator[None]:
        try:
            yield
        except FerEdgeError:
            raise
        except Exception as error:
            raise OutputNotWritable(
                f"{shown(mask(url))} cannot be written: {_said(error)}.",
                "Look at the address, at the rights of the keys that every machine of the cluster has, and for space.",
            ) from error

    def _unreachable(self, error: Exception) -> SourceUnreachable:
        return SourceUnreachable(
            f"{self._named} cannot be reached: {_said(error)}.",
            "Look at the address and the network, and at the keys that every machine of the cluster has.",
        )


def _is_of_keys(error: Exception) -> bool:
    name = type(error).__name__.lower()
    return any(part in name for part in _KEYS)


def _said(error: Exception) -> str:
    return shown(mask(f"{type(error).__name__}: {in_short(error)}"))


def names_in(url: str, files: Mapping[str, int]) -> List[str]:
    """Return what files of a folder are called below it."""
    return [name[len(url.rstrip("/")) + 1 :] for name in files if name.startswith(url.rstrip("/") + "/")]
