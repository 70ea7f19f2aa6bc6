"""What PyAV decodes is what was encoded, as a player shows it."""

from __future__ import annotations

import gc
import io
from fractions import Fraction
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("av")

import av
from media_files import QUARTERS, SILENCE, grays, id3, mean_colours, near, quartered, turn_mp4, with_cover, write_video

from fer_edge.capture.media.decoder import MediaDecoder, NoVideo, TooLarge
from fer_edge.types import Image

A, B, C, D = QUARTERS


def read(place: object, **more: object) -> Tuple[List[Image], List[Optional[float]], MediaDecoder]:
    with MediaDecoder(place, **more) as decoder:  # type: ignore[arg-type]
        pairs = list(decoder.frames())
    return [image for image, _ in pairs], [time for _, time in pairs], decoder


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([Fraction(30000, 1001), Fraction(25), Fraction(7), Fraction(15, 2), Fraction(60)]),
    count=st.integers(1, 20),
    width=st.integers(8, 60),
    height=st.integers(8, 60),
    suffix=st.sampled_from(["mp4", "mkv", "avi", "mov"]),
)
def test_each_frame_comes_once_in_order_with_its_stamp_and_colour(
    tmp_path: Path, rate: Fraction, count: int, width: int, height: int, suffix: str
) -> None:
    path = tmp_path / f"clip.{suffix}"
    wanted = grays(count, 2 * width, 2 * height)
    write_video(path, wanted, rate)
    images, times, decoder = read(str(path))
    assert len(images) == count
    assert decoder.damaged == 0
    assert [image.shape for image in images] == [(2 * height, 2 * width, 3)] * count
    for index, (image, time) in enumerate(zip(images, times)):
        assert abs(int(image.mean()) - int(wanted[index].mean())) <= 3
        assert time == pytest.approx(float(index / rate), abs=0.002)
    assert decoder.fps == pytest.approx(float(rate), rel=0.02) or count < 3


def test_stamps_of_a_file_without_a_rate_are_those_of_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "phone.mkv"
    stamps = [0, 30, 95, 96, 400, 2000]
    write_video(path, grays(6), 30, stamps=stamps, bf="0")
    images, times, _ = read(str(path))
    assert len(images) == 6
    assert times == pytest.approx([stamp / 1000 for stamp in stamps])


@pytest.mark.parametrize(
    ("matrix", "size", "quarters"),
    [
        ((1, 0, 0, 1), (64, 48), (A, B, C, D)),
        ((0, 1, -1, 0), (48, 64), (C, A, D, B)),
        ((-1, 0, 0, -1), (64, 48), (D, C, B, A)),
        ((0, -1, 1, 0), (48, 64), (B, D, A, C)),
        ((-1, 0, 0, 1), (64, 48), (B, A, D, C)),
        ((1, 0, 0, -1), (64, 48), (C, D, A, B)),
        ((0, 1, 1, 0), (48, 64), (A, C, B, D)),
        ((0, -1, -1, 0), (48, 64), (D, B, C, A)),
    ],
)
def test_a_video_is_turned_and_mirrored_as_its_matrix_says(
    tmp_path: Path, matrix: Tuple[int, ...], size: Tuple[int, int], quarters: Tuple[Tuple[int, ...], ...]
) -> None:
    path = tmp_path / "phone.mp4"
    write_video(path, [quartered()] * 3)
    turn_mp4(path, matrix)
    images, _, decoder = read(str(path))
    assert (decoder.width, decoder.height) == size
    assert len(images) == 3
    for image in images:
        assert image.flags.c_contiguous
        assert near(mean_colours(image), quarters)


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(Fraction(2), (128, 48)), (Fraction(1, 2), (64, 96)), (Fraction(16, 11), (93, 48)), (Fraction(1), (64, 48))],
)
def test_pixels_that_are_not_square_are_made_so(tmp_path: Path, aspect: Fraction, size: Tuple[int, int]) -> None:
    path = tmp_path / "dvd.mp4"
    write_video(path, [quartered()] * 2, aspect=aspect)
    images, _, decoder = read(str(path))
    assert (decoder.width, decoder.height) == size
    assert images[1].shape == (size[1], size[0], 3)
    assert near(mean_colours(images[1]), QUARTERS)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_interlaced_frames_are_whole_images_each_with_its_stamp(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "cable.mkv"
    flags = {"x264-params": "tff=1"} if codec == "libx264" else {"flags": "+ilme+ildct", "b:v": "4M"}
    # Comb: the second field is that of a later moment.
    images = []
    for index in range(8):
        image = quartered(marked=index * 4)
        image[1::2] = quartered(marked=index * 4 + 2)[1::2]
        images.append(image)
    write_video(path, images, 25, codec=codec, **flags)
    with av.open(str(path)) as container:
        assert any(frame.interlaced_frame for frame in container.decode(video=0)), "the input is not interlaced"
    found, times, decoder = read(str(path))
    assert len(found) == 8
    assert times == pytest.approx([index / 25 for index in range(8)], abs=0.002)
    assert decoder.damaged == 0
    for index, image in enumerate(found):
        assert near(mean_colours(image), mean_colours(quartered(marked=index * 4 + 1)), 8)


def test_what_moves_between_the_two_halves_of_an_interlaced_frame_is_no_comb(tmp_path: Path) -> None:
    path = tmp_path / "moving.mkv"
    images = []
    for index in range(8):
        image = np.full((48, 64, 3), 40, np.uint8)
        for row, left in enumerate((8 + index * 4, 12 + index * 4)):
            image[row::2, left : left + 12] = 220
        images.append(image)
    write_video(path, images, 25, **{"x264-params": "tff=1"})
    found, _, _ = read(str(path))
    # The first and the last frame have no neighbour on one side.
    assert max(combed(image) for image in found[1:-1]) < combed(images[0]) / 3


def combed(image: Image) -> float:
    """How far rows are from those between which they lie."""
    rows = image.astype(int)
    return float(abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


def test_a_change_of_size_within_the_stream_is_followed(tmp_path: Path) -> None:
    both = io.BytesIO()
    for size in ((64, 48), (96, 64)):
        part = io.BytesIO()
        write_video(part, [quartered(*size)] * 3, format="image2pipe", codec="mjpeg", pix_fmt="yuvj420p")
        both.write(part.getvalue())
    both.seek(0)
    images, _, decoder = read(both, format="mjpeg")
    assert [image.shape[:2] for image in images] == [(48, 64)] * 3 + [(64, 96)] * 3
    assert (decoder.width, decoder.height) == (96, 64)
    assert all(near(mean_colours(image), QUARTERS, 10) for image in images)


def test_times_only_grow_where_a_stream_begins_again(tmp_path: Path) -> None:
    part = io.BytesIO()
    write_video(part, grays(5), 25, format="mpegts", codec="mpeg2video", bf="0")
    images, times, _ = read(io.BytesIO(part.getvalue() * 2))
    assert len(images) == 10
    assert all(time is not None for time in times)
    assert all(after > before for before, after in zip(times, times[1:]))  # type: ignore[operator]


def test_colours_follow_the_matrix_that_the_file_names(tmp_path: Path) -> None:
    path = tmp_path / "camera.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264rgb", rate=10, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        frame = av.VideoFrame.from_ndarray(quartered(), format="bgr24").reformat(format="rgb24")
        for index in range(2):
            frame.pts = index
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    images, _, _ = read(str(path))
    assert np.array_equal(images[0], quartered())


def test_a_damaged_packet_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "disk.avi"
    write_video(path, grays(10), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = [index for index in range(len(data)) if data[index : index + 3] == b"\xff\xd8\xff"][4]
    data[at : at + 590] = bytes(590)
    path.write_bytes(data)
    images, _, decoder = read(str(path))
    assert len(images) == 9
    assert decoder.damaged == 1
    assert decoder.last_error


def test_a_cover_picture_is_taken_only_where_there_is_no_film(tmp_path: Path) -> None:
    cover = io.BytesIO()
    write_video(cover, [quartered(320, 240)], codec="png", pix_fmt="rgb24", format="image2pipe")
    png = cover.getvalue()
    film = tmp_path / "film.mp4"
    write_video(film, [quartered()] * 2)
    film.write_bytes(with_cover(film.read_bytes(), png))
    images, _, decoder = read(str(film))
    assert (decoder.width, decoder.height) == (64, 48)
    assert len(images) == 2
    song = tmp_path / "song.mp3"
    song.write_bytes(id3(png) + SILENCE * 20)
    images, _, decoder = read(str(song))
    assert [image.shape for image in images] == [(240, 320, 3)]
    assert decoder.damaged == 0


def test_what_holds_no_video_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(NoVideo):
        MediaDecoder(str(path))


def test_a_size_beyond_the_limits_is_refused_before_anything_is_decoded() -> None:
    with pytest.raises(TooLarge, match="33000 x 16"):
        MediaDecoder(io.BytesIO(b"YUV4MPEG2 W33000 H16 F25:1 C420jpeg\nFRAME\n" + bytes(33000 * 24)))


def test_a_size_that_grows_beyond_the_limits_within_the_stream_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "hostile.avi"
    write_video(path, grays(3), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\x00\xff\x00"
    path.write_bytes(data)
    images, _, decoder = read(str(path))
    assert [image.shape for image in images] == [(48, 64, 3)] * 2
    assert decoder.damaged == 1


def test_the_memory_of_a_frame_is_given_back_without_a_search_for_circles(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, grays(60))
    gc.collect()
    gc.disable()
    try:
        with MediaDecoder(str(path)) as decoder:
            assert sum(1 for _ in decoder.frames()) == 60
        kept = sum(type(one) is av.VideoFrame for one in gc.get_objects())  # isinstance wakes what other libraries left
    finally:
        gc.enable()
    assert kept < 20


def test_the_quick_way_to_convert_colours_is_near_the_exact_one(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, [quartered()] * 3)
    with MediaDecoder(str(path)) as exact, MediaDecoder(str(path), quick=True, threads=1) as quick:
        for (one, at), (other, also) in zip(exact.frames(), quick.frames()):
            assert at == also
            assert near(mean_colours(one), mean_colours(other), slack=4)
