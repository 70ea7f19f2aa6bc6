from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable, Dict, List, Optional

import cv2
import numpy as np
import pytest
from observations import moving, observation, opened

from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.base import StreamInfo
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.sinks.pieces import SHARE, PiecedSink, delete_oldest
from fer_edge.sinks.recognise import check_recording, results_to_keep
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Image, Observation, Rates

BEGAN = datetime(2026, 11, 26, 23, 59, 58, tzinfo=timezone.utc)
NAME = re.compile(r"out-\d{8}T\d{6}Z(\+\d+)?\.(avi|mp4)")


class Nothing:
    bars = False

    def draw(self, image: Image, *rest: object, **more: object) -> Image:
        return image


def video(name: str, append: bool = False) -> VideoSink:
    return VideoSink(name, 10.0, Nothing(), append=append)  # type: ignore[arg-type]


def recorder(
    path: Path,
    seconds: Optional[float] = None,
    keep: Optional[float] = None,
    now: Callable[[], datetime] = lambda: BEGAN,
    live: bool = True,
) -> PiecedSink:
    return opened(
        PiecedSink(DatedName(str(path)), video, check_recording, seconds=seconds, keep=keep, now=now), live=live
    )


class Clock:
    """A wall clock that goes with what is observed."""

    def __init__(self, begun: datetime = BEGAN) -> None:
        self.begun = self.moment = begun

    def __call__(self) -> datetime:
        return self.moment

    def observation(self, index: int, seconds: float) -> Observation:
        self.moment = self.begun + timedelta(seconds=seconds)
        return observation(index, at=seconds)


def results(path: Path, clock: Clock, append: bool = False, **options: Optional[float]) -> PiecedSink:
    def piece(name: str, go_on: bool) -> JsonlSink:
        return JsonlSink(name, append=go_on)

    return PiecedSink(DatedName(str(path)), piece, results_to_keep, True, append, now=clock, **options)


def lines(folder: Path) -> Dict[str, List[int]]:
    """Give the numbers of the frames that each file has."""
    return {
        path.name: [json.loads(line)["frame"] for line in path.read_bytes().splitlines()]
        for path in sorted(folder.iterdir())
    }


def played(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


def piece(path: Path, pictures: int = 10) -> Path:
    with opened(VideoSink(path, 10.0)) as sink:
        for index in range(pictures):
            sink.write(observation(index, at=index / 10), Rates())
    return path


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("ending", [".mp4", ".avi"])
def test_each_piece_has_its_minutes_and_the_name_of_its_beginning_and_no_picture_is_missing(
    tmp_path: Path, ending: str, live: bool
) -> None:
    clock = Clock()
    with recorder(tmp_path / f"out{ending}", 3.0, now=clock, live=live) as sink:
        for index in range(75):
            sink.write(clock.observation(index, index / 10), Rates())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"out-2026112{at}Z{ending}" for at in ("6T235958", "7T000001", "7T000004")]
    assert [played(tmp_path / name) for name in names] == [30, 30, 15]


def test_a_piece_that_ended_can_be_played_to_its_end_while_the_next_is_recorded(tmp_path: Path) -> None:
    with recorder(tmp_path / "out.mp4", 1.0) as sink:
        for index in range(15):
            sink.write(observation(index, at=index / 10), Rates())
        assert played(tmp_path / "out-20261126T235958Z.mp4") == 10
        assert b"co64" in (tmp_path / "out-20261126T235958Z.mp4").read_bytes()[-4000:], "with its table"


def test_pieces_that_begin_in_one_second_do_not_replace_each_other(tmp_path: Path) -> None:
    with recorder(tmp_path / "out.avi", 1.0) as sink:
        for index in range(30):
            sink.write(observation(index, at=index / 10), Rates())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"out-20261126T235958Z{number}.avi" for number in ("+2", "+3", "")
    ]


def test_all_pieces_together_stay_within_what_is_kept_and_the_newest_stay(tmp_path: Path) -> None:
    clock = Clock()
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    kept = 2_000_000
    sizes: List[int] = []
    with recorder(tmp_path / "out.avi", keep=kept, now=clock) as sink:
        for index in range(200):
            clock.observation(index, index)
            sink.write(observation(index, at=index / 10, image=np.roll(noise, 7 * index, 1)), Rates())
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert max(sizes) <= kept + kept // SHARE
    assert min(sizes[-50:]) >= kept * (SHARE - 1) // SHARE - 200_000, "no more is deleted than has to be"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert all(NAME.fullmatch(name) for name in names)
    assert len(names) >= SHARE - 1
    assert names[0] > "out-20261126T235958Z.avi", "the oldest are gone"
    assert all(played(tmp_path / name) for name in names)


def test_nothing_but_finished_pieces_of_this_recording_is_deleted(tmp_path: Path) -> None:
    oldest, old, new = (piece(tmp_path / f"out-2026010{day}T000000Z.avi") for day in (1, 2, 3))
    others = {
        "out.avi": piece(tmp_path / "out.avi"),
        "another name": piece(tmp_path / "door-20250101T000000Z.avi"),
        "another name behind it": piece(tmp_path / "out-door-20250101T000000Z.avi"),
        "another ending": piece(tmp_path / "out-20250101T000000Z.mp4"),
        "another name before it": piece(tmp_path / "my-out-20250101T000000Z.avi"),
        "a copy": piece(tmp_path / "copy.avi").rename(tmp_path / "out-20250101T000000Z.avi.bak"),
        "another moment": piece(tmp_path / "out-2025.avi"),
        "no moment": piece(tmp_path / "out-20251332T000000Z.avi"),
        "another number": piece(tmp_path / "out-20250101T000000Z-2.avi"),
        "no recording": tmp_path / "out-20250101T000000Z.avi",
        "a link": tmp_path / "out-20250102T000000Z.avi",
        "a folder": tmp_path / "out-20250103T000000Z.avi",
    }
    others["no recording"].write_text("a letter" * 10_000)
    others["a link"].symlink_to(others["out.avi"])
    others["a folder"].mkdir()
    with opened(VideoSink(tmp_path / "out-20250104T000000Z.avi", 10.0)) as elsewhere:
        elsewhere.write(observation(0), Rates())
        name = DatedName(str(tmp_path / "out.avi")).with_beginning()
        # Half a piece to spare: the encoder may still be writing the image that it was given.
        most = old.stat().st_size + new.stat().st_size + elsewhere.bytes_written + oldest.stat().st_size // 2
        delete_oldest(name, most, check_recording)
        assert not oldest.exists()
        assert old.exists()
        assert new.exists()
        delete_oldest(name, 0, check_recording)
        assert not old.exists()
        assert not new.exists()
        assert all(path.exists() or path.is_symlink() for path in others.values())
        assert (tmp_path / "out-20250104T000000Z.avi").exists(), "somebody writes to it"


def test_the_name_of_a_piece_that_made_room_is_not_given_to_a_newer_one(tmp_path: Path) -> None:
    for number in ("", "+2", "+3"):
        piece(tmp_path / f"out-2026{number}.avi")
    name = DatedName(str(tmp_path / "out-%Y.avi"))
    size = (tmp_path / "out-2026.avi").stat().st_size
    with opened(PiecedSink(name, video, check_recording, keep=2.5 * size, now=lambda: BEGAN)) as sink:
        sink.write(observation(0, image=moving(0, 64, 48)), Rates())
    assert {path.name for path in tmp_path.iterdir()} == {"out-2026+2.avi", "out-2026+3.avi", "out-2026+4.avi"}


def test_results_go_on_in_the_newest_file_of_their_day_where_older_ones_made_room(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "log-%Y.jsonl"
    with opened(results(path, clock)) as sink:
        sink.write(clock.observation(0, 0.0), Rates())
    (tmp_path / "log-2026.jsonl").rename(tmp_path / "log-2026+3.jsonl")
    with opened(results(path, clock, append=True)) as sink:
        sink.write(clock.observation(1, 1.0), Rates())
    assert lines(tmp_path) == {"log-2026+3.jsonl": [0, 1]}


def test_what_somebody_else_called_like_a_piece_takes_no_room_from_ours(tmp_path: Path) -> None:
    own = piece(tmp_path / "out-2025.avi")
    (tmp_path / "out-2024.avi").write_bytes(bytes(10 * own.stat().st_size))
    delete_oldest(DatedName(str(tmp_path / "out-%Y.avi")), 2 * own.stat().st_size, check_recording)
    assert own.exists()
    assert (tmp_path / "out-2024.avi").exists()


def test_a_folder_that_is_gone_is_told_by_the_recording_and_not_by_the_tidying(tmp_path: Path) -> None:
    name = DatedName(str(tmp_path / "missing" / "out-%Y.avi"))
    delete_oldest(name, 0, check_recording)
    with pytest.raises(OutputNotWritable, match="no directory"):
        PiecedSink(name, video, check_recording, seconds=1.0, keep=1.0)


def test_what_must_be_so_before_a_file_is_opened_is_asked_before_each_piece(tmp_path: Path) -> None:
    asked: List[str] = []

    def piece(name: str, append: bool) -> VideoSink:
        return VideoSink(name, 10.0, append=append, before_opening=asked.append)

    sink = PiecedSink(DatedName(str(tmp_path / "out.avi")), piece, check_recording, seconds=1.0)
    assert list(tmp_path.iterdir()) == []
    with opened(sink):
        for index in range(25):
            sink.write(observation(index, at=index / 10), Rates())
    assert len(asked) == len(set(asked)) == 3


def test_a_recording_without_a_picture_leaves_nothing(tmp_path: Path) -> None:
    sink = recorder(tmp_path / "out.mp4", 1.0, 1.0)
    sink.close()
    sink.close()
    assert not list(tmp_path.iterdir())


def test_a_piece_takes_the_size_of_its_own_first_picture(tmp_path: Path) -> None:
    with recorder(tmp_path / "out.avi", 1.0) as sink:
        for index in range(12):
            wide = moving(index, 160, 120) if index > 5 else moving(index)
            sink.write(observation(index, at=index / 10, image=wide), Rates())
    sizes = []
    for path in sorted(tmp_path.iterdir(), key=lambda path: -path.stat().st_size):
        capture = cv2.VideoCapture(str(path))
        sizes.append((int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))))
        capture.release()
    assert sizes == [(320, 240), (160, 120)]


def test_results_come_in_pieces_as_recordings_do_and_no_line_is_missing(tmp_path: Path) -> None:
    clock = Clock()
    with opened(results(tmp_path / "out.jsonl", clock, seconds=3.0)) as sink:
        for index in range(75):
            sink.write(clock.observation(index, index / 10), Rates())
    assert lines(tmp_path) == {
        "out-20261126T235958Z.jsonl": list(range(30)),
        "out-20261127T000001Z.jsonl": list(range(30, 60)),
        "out-20261127T000004Z.jsonl": list(range(60, 75)),
    }


def test_a_name_with_the_day_is_a_file_for_each_day(tmp_path: Path) -> None:
    clock = Clock()
    name = tmp_path / "log-%Y-%m-%d.jsonl"
    with opened(results(name, clock)) as sink, recorder(tmp_path / "out-%d.avi", now=clock) as recording:
        for index in range(40):
            seen = clock.observation(index, index / 10)
            for one in (sink, recording):
                one.write(seen, Rates())
    assert played(tmp_path / "out-26.avi") == played(tmp_path / "out-27.avi") == 20
    for recorded in tmp_path.glob("*.avi"):
        recorded.unlink()
    assert lines(tmp_path) == {
        "log-2026-11-26.jsonl": list(range(20)),
        "log-2026-11-27.jsonl": list(range(20, 40)),
    }


def test_pieces_that_are_shorter_than_what_their_name_says_get_numbers_and_results_go_on(tmp_path: Path) -> None:
    clock = Clock()
    log = opened(results(tmp_path / "log-%d.jsonl", clock, seconds=1.0))
    with log as sink, recorder(tmp_path / "out-%d.avi", 1.0, now=clock) as recording:
        for index in range(30):
            seen = clock.observation(index, index / 10)
            for one in (sink, recording):
                one.write(seen, Rates())
    counts = {path.name: played(path) for path in tmp_path.glob("*.avi")}
    assert counts == {"out-26.avi": 10, "out-26+2.avi": 10, "out-27.avi": 10}
    for path in tmp_path.glob("*.avi"):
        path.unlink()
    assert lines(tmp_path) == {"log-26.jsonl": list(range(20)), "log-27.jsonl": list(range(20, 30))}


def test_pieces_that_are_longer_than_what_their_name_says_have_their_length(tmp_path: Path) -> None:
    clock = Clock()
    with recorder(tmp_path / "out-%H%M%S.avi", 3.0, now=clock) as sink:
        for index in range(60):
            sink.write(clock.observation(index, index / 10), Rates())
    assert {path.name: played(path) for path in tmp_path.iterdir()} == {"out-235958.avi": 30, "out-000001.avi": 30}


def test_a_restart_replaces_no_piece_and_goes_on_with_results_where_it_is_to(tmp_path: Path) -> None:
    clock = Clock()
    for number, append in enumerate([False, False, True, True]):
        with opened(results(tmp_path / "log-%Y.jsonl", clock, append)) as sink:
            sink.write(observation(number), Rates())
        with recorder(tmp_path / "out-%Y.avi") as recording:
            recording.write(observation(number), Rates())
    assert sorted(path.name for path in tmp_path.glob("*.avi")) == [
        *(f"out-2026+{number}.avi" for number in (2, 3, 4)),
        "out-2026.avi",
    ]
    for path in tmp_path.glob("*.avi"):
        path.unlink()
    assert lines(tmp_path) == {"log-2026.jsonl": [0], "log-2026+2.jsonl": [1, 2, 3]}


def test_the_oldest_results_make_room_and_lines_stay_whole(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 1, 1, tzinfo=timezone.utc))
    sizes = []
    with opened(results(tmp_path / "log-%d-%m-%Y.jsonl", clock, keep=40_000)) as sink:
        for index in range(400):
            sink.write(clock.observation(index, 6 * 3600.0 * index), Rates())
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert max(sizes) <= 40_000 + 40_000 // SHARE
    left = [number for numbers in lines(tmp_path).values() for number in numbers]
    assert sorted(left) == list(range(min(left), 400)), "the newest, and all of them"
    assert len(left) < 200


def test_results_of_another_name_and_what_is_none_stay(tmp_path: Path) -> None:
    kept = {
        "a note": tmp_path / "log-2024.jsonl",
        "another name": tmp_path / "log-door-2024.jsonl",
        "packed": tmp_path / "log-2024.jsonl.gz",
        "nothing": tmp_path / "log-2023.jsonl",
        "a day": tmp_path / "log-2022-01-01.jsonl",
    }
    with opened(JsonlSink(tmp_path / "log-2025.jsonl")) as sink:
        sink.write(observation(0), Rates())
    for path in kept.values():
        path.write_bytes((tmp_path / "log-2025.jsonl").read_bytes())
    kept["a note"].write_text("my notes\n")
    kept["nothing"].write_bytes(b"")
    delete_oldest(DatedName(str(tmp_path / "log-%Y.jsonl")), 0, results_to_keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in kept.values())


def test_where_names_come_again_the_file_that_was_changed_last_is_the_newest(tmp_path: Path) -> None:
    for hour in (22, 23, 0, 1):
        path = tmp_path / f"log-{hour:02d}.jsonl"
        with opened(JsonlSink(path)) as sink:
            sink.write(observation(0), Rates())
        moment = 1000.0 + (hour + 4) % 24
        os.utime(path, (moment, moment))
    delete_oldest(DatedName(str(tmp_path / "log-%H.jsonl")), 2 * path.stat().st_size, results_to_keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log-00.jsonl", "log-01.jsonl"]


def test_pieces_of_a_video_have_the_length_of_the_video_however_fast_it_is_read(tmp_path: Path) -> None:
    sink = PiecedSink(DatedName(str(tmp_path / "out.mp4")), video, check_recording, seconds=2.0, now=lambda: BEGAN)
    sink.open(StreamInfo("clip", 320, 240, 10.0, live=False))
    with sink:
        for index in range(50):
            made = observation(index, at=index / 1000)
            sink.write(made.richer(frame=replace(made.frame, media_time=index / 10)), Rates())
    assert sorted(played(path) for path in tmp_path.iterdir()) == [10, 20, 20]
