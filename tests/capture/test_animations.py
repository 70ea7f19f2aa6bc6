"""Animated pictures: every frame, at its time; or its first, and a word about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, List, Optional, Tuple

import cv2
import numpy as np
import picture_files as make
import pytest

from fer_edge.capture.file import animation
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceUnreadable

LEVELS, DELAYS = [30, 110, 190, 250], [40, 100, 60, 200]
STARTS = [0.0, 0.04, 0.14, 0.2]


def seen(path: Path, **asked: Any) -> List[Tuple[int, Optional[float]]]:
    found = []
    with open_source(str(path), CaptureSettings(**asked)) as source:
        while source.grab():
            level = round(float(source.retrieve().mean()))
            found.append((level, None if source.media_time is None else round(source.media_time, 3)))
    return found


def webp(folder: Path) -> Path:
    path = folder / "a.webp"
    path.write_bytes(make.webp_animation(LEVELS, DELAYS))
    return path


def apng(folder: Path) -> Path:
    path = folder / "a.png"
    path.write_bytes(make.png_animation(LEVELS, DELAYS))
    return path


def can_animate() -> bool:
    return hasattr(cv2, "imreadanimation") or animation._pillow_animates("PNG")


reads_all = pytest.mark.skipif(not can_animate(), reason="neither this OpenCV nor Pillow reads animations")


@reads_all
@pytest.mark.parametrize("kind", [webp, apng])
def test_every_frame_comes_at_its_time(tmp_path: Path, kind: Any) -> None:
    assert seen(kind(tmp_path)) == list(zip(LEVELS, STARTS))


@reads_all
@pytest.mark.parametrize("kind", [webp, apng])
def test_an_animation_that_does_not_fit_into_memory_is_read_in_pieces(
    tmp_path: Path, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animation, "MOST_PIXELS", 32 * 24)
    assert seen(kind(tmp_path)) == list(zip(LEVELS, STARTS))


@pytest.mark.parametrize("kind", [webp, apng])
def test_the_first_alone_can_be_asked_for(tmp_path: Path, kind: Any) -> None:
    assert seen(kind(tmp_path), pages="first") == [(30, None)]


@pytest.mark.parametrize("kind", [webp, apng])
def test_pillow_reads_them_where_opencv_does_not(tmp_path: Path, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL")
    monkeypatch.delattr(cv2, "imreadanimation", raising=False)
    assert seen(kind(tmp_path)) == list(zip(LEVELS, STARTS))


@pytest.mark.parametrize("kind", [webp, apng])
def test_where_nothing_reads_them_whole_the_first_is_used_and_it_is_said(
    tmp_path: Path, kind: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(cv2, "imreadanimation", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert seen(kind(tmp_path)) == [(30, None)]
    assert "only the first picture is read: OpenCV from 4.11 on, or Pillow, reads all" in caplog.text


def test_the_first_picture_of_an_animated_webp_is_a_file_of_its_own() -> None:
    first = animation.first_of_webp(make.webp_animation(LEVELS, DELAYS))
    image = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert round(float(image.mean())) == 30
    assert animation.first_of_webp(first) == b""


def test_a_picture_for_those_who_know_no_animation_is_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(make.png_animation(LEVELS, DELAYS, hidden=True))
    found = animation.animation_of("PNG", path.read_bytes())
    assert found is not None
    if animation.opencv_animates("PNG", found) or animation._pillow_animates("PNG"):
        assert seen(path) == list(zip(LEVELS, STARTS))


@reads_all
def test_an_animation_that_is_cut_off_gives_what_there_is_and_then_says_so(tmp_path: Path) -> None:
    path = webp(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 30])
    found = []
    with open_source(str(path)) as source, pytest.raises(
        SourceUnreadable, match="cut off or damaged: 3 of 4"
    ) as caught:
        while source.grab():
            found.append((round(float(source.retrieve().mean())), source.media_time))
    assert found == list(zip(LEVELS[:3], STARTS))
    assert "Copy it again" in caught.value.remedy


def test_an_animated_avif_is_read_whole(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    if ".avif" not in pillow.registered_extensions():
        pytest.skip("this Pillow writes no AVIF")
    frames = [pillow.fromarray(np.full((48, 64, 3), level, np.uint8)) for level in LEVELS]
    path = tmp_path / "a.avif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=DELAYS, quality=95)
    found = seen(path)
    assert np.allclose([level for level, _ in found], LEVELS, atol=3)
    assert [when for _, when in found] == STARTS


def test_a_gif_in_a_folder_gives_every_frame_under_its_name(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    frames = [pillow.fromarray(np.full((48, 64), level, np.uint8)) for level in LEVELS]
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:], duration=DELAYS)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((48, 64, 3), 77, np.uint8))
    with open_source(str(tmp_path)) as source:
        names = []
        while source.grab():
            source.retrieve()
            names.append((source.file, source.media_time is not None))
    assert names == [("a.png", False)] + [("b.gif", True)] * 4
    assert len(seen(tmp_path / "b.gif", pages="first")) == 1


def test_an_animation_is_shown_and_recorded_at_its_mean_rate(tmp_path: Path) -> None:
    path = webp(tmp_path)
    with open_source(str(path)) as source:
        info = source.open()
    assert info.fps == pytest.approx(10.0 if can_animate() else 0.0)
