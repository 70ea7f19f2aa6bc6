"""Where the results of a run go: the files of its settings, and runners from outside."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from typing import Callable, Dict, List, Sequence, Tuple, Union

from fer_edge.app.file_roles import files_read, refuse_shared_files
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.settings import Settings
from fer_edge.sinks.base import Sink
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.sinks.mounts import MountGuard
from fer_edge.sinks.video.pieces import PiecedVideoSink
from fer_edge.sinks.video.sink import VideoSink, check_ending
from fer_edge.system.clock import Clock
from fer_edge.system.new_file import unused_name
from fer_edge.system.standard_streams import standard_descriptor
from fer_edge.types import Observation, Rates
from fer_edge.ui.overlay import Overlay

VIDEO_RATE = 30.0
"""Frames per second of a recording whose source has no rate of its own."""

_MOST_NAMED = 2
"""Of a recording's files, how many are told by name; of more, the first and the last."""


class Outputs:
    """Hands each observation to all sinks.

    Each sink has an runner, so that one that fails or blocks holds up nothing but itself. Those of a file's results are
    patient, so that none is left out, and the first failure ends the run.

    Parameters
    ----------
    settings : Settings
        Name the files.
    more : sequence of SinkRunner
        Besides them.
    stop : Event
        Ends the wait for a reader that does not read.
    """

    def __init__(
        self, settings: Settings, more: Sequence[SinkRunner], stop: threading.Event, clock: Clock = time.monotonic
    ) -> None:
        self.runners: List[SinkRunner] = []
        self._named: Dict[str, SinkRunner] = {}
        self._recorded: Dict[str, None] = {}  # in order
        self._settings = settings
        self._more = more
        self._stop = stop
        self._clock = clock

    def open(self, stack: ExitStack, live: bool, fps: Callable[[], float]) -> None:
        """Open everything, to be closed by `stack`.

        Parameters
        ----------
        live : bool
            Whether the source is live.
        fps : callable
            Gives the rate of a source that is a file; 0 where it has none.

        Raises
        ------
        OutputError
            A file cannot be written, and shall not be waited for.
        UsageError
            One file has two roles.
        """
        settings = self._settings
        for name, what, open_sink in self._files(live, fps):
            place = getattr(settings.outputs, name)
            with settings.located(name):
                if place:
                    runner = SinkRunner(
                        f"the {what} '{place}'",
                        open_sink,
                        from_the_start=live and settings.run.reconnect == "always",
                        clock=self._clock,
                        patient=not live,
                        stop=self._stop,
                    )
                    self._named[name] = runner
                    self.runners.append(stack.enter_context(runner))
        self.runners.extend(stack.enter_context(runner) for runner in self._more)

    def __bool__(self) -> bool:
        """Return whether results go anywhere."""
        return bool(self.runners)

    def write(self, observation: Observation, rates: Rates) -> None:
        """Hand an observation on. Raises what ended a sink for good."""
        for runner in self.runners:
            if runner.ended is not None:
                raise runner.ended
            runner.offer(observation, rates)

    def troubles(self) -> List[str]:
        """Return which sinks do not work, or left out results lately, for people."""
        return list(filter(None, (runner.trouble() or runner.remark() for runner in self.runners)))

    def whereabouts(self) -> List[str]:
        """Say in which files the recording and the results of a run are that is over, and how many are missing there.

        A recording may have gone on under several names, and somebody may have taken one away.
        """
        told = []
        for name, runner in self._named.items():
            place = self._settings.outputs.output if name == "output" else ""
            if standard_descriptor(place) is not None:
                continue
            files = [file for file in ([place] if place else self._recorded) if os.path.exists(file)]
            if files:
                what = "the results are" if place else "the annotated video is"
                missing = f", but for {runner.lost} that were left out" if runner.lost else ""
                told.append(f"{what} in {_in_short(files)}{missing}")
        return told

    def _files(self, live: bool, fps: Callable[[], float]) -> Sequence[Tuple[str, str, Callable[[int], Sink]]]:
        settings, wanted = self._settings, self._settings.outputs
        overlay = Overlay(bars=wanted.bars)
        # A file keeps its own rate and every frame; a camera's frames are placed in time.
        rate: Union[float, Callable[[], float]] = VIDEO_RATE if live else lambda: fps() or VIDEO_RATE
        if settings.outputs.record:
            with settings.located("record"):
                check_ending(settings.outputs.record)

        disk_of_results = MountGuard(settings.outputs.output, "results file")
        disk_of_recording = MountGuard(settings.outputs.record, "recording")

        def results(opened: int) -> Sink:
            self._refuse_shared_files()
            append = settings.outputs.append or opened > 0
            return JsonlSink(
                settings.outputs.output, self._stop.is_set, append=append, before_opening=disk_of_results.check
            )

        def recording(opened: int) -> Sink:
            self._refuse_shared_files()
            if settings.outputs.in_pieces:
                return PiecedVideoSink(
                    settings.outputs.record,
                    video,
                    settings.outputs.record_minutes,
                    settings.outputs.record_keep,
                    disk_of_recording.check,
                )
            disk_of_recording.check()
            path = (
                unused_name(settings.outputs.record)
                if settings.outputs.append or opened > 0
                else settings.outputs.record
            )
            return video(path)

        def video(path: str) -> VideoSink:
            sink = VideoSink(path, rate, overlay, live, self._stop.is_set)
            self._recorded[path] = None
            return sink

        return ("output", "results file", results), ("record", "recording", recording)

    def _refuse_shared_files(self) -> None:
        # Where a file is opened, as only there it is known what a disk that hangs holds up.
        settings = self._settings
        refuse_shared_files(
            (("--record", settings.outputs.record), ("--output", settings.outputs.output)), files_read(settings)
        )


def _in_short(files: Sequence[str]) -> str:
    return " and ".join(files) if len(files) <= _MOST_NAMED else f"{len(files)} files, {files[0]} to {files[-1]}"
