"""The FPS figures, as values; `fer_edge.types` has them with the other values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, Mapping, Tuple


@dataclass(frozen=True)
class StageRate:
    """How fast a stage is, in frames per second.

    Attributes
    ----------
    capacity : float
        Threads of the stage / its mean service time for one frame.
    achieved : float
        Frames that the stage really finished per second.
    """

    capacity: float = 0.0
    achieved: float = 0.0


@dataclass(frozen=True)
class Rates:
    """The FPS figures, in frames per second over the last ten seconds; 0 where nothing happened yet.

    Attributes
    ----------
    total : float
        Distinct frames that went through the whole chain.
    stages : mapping of str to StageRate
        By what a stage's figure is called (``detection``, ``classification``), in the order of the chain.
    sequential : float
        1 / sum of the mean service times: what a loop without threads would reach.
    """

    total: float = 0.0
    stages: Mapping[str, StageRate] = field(default_factory=dict)
    sequential: float = 0.0

    def capacities(self) -> Iterator[Tuple[str, float]]:
        """Return each figure's name and capacity, the last stage first, as people are told them."""
        return ((name, self.stages[name].capacity) for name in reversed(list(self.stages)))
