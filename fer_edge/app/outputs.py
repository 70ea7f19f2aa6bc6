"""Where the results of a run go: the sinks of its settings, and runners from outside."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Type

from fer_edge.app.file_roles import files_read, files_written, refuse_shared_files, refuse_shared_streams
from fer_edge.pipeline.sink_deadline import close_together
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.settings import Settings
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.mounts import MountGuard
from fer_edge.sinks.names import for_camera, has_camera, refuse_two_cameras
from fer_edge.sinks.registry import SINKS, Place, SinkKind
from fer_edge.sinks.request import SinkRequest
from fer_edge.sinks.run_view import KnownRun, RunView
from fer_edge.system.clock import Clock
from fer_edge.system.masking import mask
from fer_edge.system.standard_streams import standard_descriptor
from fer_edge.types import Observation, Rates

Streams = Callable[[str], Optional[StreamInfo]]
"""Gives what is known of a camera's stream, by its name; None until its source is open."""

_MOST_NAMED = 2
"""Of a recording's files, how many are told by name; of more, the first and the last."""


@dataclass(frozen=True)
class _Asked:
    """A sink of the settings, and the files that it opened, in order."""

    kind: SinkKind
    place: str
    runner: SinkRunner
    files: Dict[str, None] = field(default_factory=dict)


class Outputs:
    """Hands each observation to all sinks that are to get it.

    Each sink has a runner, so that one that fails or blocks holds up nothing but itself, and the files whose results it is to
    get whole. A sink whose place holds ``{camera}`` is one for each camera.

    Parameters
    ----------
    settings : Settings
        Name the sinks, and the cameras.
    more : sequence of SinkRunner
        Besides them.
    stop : Event
        Ends the wait for a reader that does not read.
    clock : callable, optional
        Monotonic seconds.

    Attributes
    ----------
    runners : list of SinkRunner
        All that were opened.
    """

    def __init__(
        self, settings: Settings, more: Sequence[SinkRunner], stop: threading.Event, clock: Clock = time.monotonic
    ) -> None:
        self.runners: List[SinkRunner] = []
        self._asked: List[_Asked] = []
        self._settings = settings
        self._more = more
        self._stop = stop
        self._clock = clock
        self._cameras = [camera.name for camera in settings.cameras]
        self._streams: Streams = lambda camera: None
        self._run: RunView = KnownRun(self._cameras)

    def open(
        self,
        stack: ExitStack,
        streams: Streams,
        news: Callable[[], None] = lambda: None,
        run: Optional[RunView] = None,
    ) -> None:
        """Make all sinks, to be closed by `stack`. Each opens when the first observation comes for it.

        Parameters
        ----------
        streams : callable
            Gives what is known of a camera's stream; called from several threads.
        news : callable
            Called, from any thread, when there may be `room` where there was none.
        run : RunView, optional
            What sinks may ask; of one that is left out nothing is known.

        Raises
        ------
        OutputError
            Nothing can be written there, and it shall not be waited for.
        UsageError
            One file or standard stream has two roles, or a file would have two cameras where it takes one.
        """
        self._streams, self._run = streams, run or self._run
        stack.push(self._end)
        refuse_shared_streams(self._settings)
        for kind in SINKS:
            place = kind.place(self._settings)
            if not place:
                continue
            with self._settings.located(kind.option):
                for asked in self._kinds_sinks(kind, place):
                    self._asked.append(asked)
                    self._start(asked.runner, news)
        for runner in self._more:
            self._start(runner, news)

    def __bool__(self) -> bool:
        """Return whether results go anywhere."""
        return bool(self.runners)

    def room(self, camera: str) -> bool:
        """Return whether an observation of a camera can be written now without losing one; never waits.

        Of a live camera it always can. A file waits, and holds up no other: its observation is to be asked for again later.
        """
        return self._is_live(camera) or all(runner.room(camera) for runner in self._takers(camera))

    def write(self, observation: Observation, rates: Rates) -> None:
        """Hand an observation on; never waits. Raises what ended, for good, a sink without which the run makes no sense."""
        camera = observation.frame.source
        live = self._is_live(camera)
        self._tell_mistakes_from_faults()
        for runner in self._takers(camera):
            if runner.ended is not None and runner.policy.required:
                raise runner.ended
            runner.offer(observation, rates, live)

    def troubles(self) -> List[str]:
        """Return which sinks do not work, or left out results lately, for people."""
        return list(filter(None, (runner.trouble() or runner.remark() for runner in self.runners)))

    def whereabouts(self) -> List[str]:
        """Say in which files the recording and the results of a run are that is over, and how many are missing there.

        A recording may have gone on under several names, and somebody may have taken one away.
        """
        told = []
        for kind in SINKS:
            sinks = [asked for asked in self._asked if asked.kind is kind]
            files = [file for asked in sinks for file in asked.files if os.path.exists(file)]
            lost = sum(asked.runner.lost for asked in sinks)
            if files:
                told.append(f"{kind.told} in {_in_short(files)}" + (kind.but.format(lost) if lost else ""))
        return told

    def _tell_mistakes_from_faults(self) -> None:
        """Let sinks be tried again of which another of the kind has worked: a camera may come days after the start."""
        for asked in self._asked:
            if asked.runner.policy.worked:
                for other in self._asked:
                    other.runner.policy.from_the_start |= other.kind is asked.kind

    def _takers(self, camera: str) -> Iterator[SinkRunner]:
        return (runner for runner in self.runners if runner.takes(camera))

    def _is_live(self, camera: str) -> bool:
        stream = self._streams(camera)
        return stream is None or stream.live

    def _start(self, runner: SinkRunner, news: Callable[[], None]) -> None:
        runner.open(lambda observation: self._describe(runner, observation), news)
        self.runners.append(runner)

    def _end(
        self,
        kind: Optional[Type[BaseException]],  # noqa: ARG002  (an ExitStack gives all three)
        error: Optional[BaseException],
        traceback: Optional[TracebackType],  # noqa: ARG002
    ) -> None:
        """Close all runners; what kept a sink from working is raised only when nothing else was."""
        try:
            close_together(self.runners, self._clock)
        except Exception:
            if error is None:
                raise

    def _describe(self, runner: SinkRunner, observation: Observation) -> StreamInfo:
        """Return what a sink is told that is to get this observation first."""
        stream = self._streams(observation.frame.source) or StreamInfo.of(observation, live=True)
        if runner.camera is not None or len(self._cameras) == 1:
            return replace(stream, camera=observation.frame.source)
        return StreamInfo(live=any(map(self._is_live, self._cameras)))

    def _kinds_sinks(self, kind: SinkKind, place: str) -> Iterator[_Asked]:
        several = len(self._cameras) > 1
        if kind.where is Place.ADDRESS:
            yield self._sink(kind, place, None)
            return
        if has_camera(place):
            for camera in self._cameras:
                # With a single camera all is of that one, whatever it is called.
                yield self._sink(kind, for_camera(place, camera), camera if several else None)
            return
        if several and not kind.several:
            raise refuse_two_cameras(kind, place, len(self._cameras))
        yield self._sink(kind, place, None)

    def _sink(self, kind: SinkKind, place: str, camera: Optional[str]) -> _Asked:
        if kind.where is Place.FILE:
            place = DatedName(place).plain
        guard = MountGuard(DatedName(place).plain if kind.where is Place.PIECES else place, kind.what)
        memory: Dict[str, Any] = {}

        def before_opening(path: str) -> None:
            guard.check()
            asked.files[path] = None

        def make(opened: int) -> Sink:
            # Where it is opened, as only there it is known what a disk that hangs holds up.
            if kind.where is not Place.ADDRESS and standard_descriptor(place) is None:
                refuse_shared_files(files_written(self._settings), files_read(self._settings))
                guard.check()
            options = kind.options(self._settings)
            return kind.make(
                SinkRequest(place, options, opened > 0, self._stop.is_set, before_opening, memory, self._run)
            )

        runner = SinkRunner(
            f"the {kind.what} '{mask(place) if kind.where is Place.ADDRESS else place}'",
            make,
            required=kind.required,
            from_the_start=self._settings.run.reconnect == "always",
            clock=self._clock,
            stop=self._stop,
            camera=camera,
        )
        asked = _Asked(kind, place, runner)
        return asked


def _in_short(files: Sequence[str]) -> str:
    return " and ".join(files) if len(files) <= _MOST_NAMED else f"{len(files)} files, {files[0]} to {files[-1]}"
