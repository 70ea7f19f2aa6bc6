"""A person's face at rest, against which that person's expressions are judged."""

from __future__ import annotations

from typing import Optional, Protocol

from fer_edge.types import Expression, RestShift


class Rest(Protocol):
    """Knows, or learns, one person's resting face."""

    def update(self, seen: Expression, at: float) -> Optional[RestShift]:
        """Take what a frame shows at a moment, and return the shift that holds for it; None for none."""


class NoRest:
    """Leaves every answer as it is."""

    def update(self, seen: Expression, at: float) -> Optional[RestShift]:  # noqa: ARG002
        """Return None."""
        return None
