"""Minutes that a test thinks up."""

from __future__ import annotations

from typing import Dict, List, Sequence

from fer_edge.report.minutes import Minutes, as_columns
from fer_edge.types import LABELS

NOT_KNOWN = float("nan")
BERLIN_MIDNIGHT = 1795647600
"""Of 26 November 2026."""


def row(camera: int, start: int, **more: object) -> List[float]:
    """Return a minute; more: ``up`` seconds, ``most``, ``valence``, ``fps``, and person-seconds by expression."""
    told: Dict[str, float] = {key: float(value) for key, value in more.items()}  # type: ignore[arg-type]
    shown = [told.pop(label, 0.0) for label in LABELS]
    made = [
        float(camera),
        float(start),
        told.pop("up", 60.0),
        told.pop("most", 1.0 if sum(shown) else 0.0),
        told.pop("valence", 0.5 if sum(shown) else NOT_KNOWN),
        told.pop("fps", 15.0),
        told.pop("temperature", NOT_KNOWN),
        told.pop("captured", 900.0),
        told.pop("dropped", 9.0),
        *shown,
    ]
    assert not told, told
    return made


def busy_day(cameras: Sequence[str], start: int = BERLIN_MIDNIGHT) -> Minutes:
    """Return a day on which people come and go; the second camera gives nothing from ten to eleven."""
    rows = []
    for camera in range(len(cameras)):
        for minute in range(1440):
            if camera == 1 and 600 <= minute < 660:
                continue
            people = 60.0 * (camera + 1) if 480 <= minute < 1020 else 0.0
            shown = {"happy": 0.3 * people, "neutral": 0.6 * people, "sad": 0.1 * people}
            rows.append(row(camera, start + 60 * minute, most=2 * bool(people), **shown))
    return as_columns(cameras, rows)
