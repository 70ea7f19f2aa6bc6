from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import cv2
import numpy as np
import pytest

from fer_edge.capture.file.images import ImageSource
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import FileUnreadable, SourceNotFound, SourceUnreadable

OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2])


def write(path: Path, level: int, width: int = 40) -> Path:
    assert cv2.imwrite(str(path), np.full((30, width, 3), level, np.uint8))
    return path


def levels(source: ImageSource) -> List[int]:
    seen = []
    with source:
        while source.grab():
            try:
                picture = source.retrieve()
            except FileUnreadable:
                seen.append(-1)
                continue
            assert picture.ndim == 3
            assert picture.shape[2] == 3
            seen.append(round(float(picture.mean())))
    return seen


def images(place: object, **more: bool) -> ImageSource:
    source = open_source(str(place), CaptureSettings(**more))  # type: ignore[arg-type]
    assert isinstance(source, ImageSource)
    assert not source.live
    return source


def test_a_single_picture_is_one_frame(tmp_path: Path) -> None:
    assert levels(images(write(tmp_path / "a.png", 50))) == [50]


def test_a_picture_has_no_time_within_a_file(tmp_path: Path) -> None:
    with images(write(tmp_path / "a.png", 50)) as source:
        assert source.grab()
        source.retrieve()
        assert source.media_time is None


def test_the_pictures_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1, 100):
        write(tmp_path / f"shot{number}.png", number, width=20 + number)
    (tmp_path / "notes.txt").write_text("not a picture", encoding="utf-8")
    (tmp_path / "sub.png").mkdir()
    source = images(tmp_path)
    info = source.open()
    assert (info.width, info.height) == (21, 30)
    assert levels(source) == [1, 2, 10, 100]
    assert source.skipped == ()


def test_a_pattern_chooses_pictures(tmp_path: Path) -> None:
    for name, level in (("a1.png", 1), ("a2.jpg", 2), ("b3.png", 3)):
        write(tmp_path / name, level)
    assert levels(images(tmp_path / "a*")) == [1, 2]


def test_a_name_with_brackets_is_a_file_when_there_is_one(tmp_path: Path) -> None:
    assert levels(images(write(tmp_path / "me [1].png", 9))) == [9]


def test_pictures_that_cannot_be_read_keep_their_place_and_are_named(tmp_path: Path) -> None:
    write(tmp_path / "1.png", 10)
    (tmp_path / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (tmp_path / "3.jpg").touch()
    (tmp_path / "4.png").symlink_to("nowhere.png")
    write(tmp_path / "5.png", 50)
    source = images(tmp_path)
    assert levels(source) == [10, -1, -1, -1, 50]
    assert [Path(name).name for name in source.skipped] == ["2.png", "3.jpg", "4.png"]


@pytest.mark.parametrize("count", [1, 3])
def test_when_no_picture_can_be_read_the_first_is_named(tmp_path: Path, count: int) -> None:
    for number in range(count):
        (tmp_path / f"{number}.png").write_bytes(b"broken")
    with pytest.raises(SourceUnreadable, match=r"0\.png"):
        images(tmp_path).open()


def test_gray_transparent_and_16_bit_pictures_become_blue_green_red(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full((8, 8), 20, np.uint8))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((8, 8, 4), 40, np.uint8))
    cv2.imwrite(str(tmp_path / "3.png"), np.full((8, 8, 3), 60 * 257, np.uint16))
    assert levels(images(tmp_path)) == [20, 40, 60]


def test_looped_pictures_start_again(tmp_path: Path) -> None:
    write(tmp_path / "1.png", 1)
    write(tmp_path / "2.png", 2)
    with images(tmp_path, loop=True) as source:
        seen = []
        for _ in range(5):
            assert source.grab() is True
            seen.append(int(source.retrieve()[0, 0, 0]))
    assert seen == [1, 2, 1, 2, 1]


def test_a_looped_folder_names_a_damaged_picture_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "1.png", 1)
    (tmp_path / "2.png").write_bytes(b"broken")
    with images(tmp_path, loop=True) as source:
        assert all(source.grab() for _ in range(5))
        assert len(source.skipped) == 1
    assert len([record for record in caplog.records if "2.png" in record.getMessage()]) == 1


def test_a_file_that_is_larger_than_any_picture_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, size in ((1, 0), (2, 1)):
        path = write(tmp_path / f"{number}.png", number)
        path.write_bytes(path.read_bytes() + bytes(1000 + size - path.stat().st_size))
    monkeypatch.setattr("fer_edge.capture.file.picture.LARGEST_FILE", 1000)
    assert levels(images(tmp_path)) == [1, -1]


def test_opening_again_starts_at_the_first_picture(tmp_path: Path) -> None:
    write(tmp_path / "1.png", 1)
    write(tmp_path / "2.png", 2)
    source = images(tmp_path)
    assert levels(source) == levels(source) == [1, 2]


def test_a_folder_without_pictures_says_which_kinds_work(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="holds no pictures.*\n.*jpg"):
        images(tmp_path).open()


@pytest.mark.parametrize("name", ["none.png", "none/*.jpg"])
def test_what_does_not_exist_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceNotFound):
        images(tmp_path / name).open()


@pytest.mark.skipif(OPENCV < (4, 11), reason="libpng writes to the standard error by itself before OpenCV 4.11")
def test_broken_pictures_leave_the_standard_error_quiet(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.png", 1).read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.tif").write_bytes(b"II*\0" + os.urandom(100))
    program = (
        "import sys\n"
        "from fer_edge.capture.open import open_source\n"
        "from fer_edge.errors import FileUnreadable\n"
        "with open_source(sys.argv[1]) as source:\n"
        "    while source.grab():\n"
        "        try:\n            source.retrieve()\n"
        "        except FileUnreadable:\n            pass\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    # What the log says goes there too where nobody has set it up.
    said = [line for line in answer.stderr.splitlines() if "cannot be read: it is cut off or damaged" not in line]
    assert (answer.returncode, said) == (0, [])


@pytest.mark.parametrize("name", ["a.JPG", "b.jfif", "c.jpe", "d.JPEG", "e.dib", "f.webp", "g.pnm", "no ending"])
def test_every_picture_of_a_folder_is_used(tmp_path: Path, name: str) -> None:
    kind = {"e": ".bmp", "f": ".webp", "g": ".ppm"}.get(name[0], ".jpg")
    done, data = cv2.imencode(kind, np.full((30, 40, 3), 60, np.uint8))
    assert done
    (tmp_path / name).write_bytes(data.tobytes())
    assert levels(images(tmp_path)) == [60]


def test_a_picture_that_is_not_read_is_named_and_other_files_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "a.png", 10)
    (tmp_path / "b.CR2").write_bytes(b"II*\0 raw")
    for name in ("notes.txt", "clip.mp4", "._a.png"):
        (tmp_path / name).write_bytes(b"none")
    with caplog.at_level("INFO"):
        assert levels(images(tmp_path)) == [10, -1]
    assert "b.CR2 cannot be read: pictures of the kind .cr2 are not read" in caplog.text
    assert "3 other files are no pictures" in caplog.text


def test_a_video_that_is_called_a_picture_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x14ftypisom\0\0\2\0isom")
    with pytest.raises(SourceUnreadable, match="no picture, but a video"):
        images(tmp_path / "a.jpg").open()


def test_a_file_that_is_cut_off_is_said_to_be(tmp_path: Path) -> None:
    done, data = cv2.imencode(".jpg", np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8))
    assert done
    (tmp_path / "a.jpg").write_bytes(data.tobytes()[:2000])
    with pytest.raises(SourceUnreadable, match="cut off or damaged"):
        images(tmp_path / "a.jpg").open()
