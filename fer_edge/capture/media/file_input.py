"""Video files, for PyAV."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from fer_edge.capture.file.container import is_cut, is_text, lacks_index
from fer_edge.capture.file.places import path_of
from fer_edge.capture.media.inputs import MediaInput, Prepared
from fer_edge.capture.media.messages import Report
from fer_edge.capture.media.names import PLAYLISTS
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, SourceNotFound, SourcePermission, SourceUnreadable
from fer_edge.system.masking import shown
from fer_edge.system.regular_file import open_regular

KINDS = "mp4, mov, mkv, webm, avi, mpg, ts, gif, and what else FFmpeg reads"

_PIECES = "file,crypto,data,http,https,tcp,tls,httpproxy"
"""What a playlist on this machine may lead to: files, and web servers."""

_STALL = 60.0
"""Seconds; a slow board has decoded a frame of any size by then, and a sleeping disk has woken up."""


class FileInput(MediaInput):
    """A file on this machine.

    Parameters
    ----------
    text : str
        Its path; a ``~`` at the beginning is a home folder. Any bytes will do, as ``os.fsdecode`` gives them.
    settings : CaptureSettings
        Time limits; a network drive may be behind it.
    quick : bool
        As of `MediaInput`.
    """

    again = True

    def __init__(self, text: str, settings: CaptureSettings, quick: bool = False) -> None:
        self.quick = quick
        self._path = Path(encodable(path_of(text)))
        self.name, self.title = shown(self._path), shown(self._path.name)
        self.open_timeout = self.first_timeout = self.stall_timeout = max(_STALL, settings.stall_timeout)

    def prepare(self, interrupted: threading.Event) -> Prepared:  # noqa: ARG002  (opening a file cannot be left)
        """Check that it can be read, for FFmpeg would say less."""
        self._check()
        options = {}
        if self._path.suffix.lower() in PLAYLISTS:
            options["protocol_whitelist"] = _PIECES
        # Without "file:", a name such as 21:43.mp4 would be of the protocol "21".
        return Prepared(f"file:{self._path}", options)

    def is_cut(self) -> bool:
        """Return whether the structure says so."""
        try:
            return is_cut(self._path)
        except OSError:  # removed since
            return False

    def unreadable(self, report: Report) -> SourceError:
        """Say why."""
        common = self.common(report)
        if common is not None:
            return common
        try:
            if lacks_index(self._path):
                return SourceUnreadable(
                    f"{self.name} has no index (moov): the recording was cut off before it was finished.",
                    "Record it again, or repair it with a tool such as untrunc.",
                )
        except OSError:
            pass
        said = f": {self.words(report)}" if report.words else ""
        if self.is_cut():
            return SourceUnreadable(
                f"{self.name} is cut off before its first image could be read{said}.",
                "Copy the file again if there is a whole one.",
            )
        return SourceUnreadable(f"{self.name} is no video that can be read{said}.", f"These kinds work: {KINDS}.")

    def _check(self) -> None:
        # Unlike Path.exists, it takes names that are too long for any file.
        if not os.path.exists(self._path):
            raise SourceNotFound(
                f"There is no file {self.name}.",
                "--camera takes 0, /dev/video0, csi:0, gst:..., rtsp://..., http://..., a file, a folder, demo or demo:3.",
            )
        if not self._path.is_file():
            raise SourceUnreadable(f"{self.name} is not a file.", f"Give a video file ({KINDS}).")
        try:
            with open_regular(self._path):
                pass
            if self._path.stat().st_size == 0:
                raise SourceUnreadable(f"{self.name} is empty.", "Record or copy it again.")
            if is_text(self._path) and self._path.suffix.lower() not in PLAYLISTS:
                raise self.unreadable(Report())
        except PermissionError:
            raise SourcePermission(
                f"This user may not read {self.name}.", f"Allow it with:  chmod u+r '{self.name}'  or ask its owner."
            ) from None
        except OSError as error:
            raise SourceUnreadable(f"{self.name} cannot be read: {error.strerror}.", "Check the disk.") from None


def encodable(path: str) -> str:
    """Return a path as this process can hand it to the system: in a locale without its letters, as the bytes of UTF-8."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return os.fsdecode(path.encode("utf-8", "surrogateescape"))
    return path
