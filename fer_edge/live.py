"""The main job: watch a source, show and write what is seen, until somebody ends it."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Dict, List, Optional, Tuple

import cv2

from fer_edge.build import build_source, classifier_factory, detector_factory
from fer_edge.capture.base import Source
from fer_edge.errors import UsageError
from fer_edge.meter import Clock
from fer_edge.overlay import Overlay
from fer_edge.pipeline.ledger import FrameBalance
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.service.endpoint import Endpoint
from fer_edge.service.health import HealthMonitor
from fer_edge.settings import Settings
from fer_edge.sinks.base import Sink
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.sinks.video import VideoSink
from fer_edge.sinks.window import KEYS, Window, display_available
from fer_edge.types import Frame, Image, Observation, Rates

logger = logging.getLogger("fer_edge")

REPORT_SECONDS = 10.0
"""How often the figures are logged."""

VIDEO_RATE = 30.0
"""Frames per second of a recording whose source has no rate of its own."""

HELP = "\n".join(f"{key}: {meaning}" for key, meaning in KEYS.items())

LONGEST_WAIT = 0.1
"""Seconds after which the loop looks at the keyboard and the clock even when nothing happens."""


@dataclass(frozen=True)
class Summary:
    """What a run came to."""

    seconds: float
    balance: FrameBalance
    faces: int
    rates: Rates

    def __str__(self) -> str:
        """Give the three figures and the counts, for people."""
        return (
            f"{self.balance.emitted} frames analysed in {self.seconds:.1f} s, {self.faces} faces, "
            f"{self.balance.dropped} dropped\n{describe_rates(self.rates)}"
        )


def describe_rates(rates: Rates) -> str:
    """Give the three FPS figures in one line, with the capacities called so."""
    return (
        f"FPS total {rates.total:.1f}   "
        f"classification {rates.classification:.1f} capacity ({rates.classification_achieved:.1f} achieved)   "
        f"detection {rates.detection:.1f} capacity ({rates.detection_achieved:.1f} achieved)"
    )


class LiveRun:
    """One run of the main job.

    Parameters
    ----------
    settings : Settings
        What to watch and where results go.
    stop : Event
        Set from outside to end the run.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, settings: Settings, stop: threading.Event, clock: Clock = time.monotonic) -> None:
        self._settings = settings
        self._stop = stop
        self._clock = clock
        self._overlay = Overlay(bars=settings.bars)
        self._observation: Optional[Observation] = None
        self._shown: Optional[Tuple[int, int]] = None
        self._picture: Optional[Image] = None
        self._help = False
        self._due = 0.0
        self._began: Optional[float] = None
        self._faces = 0
        self._emitted = 0

    def run(self, source: Optional[Source] = None) -> Summary:
        """Watch until the source ends, a limit is reached, the window is closed or `stop` is set.

        Parameters
        ----------
        source : Source, optional
            Instead of the one that the settings name.

        Raises
        ------
        FerEdgeError
            What went wrong; everything that was written until then is complete.
        """
        settings = self._settings
        _refuse_one_file_for_two(settings)
        source = source or build_source(settings)
        pipeline = Pipeline(source, detector_factory(settings), classifier_factory(settings), clock=self._clock)
        with ExitStack() as stack:
            monitor = HealthMonitor(pipeline.rates, self._clock)
            if settings.listen is not None:
                stack.enter_context(Endpoint(settings.listen, monitor.health, settings.token))
            window = self._open_window(stack)
            sinks = self._open_sinks(stack, pipeline, source.live)
            stack.enter_context(pipeline)
            self._watch(pipeline, source.live, sinks, window, monitor)
            rates = pipeline.rates()
            seconds = 0.0 if self._began is None else self._clock() - self._began
        return Summary(seconds, pipeline.balance(), self._faces, rates)

    def _open_window(self, stack: ExitStack) -> Optional[Window]:
        if self._settings.display == "none":
            return None
        if self._settings.display == "auto":
            available, reason = display_available()
            if not available:
                logger.info("no window: %s", reason)
                return None
        return stack.enter_context(Window("fer-edge"))

    def _open_sinks(self, stack: ExitStack, pipeline: Pipeline, live: bool) -> List[Sink]:
        sinks: List[Sink] = []
        if self._settings.output:
            sinks.append(stack.enter_context(JsonlSink(self._settings.output, stop=self._stop.is_set)))
        if self._settings.record:
            # A file keeps its own rate and every frame; a camera's frames are placed in time.
            rate = VIDEO_RATE if live else lambda: (pipeline.source_info and pipeline.source_info.fps) or VIDEO_RATE
            sinks.append(stack.enter_context(VideoSink(self._settings.record, rate, self._overlay, live)))
        return sinks

    def _watch(
        self,
        pipeline: Pipeline,
        live: bool,
        sinks: List[Sink],
        window: Optional[Window],
        monitor: HealthMonitor,
    ) -> None:
        settings = self._settings
        report_at = self._clock() + REPORT_SECONDS
        while not self._stop.is_set():
            now = self._clock()
            if self._began is None and pipeline.ready:
                self._began = now
            if settings.duration is not None and self._began is not None and now - self._began >= settings.duration:
                return
            if now >= report_at:
                report_at = now + REPORT_SECONDS
                logger.info("%s   frames %d", describe_rates(pipeline.rates()), pipeline.balance().emitted)
            try:
                observation = pipeline.take(LONGEST_WAIT if window is None else 0.0)
            except Closed:
                return
            if observation is not None:
                self._emit(observation, pipeline, sinks)
                monitor.frame_analysed()
                if settings.frames is not None and self._emitted >= settings.frames:
                    return
            if window is not None:
                if self._refresh(window, pipeline.latest_frame if live else self._analysed(), pipeline.rates()):
                    return
                if observation is None:
                    pipeline.wait_for_news(LONGEST_WAIT)
                elif not live and self._play_back(window, pipeline):
                    return

    def _emit(self, observation: Observation, pipeline: Pipeline, sinks: List[Sink]) -> None:
        if self._observation is None:
            info = pipeline.source_info
            logger.info("watching %s, %dx%d", info.name if info else "", *observation.frame.image.shape[1::-1])
        self._observation = observation
        self._emitted += 1
        self._faces += len(observation.faces)
        if sinks:
            begun = self._clock()
            rates = pipeline.rates()
            for sink in sinks:
                sink.write(observation, rates)
            pipeline.meter.record_stage("emit", self._clock() - begun)

    def _analysed(self) -> Optional[Frame]:
        return self._observation.frame if self._observation else None

    def _refresh(self, window: Window, frame: Optional[Frame], rates: Rates) -> bool:
        """Show `frame` with the last result, unless it is shown already; tell whether the window wants to end."""
        seen = self._observation
        version = (frame.index if frame else -1, seen.frame.index if seen else -1)
        if frame is not None and version != self._shown:
            age = frame.captured_at - seen.frame.captured_at if seen else None
            self._picture = self._overlay.draw(
                frame.image, seen.faces if seen else (), rates, age=age, notice=HELP if self._help else ""
            )
            window.show(self._picture)
            self._shown = version
        return self._obey(window)

    def _obey(self, window: Window) -> bool:
        """Do what a key asks for; tell whether it, or the closed window, ends the run."""
        key = window.poll()
        if key == "b":
            self._overlay.bars = not self._overlay.bars
        elif key == "h":
            self._help = not self._help
        elif key == "f":
            window.toggle_fullscreen()
        elif key == "s" and self._picture is not None:
            path = datetime.now().strftime("fer-edge-%Y%m%d-%H%M%S.png")
            logger.info("saved %s" if cv2.imwrite(path, self._picture) else "could not save %s", path)
        if key is not None:
            self._shown = None
        return key in ("q", "closed")

    def _play_back(self, window: Window, pipeline: Pipeline) -> bool:
        """Keep a file's own pace in the window; tell whether the window wants to end."""
        info = pipeline.source_info
        gap = 1 / info.fps if info and info.fps > 0 else 0.0
        self._due = max(self._due + gap, self._clock() - gap)
        while self._clock() < self._due:
            if self._stop.wait(min(LONGEST_WAIT, max(0.0, self._due - self._clock()))) or self._obey(window):
                return True
        return False


def _refuse_one_file_for_two(settings: Settings) -> None:
    """Keep a run from destroying what it reads, or one output from overwriting the other. Raises UsageError."""
    roles: Dict[str, str] = {}
    for role, place in (("--camera", settings.camera), ("--record", settings.record), ("--output", settings.output)):
        path = os.path.realpath(place)
        special = os.path.exists(path) and not os.path.isfile(path)
        if place in ("", "-") or special or (role == "--camera" and not os.path.exists(path)):
            continue
        if path in roles:
            raise UsageError(f"{roles[path]} and {role} name the same file, {place}.", "Give each a file of its own.")
        roles[path] = role
