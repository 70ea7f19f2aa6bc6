"""What a sink is asked for: the settings as it sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Optional, Protocol

from fer_edge.sinks.run_view import KnownRun, RunView


class OutputOptions(Protocol):
    """The settings that sinks of the section ``outputs`` read; `fer_edge.settings.outputs.OutputSettings` has them."""

    @property
    def append(self) -> bool:
        """Whether what is there is kept."""

    @property
    def bars(self) -> bool:
        """Whether probabilities are drawn beside a face."""

    @property
    def segment(self) -> Optional[float]:
        """Seconds of a piece; None for no limit."""

    @property
    def keep(self) -> Optional[float]:
        """Bytes of all pieces of one place together; None for no limit."""


@dataclass(frozen=True)
class SinkRequest:
    """What one sink shall be.

    Attributes
    ----------
    place : str
        Where it writes: the value of its option, with the camera's name filled in, and fields for the time as they stand there.
    options : Any
        How: the section of the settings that its kind names; that of files is an `OutputOptions`.
    again : bool
        Whether this run has written there before: what is there stays.
    stop : callable
        Gives True once the run shall end; no call may wait long from then on.
    before_opening : callable
        To be called with the name of each file before it is opened; may raise an `OutputError`.
    memory : dict
        Kept for the next sink of the same place, which takes over where this one failed.
    run : RunView
        What can be asked of the run while it lasts.
    """

    place: str
    options: Any
    again: bool = False
    stop: Callable[[], bool] = lambda: False
    before_opening: Callable[[str], None] = lambda path: None
    memory: Dict[str, Any] = field(default_factory=dict)
    run: RunView = field(default_factory=KnownRun)
