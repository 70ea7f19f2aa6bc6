"""The main job: watch cameras, show and write what is seen, until somebody ends it."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import Dict, List, Optional, Tuple

from fer_edge.app.answering import Answering
from fer_edge.app.first_frame import FirstFrame, nothing_came, tell_missing
from fer_edge.app.layout import one_opencv_thread
from fer_edge.app.outputs import Outputs
from fer_edge.app.parts import PROGRAM, Parts
from fer_edge.app.pictures import PictureNotes
from fer_edge.app.run_view import SessionView
from fer_edge.app.searched import search_of
from fer_edge.app.session import build_session
from fer_edge.app.summary import Summary, counts_of, describe_rates, fields_of
from fer_edge.errors import FerEdgeError
from fer_edge.pipeline.lane import Lane
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.session import Session
from fer_edge.service.board_watch import BoardWatch
from fer_edge.service.health import HealthMonitor
from fer_edge.service.sd_notify import Notifier
from fer_edge.service.watchdog import Watchdog
from fer_edge.settings import Settings
from fer_edge.sinks.base import StreamInfo
from fer_edge.types import Observation, Rates
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane
from fer_edge.ui.view import LONGEST_WAIT, View

logger = logging.getLogger("fer_edge")

REPORT_SECONDS, SERVICE_REPORT_SECONDS = 10.0, 600.0
"""How often the figures are logged; a service shows them in its status and at /metrics, and is not to fill the journal."""


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
    parts : Parts
        What the run is put together from; its clock is that of the run.
    """

    def __init__(
        self,
        settings: Settings,
        stop: threading.Event,
        notifier: Optional[Notifier] = None,
        parts: Parts = PROGRAM,
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._notifier = notifier or Notifier()
        self._parts = parts
        self._clock = parts.clock
        self._answering = Answering(settings)
        self._outputs = Outputs(settings, parts.runners(), stop, parts.clock)
        self._seen: Dict[str, Observation] = {}
        self._began: Optional[float] = None
        self._over: Optional[Tuple[float, Rates]] = None
        self._in_vain = False
        """Whether the time is over, and no camera gave a frame."""
        self._searches = {camera.name: search_of(camera) for camera in settings.cameras}
        self._mirrored = {camera.name for camera in settings.cameras if camera.mirror}
        self._faces = 0
        self._emitted = 0
        self._pictures = PictureNotes(settings)
        self._hides = False
        """Whether an image that has not gone through the stages shows too much."""

    def run(self) -> Summary:
        """Watch until the sources end, a limit is reached, the window is closed or the stop is set.

        Raises
        ------
        FerEdgeError
            What went wrong; everything that was written until then is complete.
        """
        settings, clock = self._settings, self._clock
        one_opencv_thread()
        board = BoardWatch(SERVICE_REPORT_SECONDS)
        session = build_session(settings, self._parts, hot=lambda: bool(board.state.slowed_by))
        self._hides = any(stage.changes_image for stage in session.stages)
        monitor = HealthMonitor(session.rates, lambda: self._troubles(session, board), clock, session.lanes)
        watchdog = Watchdog(
            self._notifier, session.look_after, session.balance, monitor.health, lambda: session.preparing, clock
        )
        begun = clock()
        with ExitStack() as stack:
            self._answering.open(session, monitor, board, self._outputs.runners, stack)
            if any(lane.live for lane in session.lanes):
                stack.enter_context(board)
            overlay = Overlay(bars=settings.outputs.bars)
            view = self._parts.view(settings.outputs.display, overlay, self._stop, clock, stack)
            model, show = settings.analysis.model, self._answering.show
            asked = SessionView(session, monitor.health, lambda: board.state, model, show)
            self._outputs.open(stack, lambda camera: stream_of(session.lane(camera)), session.wake, asked)
            # Behind the session, and whatever ended it.
            stack.callback(lambda: self._log_the_sum(clock() - begun, session))
            stack.enter_context(session)
            stack.callback(watchdog.stopping)
            asked_to_end = self._watch(session, view, monitor, watchdog)
            ended, rates = self._over or (clock(), session.rates())
            troubles = session.troubles() if len(session.lanes) > 1 else ()
            seconds = 0.0 if self._began is None else ended - self._began
        cameras = {lane.name: lane.balance() for lane in session.lanes} if len(session.lanes) > 1 else {}
        where = tuple(self._outputs.whereabouts())
        failure = None if asked_to_end else session.failure()
        if self._in_vain:
            failure = failure or nothing_came(session.lanes, settings.run.duration)
        told = Summary(seconds, session.balance(), self._faces, rates, where, cameras, troubles, failure)
        pictures = self._pictures
        return replace(told, pictures=pictures.alone, read=pictures.read, unread=pictures.unread)

    def _troubles(self, session: Session, board: BoardWatch) -> List[str]:
        web = self._answering.trouble()
        return [*session.troubles(), *self._outputs.troubles(), *board.troubles(), *filter(None, [web])]

    def _log_the_sum(self, seconds: float, session: Session) -> None:
        """Log where every frame went, however the run ended; people get it from the `Summary`."""
        level = logging.INFO if self._settings.log.format == "json" else logging.DEBUG
        several = {lane.name: lane for lane in session.lanes} if len(session.lanes) > 1 else {}
        for name, balance in [("", session.balance()), *((name, lane.balance()) for name, lane in several.items())]:
            logger.log(
                level,
                "%s of %.1f s is over: of %d frames %d were analysed and %d left out",
                f"the watching of {name}" if name else "the run",
                seconds,
                balance.captured,
                balance.emitted,
                balance.dropped,
                extra={
                    "event": "camera_summary" if name else "summary",
                    **({"camera": name} if name else {}),
                    "seconds": round(seconds, 1),
                    **counts_of(balance),
                    "in_flight": balance.in_flight,
                },
            )

    def _watch(self, session: Session, view: Optional[View], monitor: HealthMonitor, watchdog: Watchdog) -> bool:
        """Watch until the end; return whether somebody asked for it."""
        asked = self._settings.run
        report_every = SERVICE_REPORT_SECONDS if self._notifier.active else REPORT_SECONDS
        report_at = self._clock() + report_every
        first = FirstFrame(self._settings)
        while not self._stop.is_set():
            now = self._clock()
            if self._began is None and any(lane.latest is not None for lane in session.lanes):
                self._began = now
            if self._is_over(now):
                tell_missing(session.lanes)
                return False
            if self._began is None and session.ready and first.is_too_late(now, session.lanes):
                self._in_vain = True
                tell_missing(session.lanes)
                return False
            if now >= report_at:
                report_at = now + report_every
                _report(session)
            watchdog.tick()
            try:
                observation = session.take(LONGEST_WAIT if view is None else 0.0, self._outputs.room)
            except Closed:
                return view is not None and self._stays(session) and self._stay(view, session, watchdog)
            except FerEdgeError as error:
                if len(session.lanes) > 1 and all(lane.ended for lane in session.lanes):
                    return False  # that of a camera; the others' results are told first
                raise error
            if observation is not None:
                self._emit(observation, session)
                monitor.frame_analysed(observation.frame.source)
                if asked.frames is not None and self._emitted >= asked.frames:
                    return False
            if view is not None and self._show(view, session, observation):
                return True
        return True

    def _is_over(self, now: float) -> bool:
        duration = self._settings.run.duration
        return duration is not None and self._began is not None and now - self._began >= duration

    def _stays(self, session: Session) -> bool:
        """Return whether the last picture is to stay in the window: where there are only pictures, and one was shown."""
        return self._pictures.alone and bool(self._seen) and session.failure() is None

    def _stay(self, view: View, session: Session, watchdog: Watchdog) -> bool:
        """Show the last picture until a key is pressed or the time is over; return whether somebody asked for the end."""
        self._over = self._clock(), session.rates()
        logger.info("the last picture stays in the window until a key is pressed in it")
        view.stay()
        while not self._stop.is_set():
            if self._is_over(self._clock()):
                return False
            watchdog.tick()
            if view.refresh([self._pane(lane) for lane in session.lanes]):
                return True
            self._stop.wait(LONGEST_WAIT)
        return True

    def _emit(self, observation: Observation, session: Session) -> None:
        camera = observation.frame.source
        lane = session.lane(camera)
        frame = observation.frame
        self._pictures.note(observation)
        if not frame.problem and camera not in self._seen:
            name = lane.info.name if lane.info else ""
            of = f"{camera}: " if len(session.lanes) > 1 else ""
            size = frame.image.shape[1::-1]
            logger.info("%swatching %s, %dx%d", of, name, *size, extra={"camera": camera})
        if self._began is None:
            self._began = frame.captured_at
        if not frame.problem:  # the window goes on with the image before
            self._seen[camera] = observation
        self._emitted += 1
        self._faces += len(observation.faces)
        if self._outputs:
            begun = self._clock()
            self._outputs.write(observation, lane.rates())
            session.record(camera, "emit", self._clock() - begun)

    def _show(self, view: View, session: Session, new: Optional[Observation]) -> bool:
        """Bring the window up to date; return whether it wants to end."""
        if view.refresh([self._pane(lane) for lane in session.lanes]):
            return True
        if new is None:
            session.wait_for_news(LONGEST_WAIT)
            return False
        if any(lane.live for lane in session.lanes):
            return False  # a file beside a camera goes as fast as it is analysed: no camera waits for it
        info = session.lane(new.frame.source).info
        return view.keep_pace(self._pictures.pace(new, info.fps if info else 0.0), new.frame.source)

    def _pane(self, lane: Lane) -> Pane:
        seen = self._seen.get(lane.name)
        newest = lane.latest if lane.live and not self._hides else None
        frame = newest or (seen.frame if seen else None)
        mirror, search = lane.name in self._mirrored, self._searches[lane.name]
        return Pane(lane.name, frame, seen, lane.rates(), lane.trouble(), lane.ended, mirror, search=search)


def stream_of(lane: Lane) -> Optional[StreamInfo]:
    """Return what a sink is told of a camera; None until its source is open."""
    info = lane.info
    return None if info is None else StreamInfo(lane.name, info.width, info.height, info.fps, lane.live)


def _report(session: Session) -> None:
    of_all = session.balance()
    fields = {"event": "figures", **fields_of(session.rates()), **counts_of(of_all)}
    logger.info("%s   frames %d", describe_rates(session.rates()), of_all.emitted, extra=fields)
    for lane in session.lanes if len(session.lanes) > 1 else ():
        rates, balance = lane.rates(), lane.balance()
        fields = {"event": "camera_figures", "camera": lane.name, **fields_of(rates), **counts_of(balance)}
        logger.info("%s: FPS total %.1f   frames %d", lane.name, rates.total, balance.emitted, extra=fields)
