from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType
from typing import Callable, Iterable, List, Sequence

import cv2
import numpy as np
import pytest

from fer_edge.app import file_roles
from fer_edge.app import outputs as app_outputs
from fer_edge.app.outputs import Outputs
from fer_edge.errors import OutputClosed, OutputNotWritable, UsageError
from fer_edge.pipeline import sink_deadline
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.settings import Settings
from fer_edge.settings.camera import CameraSettings
from fer_edge.sinks import MemorySink, Sink, SinkKind, SinkRequest, StreamInfo
from fer_edge.types import Frame, Observation, Rates

CAMERA = StreamInfo("", 64, 48, 15.0, live=True)
CLIP = StreamInfo("", 64, 48, 10.0, live=False)


def observation(index: int, width: int = 64, camera: str = "") -> Observation:
    image = np.zeros((48, width, 3), np.uint8)
    return Observation(Frame(index, index / 30, datetime.now(timezone.utc), image, camera), ())


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def frames(path: Path) -> List[int]:
    return [json.loads(line)["frame"] for line in path.read_bytes().splitlines()]


def feed(made: Outputs, observations: Iterable[Observation]) -> None:
    """Write the results of a file as the run does: each when there is room."""
    for seen in observations:
        until(lambda camera=seen.frame.source: made.room(camera))  # type: ignore[misc]
        made.write(seen, Rates())


def outputs(
    stack: ExitStack, live: bool, cameras: Sequence[str] = ("",), more: Sequence[SinkRunner] = (), **options: object
) -> Outputs:
    settings = replace(Settings.of(**options), cameras=tuple(CameraSettings(name) for name in cameras))
    made = Outputs(settings, more, threading.Event())
    made.open(stack, lambda camera: CAMERA if live else CLIP)
    return made


def test_no_result_of_a_file_is_left_out_however_slow_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with ExitStack() as stack:
        made = outputs(stack, False, output=str(path), record=str(tmp_path / "out.mp4"))
        feed(made, (observation(index, 640) for index in range(200)))
    assert frames(path) == list(range(200))
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 200


def test_a_results_file_that_is_opened_anew_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with ExitStack() as stack:
        made = outputs(stack, True, output=str(path))
        made.write(observation(0), Rates())
        until(lambda: path.exists() and path.read_bytes())
        # One that cannot be opened for a moment: only then the sink is made anew.
        path.rename(tmp_path / "aside")
        path.mkdir()
        made.write(observation(1), Rates())
        until(made.troubles)
        path.rmdir()
        (tmp_path / "aside").rename(path)
        until(lambda: frames(path) == [0, 1])


def test_a_disk_that_is_not_there_at_the_start_is_waited_for_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "disk" / "out.jsonl"
    with ExitStack() as stack, pytest.raises(OutputNotWritable, match="no directory"):
        outputs(stack, True, output=str(path))
    with ExitStack() as stack:
        made = outputs(stack, True, output=str(path), reconnect="always")
        made.write(observation(0), Rates())
        until(made.troubles)
        path.parent.mkdir()
        until(lambda: path.exists() and frames(path) == [0])


def test_a_result_that_cannot_be_written_degrades_the_health_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with ExitStack() as stack:
        made = outputs(stack, True, record=str(path))
        bad = observation(0)
        made.write(Observation(Frame(0, 0.0, bad.frame.timestamp, np.zeros((48, 64), np.uint8)), ()), Rates())
        until(made.troubles)
        assert "left out 1 results that cannot be written" in made.troubles()[0]
        made.write(observation(1), Rates())
        until(lambda: path.exists() and path.stat().st_size > 0)


@pytest.mark.parametrize("reconnect", ["auto", "always"])
def test_one_file_for_two_outputs_is_a_mistake_that_is_not_waited_for(tmp_path: Path, reconnect: str) -> None:
    same = str(tmp_path / "out.mp4")
    # Of the opening, not of the end.
    with ExitStack() as stack, pytest.raises(UsageError, match="same file"):
        outputs(stack, True, output=same, record=same, reconnect=reconnect)
    assert os.listdir(tmp_path) == []


def test_a_recording_that_is_opened_anew_gets_another_name(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with ExitStack() as stack:
        made = outputs(stack, True, record=str(path))
        made.write(observation(0), Rates())
        until(lambda: path.exists() and path.stat().st_size)
        whole = path.read_bytes()
        moved = path.rename(tmp_path / "moved.avi")
        moved.with_name("out.avi").write_bytes(whole)
        for index in range(1, 40):
            made.write(observation(index), Rates())
        until((tmp_path / "out+2.avi").exists)
    assert path.read_bytes() == whole


def test_a_recording_that_goes_on_takes_no_other_camera_s_name(tmp_path: Path) -> None:
    path = tmp_path / "cam.avi"
    with ExitStack() as stack:
        made = outputs(stack, True, ["cam", "cam-2"], record=str(tmp_path / "{camera}.avi"))
        made.write(observation(0, camera="cam"), Rates())
        until(lambda: path.exists() and path.stat().st_size)
        path.rename(tmp_path / "moved.avi")
        path.touch()
        for index in range(1, 3):
            made.write(observation(index, camera="cam"), Rates())
        until(lambda: len(os.listdir(tmp_path)) == 3)
        made.write(observation(0, camera="cam-2"), Rates())
        until((tmp_path / "cam-2.avi").exists)
        until(lambda: (tmp_path / "cam-2.avi").stat().st_size)
        assert not [trouble for trouble in made.troubles() if "cam-2" in trouble]


def test_a_file_s_first_failure_ends_its_run_whatever_is_waited_for_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OutputNotWritable, match="no directory"), ExitStack() as stack:
        made = outputs(stack, False, output=str(tmp_path / "missing" / "out.jsonl"), reconnect="always")
        feed(made, (observation(index) for index in range(1000)))


def test_each_camera_has_a_file_where_the_name_says_so_and_else_all_share_one(tmp_path: Path) -> None:
    options = {"output": str(tmp_path / "out.jsonl"), "record": str(tmp_path / "out-{camera}.avi")}
    with ExitStack() as stack:
        made = outputs(stack, True, ("front", "door"), **options)
        for index in range(6):
            made.write(observation(index, camera=("front", "door")[index % 2]), Rates())
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    for camera, indices in (("front", [0, 2, 4]), ("door", [1, 3, 5])):
        assert [line["frame"] for line in lines if line["camera"] == camera] == indices
    assert sorted(os.listdir(tmp_path)) == ["out-door.avi", "out-front.avi", "out.jsonl"]
    assert made.whereabouts() == [
        f"the results are in {tmp_path / 'out.jsonl'}",
        f"the annotated video is in {tmp_path / 'out-front.avi'} and {tmp_path / 'out-door.avi'}",
    ]


@pytest.mark.parametrize("cameras", [("front",), ("front", "door")])
def test_the_results_of_each_camera_are_in_its_own_file(tmp_path: Path, cameras: Sequence[str]) -> None:
    with ExitStack() as stack:
        made = outputs(stack, True, cameras, output=str(tmp_path / "out-{camera}.jsonl"))
        for index in range(4):
            made.write(observation(index, camera=cameras[index % len(cameras)]), Rates())
    found = {camera: frames(tmp_path / f"out-{camera}.jsonl") for camera in cameras}
    assert found == ({"front": [0, 1, 2, 3]} if len(cameras) == 1 else {"front": [0, 2], "door": [1, 3]})


def test_pieces_and_names_with_numbers_hold_the_camera_s_name_as_well(tmp_path: Path) -> None:
    for segment in (None, 60.0):
        for _ in range(2):
            with ExitStack() as stack:
                options = {"record": str(tmp_path / "out-{camera}.avi"), "append": True, "segment": segment}
                made = outputs(stack, True, ("front", "door"), **options)
                made.write(observation(0, camera="front"), Rates())
                made.write(observation(0, camera="door"), Rates())
    names = sorted(os.listdir(tmp_path))
    for camera in ("door", "front"):
        assert f"out-{camera}.avi" in names
        assert f"out-{camera}+2.avi" in names
        assert len([name for name in names if name.startswith(f"out-{camera}-20")]) == 2


def test_a_recording_for_two_cameras_is_refused_with_the_name_that_it_needs(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.raises(UsageError, match="takes one camera, and there are 2") as caught:
        outputs(stack, True, ("front", "door"), record=str(tmp_path / "out.mp4"))
    assert "out-{camera}.mp4" in caught.value.remedy
    with ExitStack() as stack, pytest.raises(UsageError, match="stands for nothing"):
        outputs(stack, True, ("front", "door"), record=str(tmp_path / "out-{date}.mp4"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("reconnect", ["auto", "always"])
def test_two_cameras_do_not_write_one_file_under_two_names(tmp_path: Path, reconnect: str) -> None:
    (tmp_path / "out-front.jsonl").symlink_to(tmp_path / "out-door.jsonl")
    with ExitStack() as stack, pytest.raises(UsageError, match="of the camera 'door' name the same file"):
        outputs(stack, True, ("front", "door"), output=str(tmp_path / "out-{camera}.jsonl"), reconnect=reconnect)
    with ExitStack() as stack, pytest.raises(UsageError, match="name the same file"):
        outputs(stack, True, ("a/b", "a_b"), output=str(tmp_path / "{camera}.jsonl"), reconnect=reconnect)
    assert os.listdir(tmp_path) == ["out-front.jsonl"]


def test_the_results_of_several_cameras_go_to_one_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ExitStack() as stack, pytest.raises(OutputNotWritable, match="Nobody reads"):
        outputs(stack, True, ("front", "door"), output=str(pipe))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with open(reader, "rb") as lines, ExitStack() as stack:
        made = outputs(stack, True, ("front", "door"), output=str(pipe))
        for index in range(4):
            made.write(observation(index, camera=("front", "door")[index % 2]), Rates())
        stack.close()
        assert {json.loads(line)["camera"] for line in lines.read().splitlines()} == {"front", "door"}


class Slow(MemorySink):
    """Writes nothing until it is allowed."""

    def __init__(self, allowed: threading.Event) -> None:
        super().__init__()
        self.began = threading.Event()
        self._allowed = allowed

    def write(self, observation: Observation, rates: Rates) -> None:
        self.began.set()
        assert self._allowed.wait(20)
        super().write(observation, rates)


def test_a_slow_sink_of_a_file_holds_up_no_camera_beside_it() -> None:
    allowed = threading.Event()
    sink = Slow(allowed)
    settings = replace(Settings(), cameras=(CameraSettings("clip"), CameraSettings("door")))
    made = Outputs(settings, [SinkRunner("slow", lambda opened: sink)], threading.Event())
    streams = {"clip": CLIP, "door": CAMERA}
    offered = 0
    with ExitStack() as stack:
        made.open(stack, streams.get)
        while made.room("clip"):
            made.write(observation(offered, camera="clip"), Rates())
            offered += 1
            assert sink.began.wait(20)
        for index in range(100):
            assert made.room("door")
            made.write(observation(index, camera="door"), Rates())
        assert not made.room("clip")
        allowed.set()
        until(lambda: made.room("clip"))
        feed(made, (observation(index, camera="clip") for index in range(offered, 100)))
    got = [seen.frame.index for seen, _ in sink.items if seen.frame.source == "clip"]
    assert got == list(range(100))
    assert sink.items[-1][0].frame.index == 99
    assert sink.info == StreamInfo(live=True)


def test_a_sink_is_told_its_camera_the_size_and_the_rate_and_nothing_that_differs_between_cameras() -> None:
    for cameras, told in ((("front",), StreamInfo("front", 64, 48, 15.0)), (("front", "door"), StreamInfo())):
        sink = MemorySink()
        with ExitStack() as stack:
            made = outputs(stack, True, cameras, [SinkRunner("memory", lambda opened, own=sink: own)])  # type: ignore[misc]
            made.write(observation(0, camera="front"), Rates())
        assert sink.info == told


class Failing(MemorySink):
    """Fails with every observation."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, observation: Observation, rates: Rates) -> None:
        raise self._error


@pytest.mark.parametrize("error", [OSError("no route to host"), OutputClosed("The reader went away.")])
def test_a_sink_of_a_program_that_fails_ends_no_run(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "out.jsonl"
    runner = SinkRunner("collector", lambda opened: Failing(error), backoff=Backoff(0.01, 0.05))
    with ExitStack() as stack:
        made = outputs(stack, False, more=[runner], output=str(path))
        feed(made, (observation(index) for index in range(100)))
        until(made.troubles)
        assert "collector" in made.troubles()[0]
        stack.pop_all().__exit__(RuntimeError, RuntimeError(), None)  # what it tells at the end is not the matter here
    assert frames(path) == list(range(100))
    assert runner.lost == 100


def test_a_camera_that_comes_days_later_ends_no_run_with_what_its_file_meets(tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = outputs(stack, True, ("front", "door"), output=str(tmp_path / "out-{camera}.jsonl"))
        made.write(observation(0, camera="front"), Rates())
        until(lambda: (tmp_path / "out-front.jsonl").exists() and frames(tmp_path / "out-front.jsonl"))
        made.write(observation(1, camera="front"), Rates())
        (tmp_path / "out-door.jsonl").mkdir()
        made.write(observation(0, camera="door"), Rates())
        until(made.troubles)
        (tmp_path / "out-door.jsonl").rmdir()
        made.write(observation(1, camera="door"), Rates())
        until(lambda: (tmp_path / "out-door.jsonl").exists() and frames(tmp_path / "out-door.jsonl") == [0, 1])


def test_a_new_kind_of_sink_needs_an_entry_in_the_registry_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()

    def make_sink(request: SinkRequest) -> Sink:
        assert request.place == str(tmp_path / "own")
        return sink

    module = ModuleType("sink_of_ones_own")
    vars(module)["make_sink"] = make_sink
    monkeypatch.setitem(sys.modules, "sink_of_ones_own", module)
    kind = SinkKind("output", "list", "the list is", True, "sink_of_ones_own")
    for home in (app_outputs, file_roles):
        monkeypatch.setattr(home, "SINKS", (kind,))
    with ExitStack() as stack:
        made = outputs(stack, True, output=str(tmp_path / "own"))
        made.write(observation(0), Rates())
    assert len(sink.items) == 1


def test_a_pipe_whose_reader_is_slow_gets_every_result_of_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: List[bytes] = []
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    waited = threading.Event()

    def read() -> None:
        assert waited.wait(20)
        os.set_blocking(reader, True)
        got.extend(iter(lambda: os.read(reader, 1000), b""))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        with ExitStack() as stack:
            made = outputs(stack, False, output=str(pipe))
            index = 0
            while made.room(""):
                made.write(observation(index), Rates())
                index += 1
            waited.set()
            feed(made, (observation(number) for number in range(index, 2 * index)))
    finally:
        waited.set()
        thread.join()
        os.close(reader)
    assert [json.loads(line)["frame"] for line in b"".join(got).splitlines()] == list(range(2 * index))


def test_the_end_takes_no_longer_the_more_sinks_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    # By a clock that goes on a little with each look at it.
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.2)
    release, looks, stop = threading.Event(), itertools.count(), threading.Event()

    class Hanging(MemorySink):
        def write(self, observation: Observation, rates: Rates) -> None:
            release.wait(20)

    def clock() -> float:
        return next(looks) / 100

    hanging = [SinkRunner(f"sink {number}", lambda _: Hanging(), clock=clock, stop=stop) for number in range(8)]
    try:
        with ExitStack() as stack:
            made = Outputs(Settings.of(), hanging, stop, clock)
            made.open(stack, lambda camera: CAMERA)
            made.write(observation(0), Rates())
            stop.set()
            begun = clock()
        assert clock() - begun < 6 * 0.2
        assert [runner.lost for runner in hanging] == [1] * 8
    finally:
        release.set()
