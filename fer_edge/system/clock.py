"""What tells the time where a test must be able to turn it."""

from __future__ import annotations

from typing import Callable

Clock = Callable[[], float]
"""Seconds that never run backwards, like `time.monotonic`."""
