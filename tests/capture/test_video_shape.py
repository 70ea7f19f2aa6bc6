"""Pixels that are not square: the image has the shape that a player shows."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Tuple

import numpy as np
import pytest
from ffmpeg_program import ffmpeg, video
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.file.aspect import shown_size
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.limits import LARGEST
from fer_edge.errors import SourceUnreadable
from fer_edge.types import Image


def first_image(path: Path) -> Image:
    with VideoFileSource(path) as source:
        info = source.open()
        assert source.grab()
        image = source.retrieve()
    assert image.shape == (info.height, info.width, 3)
    return image


def turned(path: Path) -> Path:
    """Write a copy that says that it is to be shown a quarter turned, as phones do (ISO/IEC 14496-12, 8.3.2, ``matrix``)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", data, at) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, at, 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    copy = path.with_name(f"turned-{path.name}")
    copy.write_bytes(data)
    return copy


@pytest.mark.parametrize(
    ("pixel", "size"), [("2", (128, 96)), ("1/2", (64, 192)), ("1", (64, 96)), ("16/11", (93, 96))]
)
def test_the_narrow_side_is_stretched(tmp_path: Path, pixel: str, size: Tuple[int, int]) -> None:
    path = video(tmp_path / "a.mp4", "-c:v", "libx264", "-vf", f"setsar={pixel}")
    height, width = first_image(path).shape[:2]
    assert (width, height) == size


def test_what_is_stretched_is_the_same_image(tmp_path: Path) -> None:
    drawn = first_image(video(tmp_path / "square.mp4", "-c:v", "libx264"))
    wide = first_image(video(tmp_path / "wide.mp4", "-c:v", "libx264", "-vf", "setsar=2"))
    assert abs(wide[:, ::2].astype(int) - drawn).mean() < 12


def test_a_file_that_is_turned_is_stretched_along_the_side_that_was_narrow(tmp_path: Path) -> None:
    upright = first_image(video(tmp_path / "a.mp4", "-c:v", "libx264", "-vf", "setsar=2"))
    image = first_image(turned(tmp_path / "a.mp4"))
    assert image.shape == (128, 96, 3)
    assert abs(np.rot90(upright, -1).astype(int) - image).mean() < 12


def test_a_shape_that_would_take_all_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    ffmpeg("-f", "lavfi", "-i", f"color=gray:s={LARGEST // 2}x16:d=0.1", "-vf", "setsar=9", "-c:v", "mjpeg", str(path))
    with pytest.raises(SourceUnreadable):
        VideoFileSource(path).open()


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(0, 1e9), st.floats(0, 1e9))
def test_no_side_loses_pixels_and_one_stays(width: int, height: int, pixel_width: float, pixel_height: float) -> None:
    shown = shown_size(width, height, pixel_width, pixel_height)
    assert width <= shown[0] <= 10 * width
    assert height <= shown[1] <= 10 * height
    assert shown[0] == width or shown[1] == height
