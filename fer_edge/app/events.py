"""State changes from Python: what each face shows from when to when, as it happens."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any, Callable, Deque, Iterator, Mapping, Optional, Sequence, Type, Union, overload

from fer_edge.app.library import Watched, watch
from fer_edge.errors import UsageError
from fer_edge.pipeline.session import Session
from fer_edge.settings import check_value
from fer_edge.track.states import StateLog
from fer_edge.types import StateChange


class Events(Iterator[StateChange]):
    """Iterates over the state changes of a session; a context manager that closes itself.

    When the sources end, or one fails, what is open is given as ended first; then the iteration ends, or the error is raised.

    Parameters
    ----------
    session : Session
        Not started yet.
    begins : bool
        Whether beginnings are given as well as ends.

    Attributes
    ----------
    session : Session
        For its figures and troubles; its `stop`, from any thread, ends the iteration as the end of the sources does.
    """

    def __init__(self, session: Session, begins: bool = True) -> None:
        self.session = session
        self._begins = begins
        self._observations = iter(session)
        self._log = StateLog()
        self._waiting: Deque[StateChange] = deque()
        self._over = False
        self._error: Optional[BaseException] = None

    def __next__(self) -> StateChange:
        """Return the next change. Raises what the session raises, once."""
        while not self._waiting:
            if self._over:
                error, self._error = self._error, None
                raise error or StopIteration
            try:
                observation = next(self._observations)
            except BaseException as error:  # noqa: BLE001  (raised as soon as what is open has ended)
                self._error = None if isinstance(error, StopIteration) else error
                self._finish()
            else:
                self._add(self._log.update(observation))
        return self._waiting.popleft()

    def close(self) -> None:
        """Stop the session; a loop that goes on gets the ends of what is open, and then ends. May be called twice.

        From any thread: while another waits for a change, that one gets the ends.
        """
        if self._over:
            return
        try:
            self._observations.close()
        except ValueError:  # another thread is in it, and finishes when the session has stopped
            self.session.stop()
        else:
            self._finish()

    def __enter__(self) -> Events:
        """Enter a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close it. An interrupt (Ctrl-C) that a loop left before it was raised is raised here."""
        self.close()
        if kind is None and self._error is not None and not isinstance(self._error, Exception):
            interrupt, self._error = self._error, None
            raise interrupt

    def _finish(self) -> None:
        self._over = True
        self._add(self._log.close())

    def _add(self, changes: Sequence[StateChange]) -> None:
        self._waiting.extend(change for change in changes if self._begins or change.is_over)


@overload
def events(
    source: Union[Watched, Sequence[Watched], Mapping[str, Watched]] = ...,
    *,
    callback: None = ...,
    begins: bool = ...,
    **options: Any,
) -> Events: ...
@overload
def events(
    source: Union[Watched, Sequence[Watched], Mapping[str, Watched]] = ...,
    *,
    callback: Callable[[StateChange], object],
    begins: bool = ...,
    **options: Any,
) -> None: ...
def events(
    source: Union[Watched, Sequence[Watched], Mapping[str, Watched]] = "auto",
    *,
    callback: Optional[Callable[[StateChange], object]] = None,
    begins: bool = True,
    **options: Any,
) -> Optional[Events]:
    """Watch a source, or several at once, for what each face shows from when to when.

    Parameters
    ----------
    source : str, int, path or Source; or several of them
        As for `watch`.
    callback : callable, optional
        Called with each change, in the thread of the caller, until the sources end; what it raises ends that.
    begins : bool
        Whether beginnings are told, too; they have no `end` yet. Without them each state is told once, when it is over.
    **options
        As for `watch`.

    Returns
    -------
    Events or None
        To be iterated over; nothing happens before. Its `close` stops the watching, and a loop that goes on gets the ends of
        what was open. None, once all is over, where a `callback` was given.

    Raises
    ------
    FerEdgeError
        As for `watch`. What ends the watching is raised after the ends of what was open.

    Examples
    --------
    >>> changes = events("demo:2", begins=False)
    >>> for change in changes:  # doctest: +SKIP
    ...     print(change.camera, change.track, change.label, round(change.duration, 1))
    """
    if "tracks" in options and not check_value("tracks", options["tracks"]):
        raise UsageError(
            "tracks: events need faces that are followed.", "Leave out tracks, or iterate over fer_edge.watch."
        )
    found = Events(watch(source, **options), begins)
    if callback is None:
        return found
    with found:
        for change in found:
            callback(change)
    return None
