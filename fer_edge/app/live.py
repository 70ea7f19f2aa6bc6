"""The main job: watch a source, show and write what is seen, until somebody ends it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple

from fer_edge.app.outputs import Outputs
from fer_edge.app.parts import build_source, classifier_factory, detector_factory
from fer_edge.capture.base import Source
from fer_edge.pipeline.frame_counter import FrameBalance
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.pipeline.supervisor import Incidents, Supervisor
from fer_edge.service.board_watch import BoardWatch
from fer_edge.service.health import HealthMonitor
from fer_edge.service.sd_notify import Notifier
from fer_edge.service.watchdog import Watchdog
from fer_edge.settings import Settings
from fer_edge.system.clock import Clock
from fer_edge.types import Observation, Rates
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.view import LONGEST_WAIT, View, open_view
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.late_endpoint import LateEndpoint

if TYPE_CHECKING:
    from ssl import SSLContext

logger = logging.getLogger("fer_edge")

REPORT_SECONDS, SERVICE_REPORT_SECONDS = 10.0, 600.0
"""How often the figures are logged; a service shows them in its status and at /metrics, and is not to fill the journal."""


@dataclass(frozen=True)
class Summary:
    """What a run came to."""

    seconds: float
    balance: FrameBalance
    faces: int
    rates: Rates
    whereabouts: Tuple[str, ...] = ()
    """Of what was written, a sentence each."""

    def __str__(self) -> str:
        """Return the three figures, the counts and where the results are, for people."""
        counts = (
            f"{self.balance.emitted} frames analysed in {self.seconds:.1f} s, {self.faces} faces, "
            f"{self.balance.dropped} dropped"
        )
        return "\n".join([counts, describe_rates(self.rates), *self.whereabouts])


def describe_rates(rates: Rates) -> str:
    """Return the three FPS figures in one line, with the capacities called so."""
    stages = (
        f"{name} {capacity:.1f} capacity ({rates.stages[name].achieved:.1f} achieved)"
        for name, capacity in rates.capacities()
    )
    return "   ".join([f"FPS total {rates.total:.1f}", *stages])


class LiveRun:
    """One run of the main job.

    Parameters
    ----------
    settings : Settings
        What to watch and where results go.
    stop : Event
        Set from outside to end the run.
    notifier : Notifier, optional
        The way to the service manager.
    clock : callable, optional
        Monotonic seconds.
    runners : sequence of SinkRunner
        Where results go besides the files of the settings; opened and closed by the run.
    """

    def __init__(
        self,
        settings: Settings,
        stop: threading.Event,
        notifier: Optional[Notifier] = None,
        clock: Clock = time.monotonic,
        runners: Sequence[SinkRunner] = (),
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._notifier = notifier or Notifier()
        self._clock = clock
        self._overlay = Overlay(bars=settings.outputs.bars)
        self._outputs = Outputs(settings, runners, stop, clock)
        self._endpoint: Optional[LateEndpoint] = None
        self._observation: Optional[Observation] = None
        self._began: Optional[float] = None
        self._faces = 0
        self._emitted = 0

    def run(self, source: Optional[Source] = None, reopen: Optional[Callable[[], Source]] = None) -> Summary:
        """Watch until the source ends, a limit is reached, the window is closed or `stop` is set.

        Parameters
        ----------
        source : Source, optional
            Instead of the one that the settings name.
        reopen : callable, optional
            Makes a new source when a live one is lost; that of the settings when left out.

        Raises
        ------
        FerEdgeError
            What went wrong; everything that was written until then is complete.
        """
        settings, clock = self._settings, self._clock
        source = source or build_source(settings)
        supervisor = self._supervise(source, reopen or (lambda: self._reopen(pipeline)))
        with settings.located("model"):
            classifier = classifier_factory(settings)
        pipeline = Pipeline(source, detector_factory(settings), classifier, clock=clock, supervisor=supervisor)
        board = BoardWatch(SERVICE_REPORT_SECONDS)
        monitor = HealthMonitor(pipeline.rates, lambda: self._troubles(supervisor, board), clock)
        watchdog = Watchdog(
            self._notifier,
            pipeline.look_after,
            pipeline.balance,
            monitor.health,
            lambda: pipeline.preparing,
            clock,
        )
        begun = clock()
        with ExitStack() as stack:
            if settings.web.listen is not None:
                from fer_edge.web.metrics import Metrics

                incidents = supervisor.incidents if supervisor is not None else Incidents
                metrics = Metrics(pipeline, incidents, monitor.health, lambda: board.state, self._outputs.runners)
                tls = _tls(settings)
                with settings.located("listen"):
                    endpoint = Endpoint(settings.web.listen, monitor.health, settings.web.token, metrics.page, tls)
                    if settings.run.reconnect == "always":
                        self._endpoint = stack.enter_context(LateEndpoint(endpoint))
                    else:
                        stack.enter_context(endpoint)
            if source.live:
                stack.enter_context(board)
            view = open_view(settings.outputs.display, self._overlay, self._stop, clock, stack)
            self._outputs.open(stack, source.live, lambda: pipeline.source_info.fps if pipeline.source_info else 0.0)
            # Behind the pipeline, and whatever ended it.
            stack.callback(lambda: self._log_the_sum(clock() - begun, pipeline.balance()))
            stack.enter_context(pipeline)
            stack.callback(watchdog.stopping)
            self._watch(pipeline, source.live, view, monitor, watchdog)
            rates = pipeline.rates()
            seconds = 0.0 if self._began is None else clock() - self._began
        return Summary(seconds, pipeline.balance(), self._faces, rates, tuple(self._outputs.whereabouts()))

    def _supervise(self, source: Source, reopen: Callable[[], Source]) -> Optional[Supervisor]:
        if not source.live:
            return None
        when = self._settings.run.reconnect
        return Supervisor(reopen if when != "never" else None, from_the_start=when == "always", clock=self._clock)

    def _reopen(self, pipeline: Pipeline) -> Source:
        """Make the source anew, a camera by a name that stays."""
        info = pipeline.source_info
        return build_source(self._settings, names=info.names if info else ())

    def _troubles(self, supervisor: Optional[Supervisor], board: BoardWatch) -> List[str]:
        sources = supervisor.troubles() if supervisor is not None else ()
        endpoint = self._endpoint.trouble() if self._endpoint is not None else ""
        return [*sources, *self._outputs.troubles(), *board.troubles(), *filter(None, [endpoint])]

    def _log_the_sum(self, seconds: float, balance: FrameBalance) -> None:
        """Say where every frame went, however the run ended; people get it from the `Summary`."""
        logger.log(
            logging.INFO if self._settings.log.format == "json" else logging.DEBUG,
            "the run of %.1f s is over: of %d frames %d were analysed and %d left out",
            seconds,
            balance.captured,
            balance.emitted,
            balance.dropped,
            extra={
                "event": "summary",
                "seconds": round(seconds, 1),
                **_counts(balance),
                "in_flight": balance.in_flight,
            },
        )

    def _watch(
        self,
        pipeline: Pipeline,
        live: bool,
        view: Optional[View],
        monitor: HealthMonitor,
        watchdog: Watchdog,
    ) -> None:
        settings = self._settings
        report_every = SERVICE_REPORT_SECONDS if self._notifier.active else REPORT_SECONDS
        report_at = self._clock() + report_every
        while not self._stop.is_set():
            now = self._clock()
            if self._began is None and pipeline.ready:
                self._began = now
            if (
                settings.run.duration is not None
                and self._began is not None
                and now - self._began >= settings.run.duration
            ):
                return
            if now >= report_at:
                report_at = now + report_every
                _report(pipeline)
            watchdog.tick()
            try:
                observation = pipeline.take(LONGEST_WAIT if view is None else 0.0)
            except Closed:
                return
            if observation is not None:
                self._emit(observation, pipeline)
                monitor.frame_analysed()
                if settings.run.frames is not None and self._emitted >= settings.run.frames:
                    return
            if view is not None and self._show(view, pipeline, live, observation is not None):
                return

    def _emit(self, observation: Observation, pipeline: Pipeline) -> None:
        if self._observation is None:
            info = pipeline.source_info
            logger.info("watching %s, %dx%d", info.name if info else "", *observation.frame.image.shape[1::-1])
        self._observation = observation
        self._emitted += 1
        self._faces += len(observation.faces)
        if self._outputs:
            begun = self._clock()
            self._outputs.write(observation, pipeline.rates())
            pipeline.meter.record_stage("emit", self._clock() - begun)

    def _show(self, view: View, pipeline: Pipeline, live: bool, new: bool) -> bool:
        """Bring the window up to date; tell whether it wants to end."""
        seen = self._observation
        frame = pipeline.latest_frame if live else seen.frame if seen else None
        if view.refresh(frame, seen, pipeline.rates(), pipeline.source_trouble()):
            return True
        if not new:
            pipeline.wait_for_news(LONGEST_WAIT)
            return False
        info = pipeline.source_info
        return not live and view.keep_pace(info.fps if info else 0.0)


def _tls(settings: Settings) -> Optional[SSLContext]:
    if not settings.web.tls_cert and not settings.web.tls_key:
        return None
    from fer_edge.web.tls import server_context

    with settings.located("tls_cert" if settings.web.tls_cert else "tls_key"):
        return server_context(settings.web.tls_cert, settings.web.tls_key)


def _report(pipeline: Pipeline) -> None:
    rates, balance = pipeline.rates(), pipeline.balance()
    fields = {
        "event": "figures",
        "fps_total": round(rates.total, 2),
        **{f"fps_{name}": round(capacity, 2) for name, capacity in rates.capacities()},
        **_counts(balance),
    }
    logger.info("%s   frames %d", describe_rates(rates), balance.emitted, extra=fields)


def _counts(balance: FrameBalance) -> Dict[str, Any]:
    return {"captured": balance.captured, "emitted": balance.emitted, "dropped": balance.dropped}
