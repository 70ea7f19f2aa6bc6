"""One camera of a session: its source and reader, its counts and figures, its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import List, Optional, Sequence

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.errors import FerEdgeError
from fer_edge.pipeline.frame_counter import FrameCounter
from fer_edge.pipeline.meter import FlowMeter
from fer_edge.pipeline.reader import SourceReader
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.track.base import Tracker
from fer_edge.types import Frame, FrameBalance, Observation, Rates

logger = logging.getLogger("fer_edge")


@dataclass(frozen=True)
class LaneSpec:
    """What a session is told of a camera.

    Attributes
    ----------
    name : str
        Of the lane, and of its frames' source; unique in the session.
    source : Source
        Where its frames come from; opened and closed by the session.
    reconnection : Reconnection, optional
        Opens a lost source anew. Without one, the first error ends the lane.
    tracker : Tracker, optional
        Follows the faces of the camera.
    """

    name: str
    source: Source
    reconnection: Optional[Reconnection] = None
    tracker: Optional[Tracker] = None


class Lane:
    """What can be known of one camera while a session runs. Any thread may ask.

    Attributes
    ----------
    name : str
        As the settings or the program gave it.
    live : bool
        Whether its source is a camera or stream, and no file.
    ended : bool
        Whether it came to its end.
    error : BaseException or None
        What ended it, where that was an error.
    """

    def __init__(self, spec: LaneSpec, reader: SourceReader, counter: FrameCounter, meter: FlowMeter) -> None:
        self.name = spec.name
        self.live = spec.source.live
        self.meter = meter
        self.counter = counter
        self.reader = reader
        self.ended = False
        self.error: Optional[BaseException] = None
        self._reconnection = spec.reconnection
        self._tracker = spec.tracker

    @property
    def info(self) -> Optional[SourceInfo]:
        """What the source turned out to be; None until it is open."""
        return self.reader.info

    @property
    def latest(self) -> Optional[Frame]:
        """The newest captured frame, analysed or not, for a live view; None before the first."""
        return self.reader.latest

    @property
    def reconnects(self) -> int:
        """How often a lost source came back."""
        return self._reconnection.reconnects if self._reconnection is not None else 0

    @property
    def undecodable(self) -> int:
        """Images that were left out because they could not be decoded."""
        return self._reconnection.undecodable if self._reconnection is not None else 0

    @property
    def last_error(self) -> Optional[BaseException]:
        """What ended it, or else why its source was last lost; None where nothing went wrong."""
        if self.error is not None or self._reconnection is None:
            return self.error
        return self._reconnection.last_error

    def emit(self, observation: Observation) -> Observation:
        """Count an observation of this camera as emitted, and return it with the tracks of its faces, if they are followed."""
        self.counter.emit(observation.frame.index)
        return observation if self._tracker is None else self._tracker.follow(observation)

    def end(self, error: Optional[BaseException], told: bool) -> None:
        """Note that the lane came to its end, by an error or not; `told` in the log where other lanes go on."""
        self.ended, self.error = True, error
        if not told:
            return
        fields = {"event": "camera_ended", "camera": self.name}
        if error is None:
            logger.info("camera %s has come to its end", self.name, extra=fields)
            return
        reason, remedy = str(getattr(error, "message", error)), str(getattr(error, "remedy", ""))
        fields = {**fields, "reason": reason, **({"remedy": remedy} if remedy else {})}
        logger.error("camera %s has ended: %s%s", self.name, reason, f" {remedy}" if remedy else "", extra=fields)

    def trouble(self) -> str:
        """Return what is wrong with the source, for people; empty while it works or nobody looks after it."""
        if self.error is not None:
            return f"it ended: {getattr(self.error, 'message', self.error)}"
        return self._reconnection.trouble() if self._reconnection is not None else ""

    def rates(self) -> Rates:
        """Return the FPS figures of this lane as of now."""
        return self.meter.rates()

    def balance(self) -> FrameBalance:
        """Return the counts of frames as of now."""
        return self.counter.balance()


def first_failure(lanes: Sequence[Lane]) -> Optional[BaseException]:
    """Return what ended the first lane that ended by an error, named where there are several; None where none did."""
    failed = next((lane for lane in lanes if lane.error is not None), None)
    return None if failed is None else named_failure(failed, len(lanes) > 1)


def named_failure(lane: Lane, several: bool) -> Optional[BaseException]:
    """Return the last error of a lane, which names the lane where there are several; None where it had none."""
    error, prefix = lane.last_error, f"camera {lane.name}: "
    if several and isinstance(error, FerEdgeError) and not error.message.startswith(prefix):
        error.message = prefix + error.message
    return error


def troubles_of(lanes: Sequence[Lane]) -> List[str]:
    """Return what is wrong with the sources of lanes, for people; a camera is named where there are several."""
    told = [(lane.name, lane.trouble()) for lane in lanes]
    return [f"camera {name}: {trouble}" if len(lanes) > 1 else trouble for name, trouble in told if trouble]
