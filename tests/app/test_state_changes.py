"""``fer_edge.events``, and what the program writes with ``--events``."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
from numpy.typing import NDArray
from waiting import wait_until

import fer_edge
from fer_edge.app.file_roles import files_written, refuse_shared_files
from fer_edge.app.outputs import Outputs
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.classify.answer import answer
from fer_edge.cli.main import main
from fer_edge.detect import FakeDetector
from fer_edge.errors import DiskFull, SourceError, UsageError
from fer_edge.settings import CameraSettings, Settings, load_settings
from fer_edge.sinks.base import StreamInfo
from fer_edge.sinks.files import OutputFile
from fer_edge.track import FakeTracker
from fer_edge.types import LABELS, Box, Expression, Face, Observation, Rates, StateChange

ROOT = Path(__file__).parents[2]
FACE = Face(Box(20, 10, 30, 30), 0.9, {"right_eye": (28.0, 20.0), "left_eye": (42.0, 20.0), "mouth": (35.0, 32.0)})
DETECTOR = FakeDetector([FACE])
BRIGHT, DARK = (np.full((48, 64, 3), grey, np.uint8) for grey in (200, 50))


class ByBrightness(FakeClassifier):
    """Takes who stands in the light for happy, and who stands in the dark for sad."""

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        return tuple(
            answer(np.eye(7, dtype=np.float32)[LABELS.index("happy" if crop.mean() > 128 else "sad")], 0.0)
            for crop in crops
        )


def video(error: Any = None) -> FakeSource:
    """Three seconds in the light, three in the dark, in no time."""
    passed: List[float] = []
    images = [BRIGHT] * 30 + [DARK] * 30
    return FakeSource(images, fps=10.0, clock=lambda: sum(passed), sleep=passed.append, error=error)


def events(source: Any = None, **options: Any) -> Any:
    return fer_edge.events(video() if source is None else source, detector=DETECTOR, model=ByBrightness(), **options)


def test_a_face_is_told_when_it_begins_to_show_something_and_when_it_has_ended_to() -> None:
    changes: List[StateChange] = list(events())
    assert [(one.label, one.is_over) for one in changes] == [
        ("happy", False),
        ("happy", True),
        ("sad", False),
        ("sad", True),
    ]
    happy, sad = changes[1], changes[3]
    assert happy.media_start == 0.0
    assert happy.media_end == sad.media_start == pytest.approx(3.0, abs=0.5)
    assert sad.media_end == pytest.approx(5.9)
    assert happy.frames + sad.frames == 60


def test_with_ends_alone_each_state_is_told_once() -> None:
    assert [(one.label, one.is_over) for one in events(begins=False)] == [("happy", True), ("sad", True)]


def test_a_callback_gets_the_same() -> None:
    got: List[StateChange] = []
    assert events(callback=got.append) is None
    assert [(one.label, one.is_over, one.frames) for one in got] == [
        (one.label, one.is_over, one.frames) for one in events()
    ]


def test_what_a_callback_raises_ends_the_watching() -> None:
    source = FakeSource([BRIGHT], fps=10.0, repeat=True)

    def refuse(change: StateChange) -> None:
        raise RuntimeError(change.label)

    with pytest.raises(RuntimeError, match="happy"):
        events(source, callback=refuse)
    assert source.closed == 1


def test_a_loop_that_goes_on_after_the_close_gets_the_ends_of_what_was_open() -> None:
    changes = events(FakeSource([BRIGHT], fps=10.0, repeat=True))
    got = []
    for change in changes:
        got.append(change.is_over)
        changes.close()
    changes.close()
    assert got == [False, True]
    assert list(changes) == []


def test_a_session_that_is_stopped_ends_what_is_open() -> None:
    with events(FakeSource([BRIGHT], fps=10.0, repeat=True)) as changes:
        begun = next(changes)
        changes.session.stop()
        ended = next(changes)
    assert (begun.track, ended.track, ended.is_over) == (1, 1, True)


def test_an_error_is_raised_once_what_was_open_has_ended() -> None:
    changes = events(video(error=SourceError("The cable is cut.", "Mend it.")), begins=False)
    assert [next(changes).label, next(changes).label] == ["happy", "sad"]
    with pytest.raises(SourceError, match="cut"):
        next(changes)
    with pytest.raises(StopIteration):
        next(changes)


def test_an_interrupt_is_not_lost_though_a_loop_ends_with_the_ends_of_what_was_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_left(changes: Any) -> None:
        with changes:
            assert not next(changes).is_over

            def interrupted() -> Any:
                raise KeyboardInterrupt

            monkeypatch.setattr(changes.session, "take", interrupted)
            assert next(changes).is_over

    with pytest.raises(KeyboardInterrupt):
        is_left(events())


def test_a_thread_that_waits_for_a_change_gets_the_ends_when_another_closes() -> None:
    source = FakeSource([BRIGHT], live=True, fps=50.0, repeat=True)
    changes = events(source)
    got: List[StateChange] = []
    waiting = Thread(target=lambda: got.extend(changes))
    waiting.start()
    wait_until(lambda: len(got) > 0 or changes.session.balance().emitted > 3)
    changes.close()
    waiting.join(10.0)
    assert not waiting.is_alive()
    assert [one.is_over for one in got] == [False, True]
    changes.close()


def test_several_cameras_are_told_apart() -> None:
    cameras = {"front": video(), "door": FakeSource([DARK] * 10, fps=10.0)}
    told = {(one.camera, one.label) for one in events(cameras, begins=False)}
    assert told == {("front", "happy"), ("front", "sad"), ("door", "sad")}


def test_events_without_tracks_are_refused() -> None:
    with pytest.raises(UsageError, match="^tracks: events need faces that are followed"):
        events(tracks=False)
    with pytest.raises(UsageError, match="--events needs faces that are followed, and --tracks is off"):
        load_settings({"events": "x.csv", "tracks": "off"}, {})
    assert load_settings({"tracks": "off"}, {}).outputs.events == ""


def test_where_events_without_tracks_were_asked_for_is_told(tmp_path: Path) -> None:
    file = tmp_path / "here.toml"
    file.write_text("\n[tracks]\non = false\n")
    with pytest.raises(UsageError, match=r"here\.toml, line 3: --events needs faces"):
        load_settings({"events": "x.csv"}, {}, file)
    with pytest.raises(UsageError, match="FER_EDGE_EVENTS: --events needs faces"):
        load_settings({"tracks": "off"}, {"FER_EDGE_EVENTS": "x.csv"})


def test_a_benchmark_has_no_events() -> None:
    with pytest.raises(UsageError, match="A benchmark writes a report and nothing else") as caught:
        main(["--benchmark", "--events", "x.csv"])
    assert "--events" in caught.value.remedy


@pytest.mark.parametrize("stream", ["-", "/dev/stdout"])
def test_two_outputs_do_not_share_the_standard_output(stream: str) -> None:
    settings = Settings.of(output="-", events=stream)
    with ExitStack() as stack, pytest.raises(UsageError, match="--output and --events both name the standard output"):
        Outputs(settings, (), Event()).open(stack, lambda camera: None)


def test_events_and_results_do_not_share_a_file(tmp_path: Path) -> None:
    settings = Settings.of(output=str(tmp_path / "out"), events=str(tmp_path / "out"))
    with pytest.raises(UsageError, match="--output and --events name the same file"):
        refuse_shared_files(files_written(settings), [])


@pytest.mark.parametrize("place", ["out.csv", "out-{camera}.csv"])
def test_the_outputs_of_a_run_write_the_events_of_all_cameras_and_say_where(tmp_path: Path, place: str) -> None:
    settings = Settings.of(events=str(tmp_path / place))
    settings = replace(settings, cameras=tuple(CameraSettings(name) for name in ("front", "door")))
    outputs = Outputs(settings, (), Event())
    trackers = {"front": FakeTracker(), "door": FakeTracker()}
    with ExitStack() as stack:
        outputs.open(stack, lambda camera: StreamInfo(camera, live=False))
        for name in ("front", "door"):
            session = fer_edge.watch({name: video()}, detector=DETECTOR, model=ByBrightness())
            for observation in session:
                followed: Observation = trackers[name].follow(observation)
                wait_until(lambda camera=name: outputs.room(camera), "room")  # type: ignore[misc]
                outputs.write(followed, session.rates())
    rows = [row for file in sorted(tmp_path.iterdir()) for row in csv.DictReader(file.read_text().splitlines())]
    assert sorted((row["camera"], row["expression"], int(row["frames"])) for row in rows) == [
        (camera, label, 30) for camera in ("door", "front") for label in ("happy", "sad")
    ]
    (told,) = outputs.whereabouts()
    assert told.startswith("the events are in ")


def test_a_disk_that_was_full_for_a_while_costs_a_run_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    append, refused = OutputFile.append, []

    def full_once(file: OutputFile, piece: bytes) -> None:
        if not refused:
            refused.append(piece)
            raise DiskFull("It is full.", "Free some space.")
        append(file, piece)

    monkeypatch.setattr(OutputFile, "append", full_once)
    outputs = Outputs(Settings.of(events=str(path), reconnect="always"), (), Event())
    tracker = FakeTracker()
    with ExitStack() as stack:
        outputs.open(stack, lambda camera: StreamInfo(camera, live=True))
        for observation in fer_edge.watch({"camera": video()}, detector=DETECTOR, model=ByBrightness()):
            outputs.write(tracker.follow(observation), Rates())
            wait_until(lambda: refused or outputs.runners[0].room("camera"), "the sink")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert refused
    assert [row["expression"] for row in rows] == ["happy", "sad"]
    assert int(rows[0]["frames"]) == 30


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept: Dict[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
    command = [
        sys.executable,
        "-m",
        "fer_edge",
        "--camera",
        "demo:2",
        "--display",
        "none",
        "--frames",
        "20",
        *arguments,
    ]
    environment = {**kept, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_program_keeps_the_standard_output_for_the_events(tmp_path: Path) -> None:
    done = run("--events", "-", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((one["track"], one["expression"], one["frames"]) for one in told) == [
        (1, "happy", 20),
        (2, "happy", 20),
    ]
    assert "20 frames analysed" in done.stderr


@pytest.mark.slow
def test_the_program_writes_a_table_and_goes_on_with_it(tmp_path: Path) -> None:
    for _ in range(2):
        done = run("--events", "day.csv", "--append", "true", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "the events are in day.csv" in done.stdout
    with (tmp_path / "day.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["expression"] for row in rows] == ["happy"] * 4
