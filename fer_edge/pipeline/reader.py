"""The thread in front of a lane: turns a source into numbered, stamped frames; the only place where frames are dropped."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timezone
from typing import Callable, Optional, Sequence

import numpy as np

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.stall import FrozenImage, UndecodableImages
from fer_edge.errors import FileUnreadable, SourceUnreadable, StageFailed
from fer_edge.pipeline.frame_counter import FrameCounter
from fer_edge.pipeline.mailbox import Closed, Mailbox
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.stage_spec import as_stage_error
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.pipeline.worker import Call, GivenUp, Worker
from fer_edge.system.clock import Clock
from fer_edge.types import Frame, Image, Observation, StageTime

CAPTURE = "capture"
"""What the reader's share of a frame's time is called; it is no stage, as each lane has its own."""

STOP_POLL_SECONDS = 0.1
"""How often a wait for the stages looks whether the program is to end."""

GRAB_LIMIT = 5.0
"""Seconds; a grab returns after half a second even when there is no image."""

CLOSE = Call("closing of the source", 5.0)


class SourceReader:
    """Opens a lane's source and leaves its frames in a mailbox.

    For a live source the newest frame replaces the one that waits, which counts as dropped; any other source waits for room.

    Parameters
    ----------
    lane : str
        The name of the lane, and of its frames' source.
    source : Source
        Opened, read and closed in the thread of the reader.
    outbox : Mailbox
        Where frames go.
    counter : FrameCounter
        Counts what was captured and dropped.
    record : callable
        Is told the seconds that the capture of each frame took.
    ready : sequence of Event
        Set by the stages once they are built: before that no frame is captured, so that none is dropped for a cold start.
    notify : callable
        Called after each captured frame.
    reconnection : Reconnection, optional
        Decides what becomes of a source that is lost; without it, its error or end is that of the lane.
    supervisor : Supervisor, optional
        Knows how many threads of the lane hang.
    alone : bool
        Whether this is the only lane, so that its end is that of the session.
    """

    step = CAPTURE

    def __init__(
        self,
        lane: str,
        source: Source,
        outbox: Mailbox[Observation],
        counter: FrameCounter,
        record: Callable[[float], None],
        ready: Sequence[threading.Event],
        notify: Callable[[], None],
        clock: Clock,
        reconnection: Optional[Reconnection] = None,
        supervisor: Optional[Supervisor] = None,
        alone: bool = True,
    ) -> None:
        self.name = "capture" if alone else f"capture-{lane}"
        self.group = self.name
        self.info: Optional[SourceInfo] = None
        self.latest: Optional[Frame] = None
        self.worker = Worker(self.name, self._run)
        self._lane = lane
        self._source = source
        self._outbox = outbox
        self._counter = counter
        self._record = record
        self._ready = ready
        self._notify = notify
        self._clock = clock
        self._reconnection = reconnection
        self._supervisor = supervisor
        self._alone = alone
        self._stopping = threading.Event()
        self._index = 0

    def stop(self) -> None:
        """Ask the thread to end, and wake it from whatever it waits for."""
        self._stopping.set()
        self._source.interrupt()

    def replace(self, error: BaseException) -> None:
        """Go on in a new thread with a new source, unless `error` ends the lane: the old thread was given up in a call."""
        self._source.interrupt()
        self.worker = Worker(self.name, lambda worker: self._run(worker, error))
        self.worker.thread.start()

    def abandon(self) -> None:
        """Do nothing: an image that a driver holds back was never counted."""

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
        exhausted = self._exhausted()
        if exhausted is not None:
            exhausted.__cause__ = error
            error = exhausted
        self._outbox.finish(self._lane, None if self._stopping.is_set() else error)

    def _find_source(self, error: Optional[BaseException]) -> bool:
        """Wait for the time to try again, and make a new source; False when there is no more trying."""
        if self._reconnection is None:
            return False
        while True:
            exhausted = self._exhausted()
            if exhausted is not None and self._alone:
                return False
            delay = self._reconnection.lost(exhausted or error)
            if delay is None or self._stopping.wait(delay):
                return False
            if exhausted is None:
                break
        self._source = self._reconnection.reopen()
        # A stop that came meanwhile has interrupted the source before.
        return not self._stopping.is_set()

    def _exhausted(self) -> Optional[StageFailed]:
        """Return an error where too many threads of this lane hang; with other lanes, it waits until they come back."""
        return self._supervisor.exhausted(self.group) if self._supervisor is not None else None

    def _watch(self, worker: Worker, source: Source) -> None:
        try:
            with worker.calling(Call("opening of the source", source.opening_limit)):
                info = source.open()
            self.info = info
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
        watched = self._reconnection is not None and source.live
        frozen = FrozenImage(self._clock, source.frozen_after) if watched else None
        undecodable = UndecodableImages(self._clock) if frozen is not None else None
        while not self._stopping.is_set():
            if source.on_demand:
                self._outbox.wait_until_wanted(self._lane)
            elif not source.live:
                self._outbox.wait_for_room(self._lane)
            asked_at = self._clock()
            problem = ""
            with worker.calling(Call("grab", source.grab_limit or GRAB_LIMIT)):
                grabbed = source.grab()
                captured_at, timestamp = self._clock(), datetime.now(timezone.utc)
                try:
                    image = self._retrieve(source, undecodable) if grabbed else None
                except FileUnreadable as error:
                    image, problem = np.zeros((0, 0, 3), np.uint8), error.message
            if image is not None and not problem:
                check_image(image, self._lane)
            if image is None:
                if grabbed is not False:
                    continue
                return
            image.flags.writeable = False
            if frozen is not None:
                frozen.look(image)
            # A live source makes the caller wait for the image; that wait is no work, while reading a file is.
            spent = StageTime(0.0, self._clock() - (captured_at if source.live else asked_at))
            media_time = None if source.live else getattr(source, "media_time", None)
            file = getattr(source, "file", "")
            frame = Frame(self._index, captured_at, timestamp, image, self._lane, media_time, file, problem)
            self._counter.capture(self._index)
            self._index += 1
            self._record(spent.service)
            self.latest = frame
            if self._reconnection is not None:
                self._reconnection.found()
            self._leave(source, Observation(frame, times={CAPTURE: spent}))
            self._notify()

    def _retrieve(self, source: Source, undecodable: Optional[UndecodableImages]) -> Optional[Image]:
        """Return the image; None when it is left out, because a transmission does damage one now and then."""
        try:
            image = source.retrieve()
        except FileUnreadable:
            raise
        except SourceUnreadable as error:
            if undecodable is None or self._reconnection is None:
                raise
            undecodable.damaged(error)
            self._reconnection.leave_out(error)
            return None
        if undecodable is not None:
            undecodable.whole()
        return image

    def _leave(self, source: Source, item: Observation) -> None:
        try:
            if source.live:
                displaced = self._outbox.replace(self._lane, item)
                if displaced is not None:
                    self._counter.drop(displaced.frame.index)
            else:
                self._outbox.put(self._lane, item)
        except Closed:
            self._counter.drop(item.frame.index)
            raise


def check_image(image: object, lane: str) -> None:
    """Refuse what no stage can work on: it ends its own lane, and not all. Raises SourceUnreadable."""
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if not (fits and isinstance(image, np.ndarray) and image.size):
        what = f"{list(image.shape)}, {image.dtype}" if isinstance(image, np.ndarray) else f"{image!r:.80}"
        raise SourceUnreadable(
            f"The source '{lane}' gave {what}, and no image.", "retrieve() returns height x width x 3, uint8, BGR."
        )
