from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable, List, Optional

import cv2
import numpy as np
import pytest
from observations import moving, observation, opened

from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.video.pieces import SHARE, PiecedVideoSink, delete_oldest
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Image, Rates

BEGAN = datetime(2026, 11, 26, 23, 59, 58, tzinfo=timezone.utc)
NAME = re.compile(r"out-\d{8}T\d{6}Z(-\d+)?\.(avi|mp4)")


class Nothing:
    bars = False

    def draw(self, image: Image, *rest: object) -> Image:
        return image


def recorder(
    path: Path,
    minutes: Optional[float] = None,
    keep: Optional[float] = None,
    now: Callable[[], datetime] = lambda: BEGAN,
    live: bool = True,
) -> PiecedVideoSink:
    def piece_of(name: str) -> VideoSink:
        return VideoSink(name, 10.0, Nothing())  # type: ignore[arg-type]

    return opened(PiecedVideoSink(path, piece_of, minutes, keep, now), live=live)


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
    # The first look at the clock is that of the check.
    moments = [BEGAN, *(BEGAN + timedelta(seconds=3 * number) for number in range(10))]
    with recorder(tmp_path / f"out{ending}", 3 / 60, now=lambda: moments.pop(0), live=live) as sink:
        for index in range(75):
            sink.write(observation(index, at=index / 10), Rates())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"out-2026112{at}Z{ending}" for at in ("6T235958", "7T000001", "7T000004")]
    assert [played(tmp_path / name) for name in names] == [30, 30, 15]


def test_a_piece_that_ended_can_be_played_to_its_end_while_the_next_is_recorded(tmp_path: Path) -> None:
    with recorder(tmp_path / "out.mp4", 1 / 60) as sink:
        for index in range(15):
            sink.write(observation(index, at=index / 10), Rates())
        assert played(tmp_path / "out-20261126T235958Z.mp4") == 10
        assert b"co64" in (tmp_path / "out-20261126T235958Z.mp4").read_bytes()[-4000:], "with its table"


def test_pieces_that_begin_in_one_second_do_not_replace_each_other(tmp_path: Path) -> None:
    with recorder(tmp_path / "out.avi", 1 / 60) as sink:
        for index in range(30):
            sink.write(observation(index, at=index / 10), Rates())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"out-20261126T235958Z{number}.avi" for number in ("-2", "-3", "")
    ]


def test_all_pieces_together_stay_within_what_is_kept_and_the_newest_stay(tmp_path: Path) -> None:
    moments = iter(BEGAN + timedelta(seconds=number) for number in range(1000))
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    kept = 2_000_000
    sizes: List[int] = []
    with recorder(tmp_path / "out.avi", keep=kept / 1e9, now=lambda: next(moments)) as sink:
        for index in range(200):
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
        "no recording": tmp_path / "out-20250101T000000Z.avi",
        "a link": tmp_path / "out-20250102T000000Z.avi",
        "a folder": tmp_path / "out-20250103T000000Z.avi",
    }
    others["no recording"].write_text("a letter" * 10_000)
    others["a link"].symlink_to(others["out.avi"])
    others["a folder"].mkdir()
    with opened(VideoSink(tmp_path / "out-20250104T000000Z.avi", 10.0)) as elsewhere:
        elsewhere.write(observation(0), Rates())
        delete_oldest(str(tmp_path / "out.avi"), old.stat().st_size + new.stat().st_size + 100_000)
        assert not oldest.exists()
        assert old.exists()
        assert new.exists()
        delete_oldest(str(tmp_path / "out.avi"), 0)
        assert not old.exists()
        assert not new.exists()
        assert all(path.exists() or path.is_symlink() for path in others.values())
        assert (tmp_path / "out-20250104T000000Z.avi").exists(), "somebody writes to it"


def test_a_folder_that_is_gone_is_told_by_the_recording_and_not_by_the_tidying(tmp_path: Path) -> None:
    delete_oldest(str(tmp_path / "missing" / "out.avi"), 0)
    with pytest.raises(OutputNotWritable, match="no directory"):
        PiecedVideoSink(tmp_path / "missing" / "out.avi", VideoSink, 1.0, 1.0)


def test_what_must_be_so_before_a_file_is_opened_is_asked_before_each_piece(tmp_path: Path) -> None:
    asked: List[str] = []
    sink = PiecedVideoSink(
        tmp_path / "out.avi", lambda name: VideoSink(name, 10.0, before_opening=asked.append), 1 / 60
    )
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
    with recorder(tmp_path / "out.avi", 1 / 60) as sink:
        for index in range(12):
            wide = moving(index, 160, 120) if index > 5 else moving(index)
            sink.write(observation(index, at=index / 10, image=wide), Rates())
    sizes = []
    for path in sorted(tmp_path.iterdir(), key=lambda path: -path.stat().st_size):
        capture = cv2.VideoCapture(str(path))
        sizes.append((int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))))
        capture.release()
    assert sizes == [(320, 240), (160, 120)]
