"""Where results go: window, recording and file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fer_edge.settings.field import setting
from fer_edge.settings.values import DURATION, FLAG, PATH, STORAGE, choice

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
        "write the annotated video there (.mp4 or .avi); {camera} in the name stands for the camera's own, a file for each, "
        "and %Y-%m-%d for the day, in UTC",
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
    events: str = setting(
        "events",
        "",
        PATH,
        "FILE",
        "output",
        "write there what each face showed from when to when, one JSON object or, where the name ends in .csv, one row for "
        "each; - is standard output",
    )
    segment: Optional[float] = setting(
        "segment",
        None,
        DURATION,
        "TIME",
        "output",
        "write recordings, results and events in pieces of this length, such as 10m or 1h, each named after its beginning in "
        "UTC: as FILE-20261126T101500Z.mp4, or as the fields %Y %m %d %H %M %S %j in its name say, which make pieces also "
        "without this (%% is a percent sign)",
    )
    keep: Optional[float] = setting(
        "keep",
        None,
        STORAGE,
        "SIZE",
        "output",
        "write recordings, results and events in pieces, and delete the oldest when those of one name together have more than "
        "this, such as 20GB; a piece ends when it has a quarter of it",
    )
    append: bool = setting(
        "append",
        False,
        FLAG,
        "BOOL",
        "output",
        "keep what is there: go on with the file of results or events, and give the recording a name with a number",
    )
    bars: bool = setting(
        "bars", True, FLAG, "BOOL", "output", "draw the probabilities of all seven expressions beside a face"
    )
