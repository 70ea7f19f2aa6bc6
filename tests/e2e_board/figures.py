"""What was measured on the emulated board, for the table at the end."""

from __future__ import annotations

import json
import time
from typing import List, NamedTuple


class Figure(NamedTuple):
    """Something that took so many seconds."""

    what: str
    seconds: float


taken: List[Figure] = []


def note(what: str, seconds: float) -> None:
    taken.append(Figure(what, round(seconds, 1)))


def as_table() -> List[str]:
    return [f"{figure.seconds:>8} s  {figure.what}" for figure in taken]


def as_json() -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return json.dumps({"day": day, "figures": [figure._asdict() for figure in taken]}, indent=2) + "\n"
