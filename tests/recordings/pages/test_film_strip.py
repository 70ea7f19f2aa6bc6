"""Small images: from the times that were asked for, whether a file lets itself be jumped in or not."""

from __future__ import annotations

import base64
import itertools
import os
import re
from pathlib import Path
from typing import Tuple

import numpy as np
import pytest
from made_recordings import write_recording

from fer_edge.errors import SourceError
from fer_edge.recordings.pages import film_strip as module
from fer_edge.recordings.pages import write_recording_page
from fer_edge.recordings.pages.document import as_it_is_called
from fer_edge.recordings.pages.film_strip import HEIGHT, WIDTH, Thumbnail, film_strip, picture_strip, strip_times
from fer_edge.sinks.jsonl import told

cv2 = pytest.importorskip("cv2")


def write_video(path: Path, seconds: float, fps: float = 10.0, size: Tuple[int, int] = (320, 180)) -> Path:
    """Write a video that gets brighter by 2 with each frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, size)
    assert writer.isOpened()
    for frame in range(round(seconds * fps)):
        writer.write(np.full((size[1], size[0], 3), min(255, 2 * frame), np.uint8))
    writer.release()
    return path


def brightness(one: Thumbnail) -> float:
    image = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (one.height, one.width, 3)
    return float(image.mean())


@pytest.mark.parametrize("jumps", [True, False])
def test_images_are_of_the_times_that_they_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jumps: bool) -> None:
    if not jumps:
        monkeypatch.setattr(module, "_by_jumping", lambda path, times: None)
    path = write_video(tmp_path / "one.mp4", 10.0)
    strip = film_strip(path, strip_times(10.0, 4))
    assert [round(one.time, 1) for one in strip] == pytest.approx([1.3, 3.8, 6.3, 8.8], abs=0.11)
    for one in strip:
        assert brightness(one) == pytest.approx(20 * one.time, abs=4)
        assert (one.width, one.height) == (WIDTH, 108)


def test_a_file_in_which_jumps_lead_elsewhere_is_read_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.OpenCvDecoder, "seek", lambda decoder, position: True)
    strip = film_strip(write_video(tmp_path / "one.mp4", 10.0), [5.0, 8.0])
    assert [round(one.time, 1) for one in strip] == pytest.approx([5.0, 8.0], abs=0.11)
    assert [brightness(one) for one in strip] == pytest.approx([100, 160], abs=4)


def test_a_page_has_images_of_its_recording_when_somebody_asks_for_them_and_only_then(tmp_path: Path) -> None:
    video = write_video(tmp_path / "one.mp4", 10.0)
    made = write_recording(tmp_path, "out/one.mp4", [(1, "happy", 0, 10)], 10.0, path=str(video))
    assert write_recording_page(made.folder).read_text(encoding="utf-8").count("<img") == 0
    assert write_recording_page(made.folder, pictures=True).read_text(encoding="utf-8").count("<img") == 12


def test_a_high_image_is_no_higher_than_its_place(tmp_path: Path) -> None:
    (one,) = film_strip(write_video(tmp_path / "high.mp4", 1.0, size=(180, 320)), [0.5])
    assert (one.width, one.height) == (81, HEIGHT)


def test_times_behind_the_end_give_none_and_the_others_are_there(tmp_path: Path) -> None:
    strip = film_strip(write_video(tmp_path / "one.mp4", 2.0), [0.5, 1.5, 60.0])
    assert [round(one.time, 1) for one in strip] == pytest.approx([0.5, 1.5], abs=0.11)


def test_reading_that_takes_too_long_ends_with_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_by_jumping", lambda path, times: None)
    path = write_video(tmp_path / "one.mp4", 4.0)
    clock = itertools.count()
    strip = film_strip(path, [0.5, 3.5], limit=20.0, clock=lambda: float(next(clock)))
    assert [round(one.time, 1) for one in strip] == pytest.approx([0.5], abs=0.11)


def test_a_name_that_is_no_text_is_found_again_by_what_results_tell_of_it(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \\.mp4")
    write_video(tmp_path / "plain.mp4", 2.0).rename(tmp_path / name)
    path = as_it_is_called(told(str(tmp_path / name)))
    assert path == tmp_path / name
    assert len(film_strip(path, [0.5])) == 1
    gone = tmp_path / r"gone\xe9.mp4"
    assert as_it_is_called(str(gone)) == gone


def test_a_file_that_is_no_video_or_not_there_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"\0" * 1000)
    for path in (damaged, tmp_path / "gone.mp4"):
        with pytest.raises(SourceError, match=path.name):
            film_strip(path, [0.5])


def test_pictures_keep_their_places_and_unreadable_ones_are_left_out(tmp_path: Path) -> None:
    files = []
    for number, kind in enumerate(("png", "jpg")):
        files.append(tmp_path / f"[{number}].{kind}")
        (tmp_path / f"[{number}].{kind}").write_bytes(
            bytes(cv2.imencode(f".{kind}", np.full((300, 400, 3), 100 + 50 * number, np.uint8))[1])
        )
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    places = [files[0], tmp_path / "bad.jpg", tmp_path / "gone.jpg", files[1]]
    strip = picture_strip([(float(number), path, 0) for number, path in enumerate(places)])
    assert [one.time for one in strip] == [0.0, 3.0]
    assert [round(brightness(one)) for one in strip] == [100, 150]


def test_of_an_animation_the_picture_that_was_meant_is_shown(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    shades = [pillow.fromarray(np.full((60, 80), shade, np.uint8)) for shade in (0, 80, 160, 240)]
    shades[0].save(tmp_path / "moving.gif", save_all=True, append_images=shades[1:], duration=100)
    strip = picture_strip([(0.0, tmp_path / "moving.gif", 2), (1.0, tmp_path / "moving.gif", 9)])
    assert [one.time for one in strip] == [0.0], "there is no tenth"
    assert brightness(strip[0]) == pytest.approx(160, abs=3)


def test_the_page_of_a_folder_holds_its_pictures_in_their_places(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    files = [f"{number}.png" for number in range(30)]
    for number, file in enumerate(files):
        cv2.imwrite(str(folder / file), np.full((60, 80, 3), 8 * number, np.uint8))
    made = write_recording(tmp_path, "out", [(1, "happy", 0, 30)], None, files=files, path=str(folder))
    source = write_recording_page(made.folder, pictures=True).read_text(encoding="utf-8")
    images = re.findall(r'base64,([^"]+)" width="80" height="60" alt="The recording at picture (\d+)"', source)
    assert len(images) == 12
    for data, number in images:
        one = Thumbnail(0.0, base64.b64decode(data), 80, 60)
        assert brightness(one) == pytest.approx(8 * (int(number) - 1), abs=2)
