"""Moments as text in ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime


def read_iso(text: str) -> datetime:
    """Return a day or a moment; without a zone where the text names none.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> read_iso("2026-11-26T10:15:00Z").isoformat()
    '2026-11-26T10:15:00+00:00'
    """
    return datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))  # before 3.11 Python reads no Z
