"""The one picture of the design, in threads: capture, detect, classify, and the caller who takes observations."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Type, TypeVar

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import StopTimeout, UsageError
from fer_edge.pipeline.frame_counter import FrameBalance, FrameCounter
from fer_edge.pipeline.mailbox import Closed, Mailbox
from fer_edge.pipeline.meter import PipelineMeter
from fer_edge.pipeline.reader import Captured, SourceReader
from fer_edge.pipeline.stage import Stage
from fer_edge.pipeline.supervisor import Post, Supervisor
from fer_edge.system.clock import Clock
from fer_edge.types import Face, Frame, Observation, Rates, StageTime

logger = logging.getLogger("fer_edge")

STOP_SECONDS = 1.8
"""Longest that `Pipeline.stop` waits for its threads, so that the whole program ends in under two seconds."""


@dataclass(frozen=True)
class Detected:
    """A frame and its faces on their way to the classifier."""

    frame: Frame
    faces: Tuple[Face, ...]
    times: Mapping[str, StageTime]


FlowT = TypeVar("FlowT", Captured, Detected, Observation)


class Pipeline:
    """Watches a source: finds faces and names their expressions, each stage in a thread of its own.

    Frames are dropped at one place only, right after a live source, where the newest replaces the one that waits. A file
    waits instead, so that no frame is lost. Iterating over a pipeline starts it, gives one `Observation` per analysed frame,
    and stops it at the end.

    Parameters
    ----------
    source : Source
        Where frames come from; opened and closed by the pipeline.
    detector, classifier : callable
        Build the face detector and the expression classifier; called in the thread that will use them.
    clock : callable, optional
        Monotonic seconds; injected in tests.
    supervisor : Supervisor, optional
        Opens a lost source and builds a failed stage anew. Without one, the first error ends the pipeline.
    """

    def __init__(
        self,
        source: Source,
        detector: Callable[[], FaceDetector],
        classifier: Callable[[], ExpressionClassifier],
        *,
        clock: Clock = time.monotonic,
        supervisor: Optional[Supervisor] = None,
    ) -> None:
        self.meter = PipelineMeter({"detect": "detection", "classify": "classification"}, clock)
        self._clock = clock
        self._supervisor = supervisor
        self._news = threading.Event()
        self._started = False
        self._stopped = False
        self._classifier: Optional[ExpressionClassifier] = None
        self._counter = FrameCounter()
        self._frames: Mailbox[Captured] = Mailbox(clock)
        self._detections: Mailbox[Detected] = Mailbox(clock)
        self._observations: Mailbox[Observation] = Mailbox(clock, notify=self._news.set)
        recover = supervisor.stage_failed if supervisor is not None else lambda _name, _error: False
        self._detect = Stage(
            "detect",
            lambda: self._build_detect(detector),
            self._frames,
            self._detections,
            lambda result, spent: self._stamp("detect", result, spent),
            lambda item: self._counter.drop(item.frame.index),
            clock,
            recover,
        )
        self._classify = Stage(
            "classify",
            lambda: self._build_classify(classifier),
            self._detections,
            self._observations,
            lambda result, spent: self._stamp("classify", result, spent, idle=not result.faces),
            lambda item: self._counter.drop(item.frame.index),
            clock,
            recover,
        )
        self._reader = SourceReader(
            source,
            self._frames,
            self._counter,
            self.meter,
            (self._detect.ready, self._classify.ready),
            self._news.set,
            clock,
            supervisor,
        )

    @property
    def source_info(self) -> Optional[SourceInfo]:
        """What the source turned out to be; None until it is open."""
        return self._reader.info

    @property
    def classifier(self) -> Optional[ExpressionClassifier]:
        """The classifier, to ask what it is (never to run it); None until it is built."""
        return self._classifier

    @property
    def ready(self) -> bool:
        """Whether detector and classifier are built, which may take minutes; no frame is analysed before."""
        return self._detect.ready.is_set() and self._classify.ready.is_set()

    @property
    def preparing(self) -> bool:
        """Whether a stage is being built or called for the first time, which may take minutes."""
        return self._detect.preparing or self._classify.preparing

    @property
    def latest_frame(self) -> Optional[Frame]:
        """The newest captured frame, analysed or not, for a live view; None before the first."""
        return self._reader.latest

    def source_trouble(self) -> str:
        """Return what is wrong with the source, for people; empty while it works or nobody looks after it."""
        return self._supervisor.source_trouble() if self._supervisor is not None else ""

    def rates(self) -> Rates:
        """Return the FPS figures as of now."""
        return self.meter.rates()

    def balance(self) -> FrameBalance:
        """Return the counts of frames as of now."""
        return self._counter.balance()

    def queue_ages(self) -> Dict[str, float]:
        """Return by stage how many seconds the frame before it has waited; 0 where none waits."""
        return {
            "detect": self._frames.age(),
            "classify": self._detections.age(),
            "emit": self._observations.age(),
        }

    def start(self) -> None:
        """Start the threads; what goes wrong in them is raised by `take`. Does nothing while they run.

        Raises
        ------
        UsageError
            The pipeline was stopped: it runs once.
        """
        if self._stopped:
            raise UsageError("This pipeline has run already.", "A pipeline runs once; build another one.")
        if not self._started:
            self._started = True
            for post in self._posts:
                post.worker.thread.start()

    def take(self, timeout: Optional[float] = None) -> Optional[Observation]:
        """Take the next observation.

        Parameters
        ----------
        timeout : float, optional
            Longest wait in seconds; without it, until there is one.

        Returns
        -------
        Observation or None
            None when none came in time.

        Raises
        ------
        Closed
            The source ended and everything was taken, or the pipeline was stopped.
        FerEdgeError
            What went wrong in a stage, after the observations that were finished before.
        """
        taken = self._observations.take(timeout)
        if taken is None:
            return None
        observation, _ = taken
        self._counter.emit(observation.frame.index)
        self.meter.record_emitted(self._clock() - observation.frame.captured_at)
        return observation

    def wait_for_news(self, timeout: float) -> bool:
        """Wait until a frame was captured or an observation finished since the last call, at most `timeout` seconds."""
        news = self._news.wait(timeout)
        self._news.clear()
        return news

    def look_after(self) -> None:
        """Give up threads that hang, and replace them; to be called several times a second where there is a supervisor."""
        if self._supervisor is not None and self._started and not self._stopped:
            self._supervisor.look(self._posts)

    def stop(self) -> None:
        """Stop the threads and wait for them; what was under way counts as dropped. May be called twice.

        A stage that is still being built is left behind, and ends with the process. With a supervisor, so is a thread that
        hangs in a driver.

        Raises
        ------
        StopTimeout
            A thread did not end in time; it is abandoned, and ends with the process.
        """
        self._stopped = True
        self._reader.stop()
        for mailbox in (self._frames, self._detections, self._observations):
            lost = mailbox.close()
            if lost is not None:
                self._counter.drop(lost.frame.index)
        if not self._started:
            return
        deadline = time.monotonic() + STOP_SECONDS
        for post in self._posts:
            post.worker.thread.join(max(0.0, deadline - time.monotonic()))
        # Building an engine takes minutes and cannot be interrupted.
        alive = [post for post in self._posts if post.worker.thread.is_alive()]
        unfinished = [post for post in alive if isinstance(post, Stage) and post.building]
        for post in unfinished:
            logger.info("the %s stage was not ready yet; what it was building is given up", post.name)
        hanging = [post for post in alive if post not in unfinished]
        if self._supervisor is not None:
            hanging = [post for post in hanging if not self._supervisor.leave(post) and post.worker.thread.is_alive()]
        if hanging:
            names = " and ".join(post.worker.thread.name for post in hanging)
            raise StopTimeout(
                f"{names} did not end within {STOP_SECONDS} s after being asked to stop.",
                "A driver or library call hangs there; unplug the camera, or end the process.",
            )

    def __enter__(self) -> Pipeline:
        """Start the pipeline for a ``with`` block."""
        self.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Stop the pipeline."""
        self.stop()

    def __iter__(self) -> Iterator[Observation]:
        """Yield every observation until the source ends; breaking out stops the pipeline."""
        with self:
            while True:
                try:
                    observation = self.take()
                except Closed:
                    return
                if observation is not None:
                    yield observation

    @property
    def _posts(self) -> List[Post]:
        return [self._reader, self._detect, self._classify]

    def _build_detect(
        self, build: Callable[[], FaceDetector]
    ) -> Tuple[Callable[[Captured], Detected], Callable[[], None]]:
        detector = build()

        def work(item: Captured) -> Detected:
            return Detected(item.frame, detector.detect(item.frame.image), item.times)

        return work, detector.close

    def _build_classify(
        self, build: Callable[[], ExpressionClassifier]
    ) -> Tuple[Callable[[Detected], Observation], Callable[[], None]]:
        classifier = build()
        self._classifier = classifier
        reader = ExpressionReader(classifier)

        def work(item: Detected) -> Observation:
            return Observation(item.frame, reader.read(item.frame.image, item.faces), item.times)

        return work, classifier.close

    def _stamp(self, stage: str, result: FlowT, spent: StageTime, idle: bool = False) -> FlowT:
        self.meter.record_stage(stage, spent.service, idle)
        return replace(result, times={**result.times, stage: spent})
