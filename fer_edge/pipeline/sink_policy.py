"""What a failure of a sink means: for the sink, for the results that wait for it, and for the run."""

from __future__ import annotations

from typing import Set

from fer_edge.errors import MissingExtra, SettingsError, UsageError
from fer_edge.pipeline.sink_state import SinkState

MISTAKES = (UsageError, SettingsError, MissingExtra)
"""What no second attempt heals: wrong settings, and a library that is not installed."""

HUNG_AFTER = 30.0
"""Seconds of one call of a sink after which a file waits for it no longer: at the end, and where the sink may fail."""


class SinkPolicy:
    """Decides for one sink.

    Parameters
    ----------
    required : bool
        Whether the run makes no sense without the sink, as a file that its user asked for.
    from_the_start : bool
        Whether it is tried again also when it has never worked.
    state : SinkState
        Of the sink.

    Attributes
    ----------
    worked : bool
        Whether anything was written.
    """

    def __init__(self, required: bool, from_the_start: bool, state: SinkState) -> None:
        self.required = required
        self.from_the_start = from_the_start or not required
        self.worked = False
        self._state = state
        self._files: Set[str] = set()
        self._live: Set[str] = set()

    def feeds(self, camera: str, live: bool) -> None:
        """Note that a camera, or a file, gives results."""
        (self._live if live else self._files).add(camera)

    def is_live(self, camera: str) -> bool:
        """Return whether a camera that gave results is live; one that is not known counts as live."""
        return camera not in self._files

    @property
    def is_fed_by_files(self) -> bool:
        """Whether any file gives results."""
        return bool(self._files)

    def is_strict(self) -> bool:
        """Return whether any failure is one of the run: a live camera goes on without its results, a file alone does not."""
        return self.required and bool(self._files) and not self._live

    def is_final(self) -> bool:
        """Return whether what goes wrong now is not tried again."""
        return self.is_strict() or not (self.worked or self.from_the_start)

    def keeps(self) -> bool:
        """Return whether the results of files wait for the sink, however long it takes."""
        return self.required or not (self._state.is_down() or self._state.calling_for() >= HUNG_AFTER)
