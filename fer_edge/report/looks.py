"""How an expression looks in a chart: a colour, a pattern for those who do not see it, and its place beside the others."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

ORDER: Tuple[str, ...] = ("angry", "disgust", "fear", "sad", "neutral", "surprise", "happy")
"""From unpleasant to pleasant, as the weights of the valence have it; from bottom to top in a stack."""

COLOURS: Mapping[str, str] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "sad": "#56B4E9",
    "neutral": "#C8C8C8",
    "surprise": "#E69F00",
    "happy": "#F0E442",
}
"""Those of the live window (Okabe and Ito, 2008, https://jfly.uni-koeln.de/color/)."""

PATTERNS: Mapping[str, str] = {
    "angry": "x",
    "disgust": "-",
    "fear": "\\",
    "sad": "/",
    "neutral": "",
    "surprise": ".",
    "happy": "+",
}

INK, SOFT, LINE, PAPER = "#1b1b1b", "#595959", "#d9d9d9", "#ffffff"
"""Text; text of second rank, 7:1 on the paper; lines; the paper."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

SCALE = [[0.0, "#f2f2f2"], [0.25, "#c7d3df"], [0.5, "#7fa3c0"], [0.75, "#376f9e"], [1.0, "#0b3a63"]]
"""From little to much: lighter is less, also in grey."""

BOTH_WAYS = [[0.0, "#b35806"], [0.25, "#f1a340"], [0.5, "#f7f7f7"], [0.75, "#67a9cf"], [1.0, "#0b3a63"]]
"""From unpleasant to pleasant: orange and blue are told apart by nearly everybody, and the cells have their figures."""


def marker(label: str) -> Dict[str, Any]:
    """Return how Plotly fills what is of an expression."""
    pattern = {"shape": PATTERNS[label], "size": 6, "solidity": 0.16, "fgcolor": "#000000", "bgcolor": COLOURS[label]}
    return {"color": COLOURS[label], "line": {"width": 0}, "pattern": pattern}


def layout(height: int, **more: Any) -> Dict[str, Any]:
    """Return what all charts have in common, for Plotly."""
    common: Dict[str, Any] = {
        "height": height,
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "margin": {"l": 56, "r": 16, "t": 8, "b": 40},
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
        "dragmode": "zoom",
    }
    common.update(more)
    return common


def axis(**more: Any) -> Dict[str, Any]:
    """Return what all axes have in common."""
    return {
        "gridcolor": LINE,
        "linecolor": SOFT,
        "zerolinecolor": SOFT,
        "ticks": "outside",
        "tickcolor": SOFT,
        "automargin": True,
        **more,
    }
