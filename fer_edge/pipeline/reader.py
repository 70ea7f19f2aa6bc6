"""The post in front: it turns a source into numbered, stamped frames, and is the only place where frames are dropped."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable, Mapping, Optional, Sequence

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.stall import FrozenPicture, UndecodableImages
from fer_edge.errors import SourceUnreadable
from fer_edge.pipeline.frame_counter import FrameCounter
from fer_edge.pipeline.mailbox import Closed, Mailbox
from fer_edge.pipeline.meter import PipelineMeter
from fer_edge.pipeline.stage import as_stage_error
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.pipeline.worker import Call, GivenUp, Worker
from fer_edge.system.clock import Clock
from fer_edge.types import Frame, Image, StageTime

STOP_POLL_SECONDS = 0.1
"""How often a wait for the stages looks whether the program is to end."""

OPEN = Call("opening of the source", 60.0)
"""Connecting, logging in and waiting for the first picture of a stream have limits of their own, which come first."""

GRAB_LIMIT = 5.0
"""Seconds; a grab returns after half a second even when there is no picture."""

CLOSE = Call("closing of the source", 5.0)


@dataclass(frozen=True)
class Captured:
    """A frame on its way to the detector."""

    frame: Frame
    times: Mapping[str, StageTime]


class SourceReader:
    """Opens a source and leaves its frames in a mailbox.

    For a live source the newest frame replaces the one that waits, which counts as dropped; any other source waits for room.

    Parameters
    ----------
    source : Source
        Opened, read and closed in the thread of the reader.
    outbox : Mailbox
        Where frames go.
    ready : sequence of Event
        Set by the stages once they are built: before that no frame is captured, so that none is dropped for a cold start.
    notify : callable
        Called after each captured frame.
    supervisor : Supervisor, optional
        Decides what becomes of a source that is lost; without it, its error or end is that of the pipeline.
    """

    name = "capture"

    def __init__(
        self,
        source: Source,
        outbox: Mailbox[Captured],
        counter: FrameCounter,
        meter: PipelineMeter,
        ready: Sequence[threading.Event],
        notify: Callable[[], None],
        clock: Clock,
        supervisor: Optional[Supervisor] = None,
    ) -> None:
        self.info: Optional[SourceInfo] = None
        self.latest: Optional[Frame] = None
        self.worker = Worker(self.name, self._run)
        self._source = source
        self._outbox = outbox
        self._counter = counter
        self._meter = meter
        self._ready = ready
        self._notify = notify
        self._clock = clock
        self._supervisor = supervisor
        self._stopping = threading.Event()
        self._index = 0

    def stop(self) -> None:
        """Ask the thread to end, and wake it from whatever it waits for."""
        self._stopping.set()
        self._source.interrupt()

    def relieve(self, error: BaseException) -> None:
        """Go on in a new thread with a new source, unless `error` ends everything: the old thread was given up in a call."""
        self._source.interrupt()
        self.worker = Worker(self.name, lambda worker: self._run(worker, error))
        self.worker.thread.start()

    def abandon(self) -> None:
        """Do nothing: a picture that a driver holds back was never counted."""

    def _run(self, worker: Worker, error: Optional[BaseException] = None) -> None:
        lost = error is not None
        while not self._stopping.is_set():
            try:
                if lost and not self._find_source(error):
                    break
                error = None
                self._watch(worker, self._source)
            except Closed:
                break
            except GivenUp:
                raise
            except BaseException as caught:  # noqa: BLE001  (handed to the consumer, whatever it is)
                error = as_stage_error(self.name, caught)
            lost = True
        exhausted = self._supervisor.exhausted() if self._supervisor is not None else None
        if exhausted is not None:
            exhausted.__cause__ = error
            error = exhausted
        self._outbox.finish(None if self._stopping.is_set() else error)

    def _find_source(self, error: Optional[BaseException]) -> bool:
        """Wait for the time to try again, and make a new source; False when there is no more trying."""
        if self._supervisor is None:
            return False
        delay = self._supervisor.source_lost(error)
        if delay is None or self._stopping.wait(delay):
            return False
        self._source = self._supervisor.reopen()
        # A stop that came meanwhile has interrupted the source before.
        return not self._stopping.is_set()

    def _watch(self, worker: Worker, source: Source) -> None:
        try:
            with worker.calling(OPEN):
                self.info = source.open()
            for built in self._ready:
                while not built.wait(STOP_POLL_SECONDS):
                    if self._stopping.is_set():
                        return
            self._capture(worker, source)
        except GivenUp:
            with suppress(Exception):
                source.close()
            raise
        finally:
            if not worker.given_up:
                with worker.calling(CLOSE):
                    source.close()

    def _capture(self, worker: Worker, source: Source) -> None:
        frozen = FrozenPicture(self._clock) if self._supervisor is not None and source.live else None
        undecodable = UndecodableImages(self._clock) if frozen is not None else None
        while not self._stopping.is_set():
            if source.on_demand:
                self._outbox.wait_until_wanted()
            elif not source.live:
                self._outbox.wait_for_room()
            asked_at = self._clock()
            with worker.calling(Call("grab", GRAB_LIMIT)):
                grabbed = source.grab()
                captured_at, timestamp = self._clock(), datetime.now(timezone.utc)
                image = self._retrieve(source, undecodable) if grabbed else None
            if image is None:
                if grabbed is not False:
                    continue
                return
            image.flags.writeable = False
            if frozen is not None:
                frozen.look(image)
            # A live source makes the caller wait for the picture; that wait is no work, while reading a file is.
            spent = StageTime(0.0, self._clock() - (captured_at if source.live else asked_at))
            frame = Frame(self._index, captured_at, timestamp, image)
            self._counter.capture(self._index)
            self._index += 1
            self._meter.record_stage("capture", spent.service)
            self.latest = frame
            if self._supervisor is not None:
                self._supervisor.source_found()
            self._leave(source, Captured(frame, {"capture": spent}))
            self._notify()

    def _retrieve(self, source: Source, undecodable: Optional[UndecodableImages]) -> Optional[Image]:
        """Return the picture; None when it is left out, because a transmission does damage one now and then."""
        try:
            image = source.retrieve()
        except SourceUnreadable as error:
            if undecodable is None or self._supervisor is None:
                raise
            undecodable.damaged(error)
            self._supervisor.image_undecodable(error)
            return None
        if undecodable is not None:
            undecodable.whole()
        return image

    def _leave(self, source: Source, item: Captured) -> None:
        try:
            if source.live:
                displaced = self._outbox.replace(item)
                if displaced is not None:
                    self._counter.drop(displaced.frame.index)
            else:
                self._outbox.put(item)
        except Closed:
            self._counter.drop(item.frame.index)
            raise
