"""Where results go: window, recording and file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fer_edge.settings.field import setting
from fer_edge.settings.values import FLAG, PATH, POSITIVE, choice

DISPLAYS = ("auto", "window", "none")


@dataclass(frozen=True)
class OutputSettings:
    """Where results go: window, recording and file."""

    display: str = setting(
        "display",
        "auto",
        choice(*DISPLAYS),
        "MODE",
        "output",
        "auto opens a window where there is a display; window insists on it; none never does",
    )
    record: str = setting(
        "record",
        "",
        PATH,
        "FILE",
        "output",
        "write the annotated video there (.mp4 or .avi); {camera} in the name stands for the camera's own, a file for each",
    )
    record_minutes: Optional[float] = setting(
        "record_minutes",
        None,
        POSITIVE,
        "MIN",
        "output",
        "record in pieces of so many minutes, each named after its beginning in UTC, as FILE-20261126T101500Z.mp4 "
        "(default: one file)",
    )
    record_keep: Optional[float] = setting(
        "record_keep",
        None,
        POSITIVE,
        "GB",
        "output",
        "record in pieces, and delete the oldest of them when all together have more gigabytes; a piece ends when it has a "
        "quarter of them",
    )
    output: str = setting(
        "output",
        "",
        PATH,
        "FILE",
        "output",
        "write one JSON object per frame there, of all cameras, or with {camera} in the name a file for each; - is standard "
        "output",
    )
    append: bool = setting(
        "append",
        False,
        FLAG,
        "BOOL",
        "output",
        "keep what is there: go on with the results file, and give the recording a name with a number",
    )
    bars: bool = setting(
        "bars", True, FLAG, "BOOL", "output", "draw the probabilities of all seven expressions beside a face"
    )

    @property
    def in_pieces(self) -> bool:
        """Whether a recording is one in pieces."""
        return self.record_minutes is not None or self.record_keep is not None
