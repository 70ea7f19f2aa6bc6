"""A recording: what is analysed as one, and under which name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import List, Tuple

VIDEO, PICTURES = "video", "pictures"

ASSUMED_FPS = 25.0
"""Of a video that says nothing of times or rates."""


@dataclass(frozen=True)
class Recording:
    """One video, or the pictures of one folder together.

    Attributes
    ----------
    name : str
        Unique in a run: the path below the argument under which it was found, with ``/`` between folders; of a file that was
        named itself, its last part. Its results lie in a folder of this name.
    kind : str
        `VIDEO` or `PICTURES`.
    path : str
        Of the video, or of the folder.
    files : tuple of str
        Of pictures: their names in that folder, in the order in which they are read.
    size : int
        Bytes of all its files, as far as is known: what progress is measured by.

    Examples
    --------
    >>> Recording("anna/1.mp4", VIDEO, "/data/anna/1.mp4").name
    'anna/1.mp4'
    """

    name: str
    kind: str
    path: str
    files: Tuple[str, ...] = ()
    size: int = 0


def natural(text: str) -> Tuple[List[Tuple[int, int, str]], str]:
    """Return a key that sorts names as people do: numbers within by their value, whatever the case, an umlaut as its letter.

    Examples
    --------
    >>> sorted(["take10.mp4", "take2.mp4", "Take1.mp4", "Anna.mp4", "ben.mp4"], key=natural)
    ['Anna.mp4', 'ben.mp4', 'Take1.mp4', 'take2.mp4', 'take10.mp4']
    """
    parts = re.split(r"(\d+)", _letters(text))
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts], text


def _letters(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)).casefold()
