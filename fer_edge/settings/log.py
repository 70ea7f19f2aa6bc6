"""What the log looks like."""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.settings.field import setting
from fer_edge.settings.values import choice

LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class LogSettings:
    """What the log looks like."""

    format: str = setting(
        "log_format",
        "text",
        choice(*LOG_FORMATS),
        "FORMAT",
        "output",
        "text, or json: one object per line, for a journal or collector",
    )
    level: str = setting("log_level", "info", choice(*LOG_LEVELS), "LEVEL", "output", f"one of {', '.join(LOG_LEVELS)}")
