"""What people look at: the overlay and the window.

Each name is loaded from its module when it is first used: a service that has no window loads none of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_edge.ui.display import display_available
    from fer_edge.ui.overlay import Overlay
    from fer_edge.ui.pane import Pane
    from fer_edge.ui.view import LONGEST_WAIT, View, open_view
    from fer_edge.ui.window import Window

_HOMES = {
    "LONGEST_WAIT": "view",
    "Overlay": "overlay",
    "Pane": "pane",
    "View": "view",
    "Window": "window",
    "display_available": "display",
    "open_view": "view",
}

__all__ = ["LONGEST_WAIT", "Overlay", "Pane", "View", "Window", "display_available", "open_view"]


def __getattr__(name: str) -> Any:
    """Load a name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
