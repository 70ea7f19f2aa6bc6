"""How long the program runs, and what it does about a source that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fer_edge.settings.field import setting
from fer_edge.settings.values import POSITIVE, WHOLE, choice

RECONNECTS = ("auto", "always", "never")


@dataclass(frozen=True)
class RunSettings:
    """How long the program runs, and what it does about a source that fails."""

    reconnect: str = setting(
        "reconnect",
        "auto",
        choice(*RECONNECTS),
        "WHEN",
        "source",
        "open a camera or stream anew when it fails, stalls or ends: auto (once it has given a picture; "
        "of several cameras also one that is missing at the start, while another works), always (also when it, a file for "
        "results, or the address of --listen is not to be had at the start), never; a file is read once",
    )
    duration: Optional[float] = setting(
        "duration", None, POSITIVE, "S", "output", "end after this many seconds of watching"
    )
    frames: Optional[int] = setting("frames", None, WHOLE, "N", "output", "end after this many analysed frames")
