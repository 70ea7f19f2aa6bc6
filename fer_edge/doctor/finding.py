"""One line of the doctor's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

OK, NOTE, WARNING, PROBLEM = "ok", "note", "warning", "problem"

LEVELS = (OK, NOTE, WARNING, PROBLEM)
"""From best to worst."""


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing.

    Attributes
    ----------
    topic : str
        What it belongs to: ``machine``, ``cameras``.
    subject : str
        The thing: ``power mode``.
    value : str
        What it is: ``5W (mode 1)``.
    level : str
        ``ok``; ``note`` for what is good to know; ``warning`` for what costs speed or takes away a feature; ``problem`` for
        what keeps the main job from running.
    meaning : str
        What that means, and what to do about it.
    """

    topic: str
    subject: str
    value: str
    level: str
    meaning: str

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"there is no level '{self.level}': it is one of {', '.join(LEVELS)}")


def is_ready(findings: Iterable[Finding]) -> bool:
    """Return whether the main job can run: nothing is a problem."""
    return all(finding.level != PROBLEM for finding in findings)
