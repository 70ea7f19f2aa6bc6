"""What others call the seven expressions, and the orders in which they number them."""

from __future__ import annotations

from collections.abc import Iterable

from fer_edge.errors import DataSetError
from fer_edge.types import LABELS

SYNONYMS = {
    "angry": ("anger", "an"),
    "disgust": ("disgusted", "disgusting", "di"),
    "fear": ("fearful", "afraid", "scared", "af"),
    "happy": ("happiness", "joy", "joyful", "ha"),
    "neutral": ("neutrality", "calm", "ne"),
    "sad": ("sadness", "sa"),
    "surprise": ("surprised", "su"),
}
"""Other names for each of our labels, in lower case; those of two letters are KDEF's."""

FER2013_ORDER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""What the numbers 0 to 6 of fer2013.csv mean; not our order (Goodfellow et al., 2013)."""

_BY_NAME = {name: LABELS.index(label) for label in LABELS for name in (label, *SYNONYMS[label])}


def find_label(name: str) -> int | None:
    """Return the index into ``LABELS`` of what ``name`` means, in any case; None if it is no name of the seven."""
    return _BY_NAME.get(name.strip().lower())


def names_of_the_seven() -> str:
    """Return the names that are understood, for messages."""
    return ", ".join(f"{label} (or {', '.join(name for name in SYNONYMS[label] if len(name) > 2)})" for label in LABELS)


def require_every_label(labels: Iterable[int], where: str) -> None:
    """Refuse labels among which one of the seven does not occur.

    Raises
    ------
    DataSetError
        Names the missing ones.
    """
    present = set(labels)
    missing = [label for index, label in enumerate(LABELS) if index not in present]
    if missing:
        raise DataSetError(
            f"{where} has no readable face for {', '.join(missing)}.", "Give a set that holds all seven expressions."
        )
