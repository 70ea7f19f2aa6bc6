"""Each kind of picture file, whole, upright and by what it holds."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any, List

import cv2
import numpy as np
import picture_files as make
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.file import heif
from fer_edge.capture.file.images import ImageSource
from fer_edge.capture.file.orientation import exif_orientation, turned, turned_as_boxes_say
from fer_edge.capture.file.signature import picture_kind
from fer_edge.capture.file.tiff import Page, pages
from fer_edge.capture.limits import MOST_PIXELS
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import MissingExtra, SourceUnreadable
from fer_edge.system.installation import pip_install
from fer_edge.types import Image


def read(path: Path, **asked: Any) -> List[Image]:
    source = open_source(str(path), CaptureSettings(**asked))
    assert isinstance(source, ImageSource)
    images = []
    with source:
        while source.grab():
            images.append(source.retrieve())
    return images


def levels(path: Path, **asked: Any) -> List[int]:
    return [round(float(image.mean())) for image in read(path, **asked)]


def heic(image: Image, *more: Image, **options: Any) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = pillow_heif.HeifFile()
    for one in (image, *more):
        file.add_frombytes("RGB", one.shape[1::-1], one[..., ::-1].tobytes())
    written = io.BytesIO()
    file.save(written, quality=95, **options)
    return written.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_photo_stands_upright_whatever_kind_it_is(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / "photo"
    path.write_bytes(getattr(make, f"{kind}_turned")(orientation, make.quartered()))
    (image,) = read(path)
    assert make.bright_quarter(image) == make.WHERE_THE_BRIGHT_QUARTER_IS[orientation]
    assert image.shape == ((64, 48, 3) if orientation > 4 else (48, 64, 3))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_photo_stands_upright(tmp_path: Path, orientation: int) -> None:
    pillow = pytest.importorskip("PIL.Image")
    if ".avif" not in pillow.registered_extensions():
        pytest.skip("this Pillow writes no AVIF")
    exif = pillow.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.avif"
    pillow.fromarray(make.quartered()).save(path, exif=exif, quality=95)
    (image,) = read(path)
    assert make.bright_quarter(image) == make.WHERE_THE_BRIGHT_QUARTER_IS[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_of_a_heic_photo_is_applied_once(tmp_path: Path, orientation: int) -> None:
    # As phones do, this encoder tells it twice: as a property of the picture, which counts, and in the EXIF data.
    data = heic(make.quartered(), exif=b"Exif\0\0" + make.exif(orientation))
    assert (b"irot" in data or b"imir" in data) == (orientation > 1)
    assert make.exif(orientation) in data
    path = tmp_path / "photo.heic"
    path.write_bytes(data)
    (image,) = read(path)
    assert make.bright_quarter(image) == make.WHERE_THE_BRIGHT_QUARTER_IS[orientation]
    assert image.shape == ((64, 48, 3) if orientation > 4 else (48, 64, 3))


@pytest.mark.parametrize("name", ["photo.heic", "PHOTO.HEIC", "photo.jpg", "photo.mp4", "photo"])
def test_a_heic_photo_is_read_whole_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(heic(make.quartered(200, 150)))
    (image,) = read(path)
    assert image.shape == (150, 200, 3)
    assert make.bright_quarter(image) == 0


def test_the_colours_of_a_heic_photo_are_right(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(heic(np.full((64, 64, 3), (200, 100, 30), np.uint8)))
    assert np.allclose(read(path)[0].mean(axis=(0, 1)), (200, 100, 30), atol=6)


def test_a_burst_gives_all_its_photos_or_the_first(tmp_path: Path) -> None:
    path = tmp_path / "burst.heic"
    path.write_bytes(heic(*(np.full((64, 64, 3), level, np.uint8) for level in (40, 120, 200))))
    assert np.allclose(levels(path), [40, 120, 200], atol=3)
    assert len(levels(path, pages="first")) == 1


@pytest.mark.parametrize("part", [0.5, 0.95])
def test_a_heic_photo_that_is_cut_off_is_said_to_be(tmp_path: Path, part: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    data = heic(noise)
    path = tmp_path / "a.heic"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SourceUnreadable, match="cut off or damaged"):
        read(path)


def test_without_the_extra_a_heic_photo_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(MissingExtra, match=re.escape(pip_install("heif"))):
        read(path)
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((8, 8, 3), np.uint8))
    with open_source(str(tmp_path)) as source:
        assert source.grab()
        with pytest.raises(SourceUnreadable, match=re.escape(pip_install("heif"))):
            source.retrieve()
        assert source.grab()


def test_a_heic_photo_that_is_too_large_says_by_how_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(heic(make.quartered(100, 80)))
    monkeypatch.setattr("fer_edge.capture.limits.MOST_PIXELS", 7999)
    with pytest.raises(SourceUnreadable, match=r"100 x 80.*OPENCV_IO_MAX_IMAGE_PIXELS=8000"):
        read(path)


def test_a_video_is_no_picture_and_a_picture_sequence_is_one() -> None:
    assert picture_kind(b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41") == ""
    assert picture_kind(b"\0\0\0\x14ftypqt  \0\0\2\0qt  ") == ""
    for brand in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
        assert picture_kind(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + brand) == "HEIC"
    for brand in (b"avif", b"avis"):
        assert picture_kind(b"\0\0\0\x1cftyp" + brand + b"\0\0\0\0mif1miaf" + brand) == "AVIF"
    assert picture_kind(b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif") == "AVIF"


def test_a_photo_beyond_the_limit_is_read_at_a_part_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("fer_edge.capture.limits.MOST_PIXELS", 64 * 48)
    path = tmp_path / "photo.jpg"
    path.write_bytes(make.jpeg_turned(6, make.quartered(250, 190)))
    (image,) = read(path)
    assert image.shape == (63, 48, 3)  # a quarter, and turned
    assert make.bright_quarter(image) == 1
    assert "has 250 x 190 pixels: it is read at 1/4" in caplog.text


def test_what_cannot_be_reduced_is_refused_with_the_limit(tmp_path: Path) -> None:
    head = make.png_chunk(b"IHDR", b"\0\0\x2e\xe0\0\0\x23\x28\x08\2\0\0\0")
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + make.png_chunk(b"IEND", b""))
    with pytest.raises(
        SourceUnreadable, match=r"12000 x 9000 are 108 million.*67 million.*OPENCV_IO_MAX_IMAGE_PIXELS=108000000"
    ):
        read(path)
    assert MOST_PIXELS == 1 << 26


def test_pages_come_in_order(tmp_path: Path) -> None:
    path = make.tiff_pages(tmp_path / "scan.tif", [10, 80, 160])
    assert levels(path) == [10, 80, 160]
    assert levels(path, pages="first") == [10]
    assert levels(make.tiff_pages(tmp_path / "deep.tif", [10, 80], sixteen=True)) == [10, 80]


@pytest.mark.parametrize("big", [False, True])
def test_previews_and_masks_are_no_pages(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(make.tiff_by_hand([(1, 250), (0, 50), (4, 255), (2, 90), (1, 255)], big))
    assert levels(path) == [50, 90]
    assert levels(path, pages="first") == [50]


def test_directories_that_go_in_a_circle_end() -> None:
    data = bytearray(make.tiff_by_hand([(0, 50), (0, 60)]))
    second = int.from_bytes(data[8 + 2 + 120 : 8 + 2 + 124], "big")
    data[second + 2 + 120 : second + 2 + 124] = (8).to_bytes(4, "big")
    assert pages(bytes(data)) == [Page(0, 8, 8), Page(1, 8, 8)]


def test_a_page_that_is_cut_off_is_named_behind_the_others(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(make.tiff_by_hand([(0, 50), (0, 60), (0, 70)])[:-40])
    with open_source(str(path)) as source:
        for level in (50, 60):
            assert source.grab()
            assert source.retrieve().mean() == level
        with pytest.raises(SourceUnreadable, match="page 3 of 3"):
            source.grab()


def test_a_page_whose_directory_is_cut_off_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    data = make.tiff_by_hand([(0, 50), (0, 60)])
    second = int.from_bytes(data[8 + 2 + 120 : 8 + 2 + 124], "big")
    path.write_bytes(data[:second])
    with open_source(str(path)) as source:
        assert source.grab()
        assert source.retrieve().mean() == 50
        with pytest.raises(SourceUnreadable, match="page 2 of 2"):
            source.grab()


@given(st.binary(max_size=300), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"]))
def test_any_bytes_have_pages_orientation_and_kind(data: bytes, head: bytes) -> None:
    pages(head + data)
    assert isinstance(exif_orientation(head + data), int)
    image = np.zeros((4, 6, 3), np.uint8)
    assert turned_as_boxes_say(image, data).size == image.size
    picture_kind(data)


@given(st.integers(1, 8))
def test_turning_keeps_every_pixel(orientation: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    back = {6: 8, 8: 6}.get(orientation, orientation)
    assert np.array_equal(turned(turned(image, orientation), back), image)


def test_pillow_reads_avif_where_opencv_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pillow = pytest.importorskip("PIL.Image")
    if ".avif" not in pillow.registered_extensions():
        pytest.skip("this Pillow has no AVIF")
    monkeypatch.setattr("fer_edge.capture.file.picture.decode_unturned", lambda data: None)
    monkeypatch.setattr(heif, "_installed", lambda: None)
    exif = pillow.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.avif"
    pillow.fromarray(make.quartered()).save(path, exif=exif, quality=95)
    (image,) = read(path)
    assert image.shape == (64, 48, 3)
    assert make.bright_quarter(image) == 1
