"""One line of progress, which replaces itself."""

from __future__ import annotations

import sys


def show_progress(line: str) -> None:
    """Show a line that replaces itself on a terminal; nothing elsewhere, where it would fill a log."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line:60}" if line else "\r" + " " * 60 + "\r")
        sys.stderr.flush()
