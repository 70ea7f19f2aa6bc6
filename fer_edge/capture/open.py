"""From the text behind ``--camera`` to the source that it means."""

from __future__ import annotations

import re

from fer_edge.capture.base import Source
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.errors import SourceNotFound

__all__ = ["CaptureSettings", "open_source"]


def open_source(text: str, settings: CaptureSettings = DEFAULTS) -> Source:
    """Choose the source that `text` means and build it, without opening it.

    Parameters
    ----------
    text : str
        ``demo`` or ``demo:1`` to ``demo:8``.
    settings : CaptureSettings
        Size, rate and time limits.

    Returns
    -------
    Source
        Not open yet: use it in a ``with`` block.

    Raises
    ------
    SourceNotFound
        The text has none of these forms.
    """
    demo = re.fullmatch(r"demo(?::(\d+))?", text)
    if demo:
        return DemoSource(int(demo.group(1) or 1), settings)
    raise SourceNotFound(f"There is no source '{text}'.", "Give demo, or demo:1 to demo:8.")
