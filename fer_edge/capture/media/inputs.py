"""What is read: a file, a pipe, or a stream from the network. Each knows how it is handed over, and what its failures mean."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from fer_edge.capture.limits import LARGEST, MOST_PIXELS
from fer_edge.capture.media.messages import Report
from fer_edge.errors import LibraryUnusable, SourceError, SourceTruncated, SourceUnreadable
from fer_edge.system.masking import mask, printable

_LONGEST_WORDS = 300
_WHO = re.compile(r"(?:\[[^\]]*\] )+")
"""Which parts of FFmpeg say it, such as ``[mov,mp4 @ 0x7f1c] [h264 @ 0x7f1d]``."""

_WHERE = re.compile(r"(?s)(?P<words>.+?): (?P<quote>['\"])file:.*(?P=quote)")
"""A file at the end, which is what the message begins with."""


@dataclass(frozen=True)
class Prepared:
    """What the child process is given.

    Attributes
    ----------
    place : str
        As FFmpeg takes it.
    options : dict of str to str
        FFmpeg's own.
    descriptors : tuple of int
        Those that it inherits.
    library : str
        ``av`` or ``cv2``.
    """

    place: str
    options: Dict[str, str] = field(default_factory=dict)
    descriptors: Tuple[int, ...] = ()
    library: str = "av"


class MediaInput(ABC):
    """One thing to read.

    Attributes
    ----------
    name : str
        For people, without a password.
    title : str
        The same in short.
    live : bool
        Whether only the newest image matters.
    paced : bool
        Whether images come in bursts and are held back until their time.
    again : bool
        Whether it can be read from its beginning once more.
    quick : bool
        Whether colours are converted the quick way (`fer_edge.capture.media.picture.Picture`).
    open_timeout, first_timeout, stall_timeout : float, optional
        Seconds until it must have answered, from then on until its first image, and between two; None where waiting has no end.
    """

    name: str
    title: str
    live = False
    paced = False
    again = False
    quick = False
    open_timeout: Optional[float] = None
    first_timeout: Optional[float] = None
    stall_timeout: Optional[float] = None

    @abstractmethod
    def prepare(self, interrupted: threading.Event) -> Prepared:
        """Look whether it is there, and return how it is handed over. Raises a SourceError."""

    @abstractmethod
    def unreadable(self, report: Report) -> SourceError:
        """Return what it means that no image could be read."""

    def is_cut(self) -> bool:
        """Return whether it ended before its own structure says it should."""
        return False

    def truncated(self, delivered: int, report: Report) -> SourceTruncated:
        """Return what to say at the end of something damaged."""
        said = f" ({self.words(report)})" if report.words else ""
        of = f" of {report.promised}" if report.promised > delivered and self.is_cut() else ""
        return SourceTruncated(
            f"{self.name} is cut off or damaged: {delivered}{of} frames could be read{said}.",
            "Everything that could be read was used. Copy the file again if there is a whole one.",
        )

    def release(self) -> None:  # noqa: B027  (most hold nothing)
        """Give back what `prepare` took."""

    @staticmethod
    def words(report: Report) -> str:
        """Return FFmpeg's words as they may be shown, without who says it, and of which file."""
        who = _WHO.match(report.words)
        words = report.words[who.end() :] if who else report.words
        where = _WHERE.fullmatch(words)
        words = where["words"] if where else words
        return printable(mask(words.strip()), _LONGEST_WORDS)

    def common(self, report: Report) -> Optional[SourceError]:
        """Return what failures mean that every input may have; None for others. Raises LibraryUnusable."""
        if report.error in ("ImportError", "ModuleNotFoundError"):
            raise LibraryUnusable(
                f"{self.name} needs the Python package 'av', which is installed, but does not load: {self.words(report)}.",
                "Install it anew:  pip install --force-reinstall av",
            )
        if report.error == "TooLarge":
            return SourceUnreadable(
                f"{self.name} is no video that can be read: its images have {self.words(report)} pixels.",
                f"Images may have {LARGEST} pixels a side and {MOST_PIXELS} in all: make it smaller with ffmpeg.",
            )
        return None
