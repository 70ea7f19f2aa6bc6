"""Names of files that hold the camera's: ``out-{camera}.jsonl`` is one file for each camera."""

from __future__ import annotations

import os
import re

from fer_edge.errors import UsageError
from fer_edge.sinks.dates import PERCENT
from fer_edge.sinks.registry import SinkKind

CAMERA = "{camera}"
"""Stands for the camera's name. There is no other placeholder, and no way to write this one as it stands."""

UNNAMED = "camera"
"""In place of a name that is empty."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


def has_camera(place: str) -> bool:
    """Return whether a name is another one for each camera. Raises UsageError for a placeholder that is not known."""
    for found in _PLACEHOLDER.finditer(place):
        if found[0] != CAMERA:
            raise UsageError(f"'{place}' holds {found[0]}, which stands for nothing.", f"{CAMERA} is the only one.")
    return CAMERA in place


def for_camera(place: str, camera: str) -> str:
    """Return the name for one camera; a slash in the camera's name becomes an underscore, and a percent sign no field."""
    return place.replace(CAMERA, camera.replace("/", "_").replace("%", PERCENT) or UNNAMED)


def refuse_two_cameras(kind: SinkKind, place: str, cameras: int) -> UsageError:
    """Return the error for a sink of one camera that was to get the images of several."""
    stem, ending = os.path.splitext(place)
    return UsageError(
        f"A {kind.what} takes one camera, and there are {cameras}.",
        f"Put {CAMERA} into its name, for one of each: --{kind.option} '{stem}-{CAMERA}{ending}'.",
    )
