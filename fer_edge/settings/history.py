"""What is kept for weeks, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.settings.field import setting
from fer_edge.settings.values import DURATION, PATH, STORAGE


@dataclass(frozen=True)
class HistorySettings:
    """What is kept for weeks, and for how long."""

    file: str = setting(
        "history",
        "",
        PATH,
        "FILE",
        "output",
        "keep what each face showed from when to when, and figures of each minute, in this SQLite file, of all cameras and "
        "runs; it holds no pictures",
    )
    age: float = setting(
        "history_age", 30 * 86400.0, DURATION, "TIME", "output", "the history forgets what is older, such as 12h or 30d"
    )
    size: float = setting(
        "history_size",
        500e6,
        STORAGE,
        "SIZE",
        "output",
        "the history forgets the oldest when its file is larger, such as 100MB",
    )
