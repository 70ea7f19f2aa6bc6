"""How faces are followed over time, and what is made of what they show."""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.settings.field import setting
from fer_edge.settings.values import FLAG, POSITIVE, REST, TURNS

OFF, AUTO = "off", "auto"
"""What ``--rest`` takes beside a file, which is given as ``./auto`` if that is its name; ``--detect-every`` takes auto, too."""


@dataclass(frozen=True)
class TrackSettings:
    """How faces are followed over time, and what is made of what they show."""

    on: bool = setting(
        "tracks",
        True,
        FLAG,
        "BOOL",
        "tracks",
        "give each face a number for as long as it is in view, and a steady label; off reads each frame alone",
    )
    memory: float = setting(
        "track_memory", 1.5, POSITIVE, "S", "tracks", "a face that was not found for so many seconds is a new one"
    )
    half_life: float = setting(
        "half_life",
        0.3,
        POSITIVE,
        "S",
        "tracks",
        "seconds after which a frame counts half for the steady label; shorter is quicker, longer is calmer",
    )
    rest: str = setting(
        "rest",
        OFF,
        REST,
        "off|auto|FILE",
        "tracks",
        "judge a face against its own resting face: auto learns that while it watches, a file from fer-edge rest holds that of "
        "one person",
    )
    detect_every: str = setting(
        "detect_every",
        "1",
        TURNS,
        "N",
        "tracks",
        "look for faces in every Nth frame, up to 3, and move them on in between; auto does so where the board is hot or too "
        "slow to look at each",
    )
