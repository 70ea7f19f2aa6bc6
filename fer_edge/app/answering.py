"""What a live run answers to those who ask it over HTTP."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Sequence

from fer_edge.board.temperature import hottest
from fer_edge.errors import UsageError
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.service.board_watch import BoardWatch
from fer_edge.service.health import HealthMonitor
from fer_edge.settings import Settings
from fer_edge.sinks.event_lines import as_record
from fer_edge.types import Observation, Rates
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.hub import Hub
from fer_edge.web.late_endpoint import LateEndpoint
from fer_edge.web.run import WebRun

if TYPE_CHECKING:
    from ssl import SSLContext

SEARCH_SECONDS = 5.0
"""Longest search of the history for one answer: after ten the connection is cut."""


class Answering:
    """Listens where the settings say so; else it does nothing.

    Parameters
    ----------
    settings : Settings
        Say where to listen, and what is shown.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._late: Optional[LateEndpoint] = None
        self._hub = None if settings.web.listen is None else Hub(settings.outputs.bars)

    @property
    def show(self) -> Optional[Callable[[Observation, Rates], None]]:
        """What takes the results for those who look; None where nobody can."""
        return None if self._hub is None else self._hub.take

    def trouble(self) -> str:
        """Return why nobody can ask, for people; empty while they can."""
        return self._late.trouble() if self._late is not None else ""

    def open(
        self,
        session: Session,
        monitor: HealthMonitor,
        board: BoardWatch,
        runners: Sequence[SinkRunner],
        stack: ExitStack,
    ) -> None:
        """Listen, until `stack` is closed.

        Raises
        ------
        EndpointUnavailable
            It cannot, and is not to be tried again.
        UsageError, SettingsError, MissingExtra
            What the settings ask for cannot be.
        """
        web, hub = self._settings.web, self._hub
        if web.listen is None or hub is None:
            return
        from fer_edge.web.metrics import Metrics

        def temperature() -> Optional[float]:
            zone = hottest(board.state.zones)
            return None if zone is None else zone.now

        run = WebRun(
            monitor.health,
            Metrics(session, monitor.health, lambda: board.state, runners).page,
            hub,
            temperature,
            pictures=web.shows_pictures,
            viewers=web.viewers,
            names=web.names,
            history=_history(self._settings.history.file),
        )
        stack.callback(hub.pictures.close)
        tls = _tls(self._settings)
        with self._settings.located("listen"):
            endpoint = Endpoint(web.listen, run, web.token, tls)
            if self._settings.run.reconnect == "always":
                self._late = stack.enter_context(LateEndpoint(endpoint))
            else:
                stack.enter_context(endpoint)


def _history(file: str) -> Optional[Callable[..., Sequence[Mapping[str, Any]]]]:
    """Return what reads rows of a history while it is written; None where there is none.

    It raises UsageError for a camera of which nothing was kept.
    """
    if not file:
        return None

    def rows(
        camera: Optional[str], begin: datetime, end: datetime, what: str, most: int
    ) -> Sequence[Mapping[str, Any]]:
        from fer_edge.sinks.history.reading import HistoryReader
        from fer_edge.sinks.minutes import minute_record

        with HistoryReader(file, SEARCH_SECONDS) as reader:
            if camera is not None and camera not in reader.cameras():
                raise UsageError("The history knows no camera of that name.", "/api/cameras lists those of this run.")
            if what == "states":
                return [as_record(change) for change in reader.states(camera, begin, end, most)]
            return [minute_record(minute) for minute in reader.minutes(camera, begin, end, most)]

    return rows


def _tls(settings: Settings) -> Optional[SSLContext]:
    web = settings.web
    if not web.tls_cert and not web.tls_key:
        return None
    from fer_edge.web.tls import server_context

    with settings.located("tls_cert" if web.tls_cert else "tls_key"):
        return server_context(web.tls_cert, web.tls_key)
