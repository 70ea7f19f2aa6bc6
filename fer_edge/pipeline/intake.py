"""The thread in front: it turns a source into numbered, stamped frames, and is the only place where frames are dropped."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable, Mapping, Optional, Sequence

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.meter import Clock, PipelineMeter
from fer_edge.pipeline.ledger import FrameLedger
from fer_edge.pipeline.mailbox import Closed, Mailbox
from fer_edge.pipeline.stage import as_stage_error
from fer_edge.types import Frame, StageTime

STOP_POLL_SECONDS = 0.1
"""How often a wait for the stages looks whether the program is to end."""


@dataclass(frozen=True)
class Captured:
    """A frame on its way to the detector."""

    frame: Frame
    times: Mapping[str, StageTime]


class Intake:
    """Opens a source and leaves its frames in a mailbox.

    For a live source the newest frame replaces the one that waits, which counts as dropped; any other source waits for room.

    Parameters
    ----------
    source : Source
        Opened, read and closed in the thread of the intake.
    outbox : Mailbox
        Where frames go.
    ready : sequence of Event
        Set by the stages once they are built: before that no frame is captured, so that none is dropped for a cold start.
    notify : callable
        Called after each captured frame.
    """

    def __init__(
        self,
        source: Source,
        outbox: Mailbox[Captured],
        ledger: FrameLedger,
        meter: PipelineMeter,
        ready: Sequence[threading.Event],
        notify: Callable[[], None],
        clock: Clock,
    ) -> None:
        self.info: Optional[SourceInfo] = None
        self.latest: Optional[Frame] = None
        self.thread = threading.Thread(target=self._run, name="fer-edge-capture", daemon=True)
        self._source = source
        self._outbox = outbox
        self._ledger = ledger
        self._meter = meter
        self._ready = ready
        self._notify = notify
        self._clock = clock
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask the thread to end, and wake it from whatever it waits for."""
        self._stopping.set()
        self._source.interrupt()

    def _run(self) -> None:
        error: Optional[BaseException] = None
        try:
            try:
                self.info = self._source.open()
                for built in self._ready:
                    while not built.wait(STOP_POLL_SECONDS):
                        if self._stopping.is_set():
                            return
                self._capture()
            finally:
                self._source.close()
        except Closed:
            pass
        except BaseException as caught:  # noqa: BLE001  (handed to the consumer, whatever it is)
            if not self._stopping.is_set():
                error = as_stage_error("capture", caught)
        finally:
            self._outbox.finish(error)

    def _capture(self) -> None:
        index = 0
        while not self._stopping.is_set():
            if self._source.on_demand:
                self._outbox.wait_until_wanted()
            elif not self._source.live:
                self._outbox.wait_for_room()
            asked_at = self._clock()
            grabbed = self._source.grab()
            if grabbed is None:
                continue
            if not grabbed:
                return
            captured_at, timestamp = self._clock(), datetime.now(timezone.utc)
            image = self._source.retrieve()
            image.flags.writeable = False
            # A live source makes the caller wait for the picture; that wait is no work, while reading a file is.
            spent = StageTime(0.0, self._clock() - (captured_at if self._source.live else asked_at))
            frame = Frame(index, captured_at, timestamp, image)
            self._ledger.capture(index)
            self._meter.record_stage("capture", spent.service)
            self.latest = frame
            self._leave(Captured(frame, {"capture": spent}))
            self._notify()
            index += 1

    def _leave(self, item: Captured) -> None:
        try:
            if self._source.live:
                displaced = self._outbox.replace(item)
                if displaced is not None:
                    self._ledger.drop(displaced.frame.index)
            else:
                self._outbox.put(item)
        except Closed:
            self._ledger.drop(item.frame.index)
            raise
