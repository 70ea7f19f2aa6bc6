from __future__ import annotations

from typing import List

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fer_edge.capture.http.pictures import PictureSplitter


def jpeg(seed: int, progressive: bool = False) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    done, data = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)])
    assert done
    return data.tobytes()


PICTURES = [jpeg(1), jpeg(2, progressive=True), jpeg(3)]


def encoded(kind: str) -> bytes:
    done, data = cv2.imencode(kind, np.random.default_rng(4).integers(0, 256, (24, 32, 3), np.uint8))
    assert done
    return data.tobytes()


OTHERS = [encoded(".png"), encoded(".webp")]


def with_thumbnail(picture: bytes, thumbnail: bytes) -> bytes:
    """Put a small picture into an EXIF-like segment of another, as telephones do."""
    payload = b"Exif\0\0" + thumbnail
    return picture[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + picture[2:]


def multipart(picture: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n"


def split(stream: bytes, cuts: List[int], limit: int = 10**6) -> List[bytes]:
    splitter = PictureSplitter(limit)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pictures: List[bytes] = []
    for start, end in zip(edges, edges[1:]):
        pictures += splitter.feed(stream[start:end])
    return pictures


PIECES = st.one_of(
    st.sampled_from(PICTURES),
    st.sampled_from(PICTURES).map(multipart),
    st.tuples(st.sampled_from(PICTURES), st.integers(1, 400)).map(lambda cut: cut[0][: cut[1]]),
    st.just(with_thumbnail(PICTURES[0], PICTURES[2])),
    st.sampled_from(OTHERS),
    st.tuples(st.sampled_from(OTHERS), st.integers(1, 400)).map(lambda cut: cut[0][: cut[1]]),
    st.lists(st.sampled_from([b"\xff", b"\xd8", b"\xd9", b"\xda", b"\xc0", b"\x00", b"\x04", b"a"]), max_size=12).map(
        b"".join
    ),
    st.binary(max_size=40),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=6).map(b"".join), st.lists(st.integers(0, 6000), max_size=30), st.integers(50, 4000))
@example(b"".join(map(multipart, PICTURES)), list(range(6000)), 10**6)
def test_the_same_bytes_give_the_same_pictures_however_they_are_cut(stream: bytes, cuts: List[int], limit: int) -> None:
    assert split(stream, cuts, limit) == split(stream, [], limit)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PICTURES), max_size=5), st.binary(max_size=50).filter(lambda junk: b"\xff" not in junk))
def test_every_whole_picture_is_found_between_any_text(pictures: List[bytes], junk: bytes) -> None:
    stream = junk + b"".join(picture + junk for picture in pictures)
    assert split(stream, []) == pictures


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=8), st.integers(10, 2000))
def test_the_buffer_stays_bounded_by_the_limit(pieces: List[bytes], limit: int) -> None:
    splitter = PictureSplitter(limit)
    for piece in [b"\xff\xd8\xff\xe0\x00\x10", *pieces, bytes(3000)]:
        assert all(len(picture) <= limit for picture in splitter.feed(piece))
        assert len(splitter._buffer) <= limit + len(piece) + 65540


@pytest.mark.parametrize(
    ("head", "piece", "at_once"),
    [
        (b"\xff\xd8\xff\xda\x00\x02", b"\x55" * 1000, 1000),
        (b"\xff\xd8", b"\xff\xe1\x03\xe8" + bytes(998), 1002),
        (b"\xff\xd8", b"\xff\xe1\xff\xff" + bytes(65533), 65537),
        (b"\xff\xd8\xff", b"\xff" * 1000, 1000),
    ],
    ids=["a scan", "segments", "long segments", "fill bytes"],
)
def test_no_more_is_kept_of_a_picture_without_end_than_the_limit(head: bytes, piece: bytes, at_once: int) -> None:
    splitter = PictureSplitter(limit=5000)
    splitter.feed(head)
    for _ in range(100):
        assert splitter.feed(piece) == []
        assert len(splitter._buffer) <= 5000 + 2 * at_once
    # And the next one is found.
    assert splitter.feed(b"\xff\xd9" + PICTURES[0])[-1:] == [PICTURES[0]]


def test_a_picture_in_which_nothing_is_drawn_is_none() -> None:
    assert split(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9" + PICTURES[0], []) == [PICTURES[0]]


@pytest.mark.parametrize("marker", [b"\xff\x01", b"\xff\xd0", b"\xff\xd7", b"\xff\xff\xff\x01"])
def test_a_marker_without_a_length_has_none(marker: bytes) -> None:
    picture = PICTURES[0][:2] + marker + PICTURES[0][2:]
    assert split(picture + PICTURES[2], []) == [picture, PICTURES[2]]


def test_a_picture_that_is_cut_off_by_the_next_one_is_left_out() -> None:
    for length in (3, 30, len(PICTURES[0]) - 5):
        assert split(PICTURES[0][:length] + PICTURES[1], []) == [PICTURES[1]]


def test_a_thumbnail_inside_a_picture_is_not_taken_for_a_frame() -> None:
    whole = with_thumbnail(PICTURES[0], PICTURES[1])
    assert split(whole + PICTURES[2], []) == [whole, PICTURES[2]]


def test_a_picture_beyond_the_limit_is_skipped_and_the_next_one_found() -> None:
    small = jpeg(4)
    done, data = cv2.imencode(".jpg", np.random.default_rng(5).integers(0, 256, (200, 200, 3), np.uint8))
    assert done
    assert split(data.tobytes() + small, [], limit=len(small)) == [small]


@pytest.mark.parametrize("picture", PICTURES)
def test_each_picture_can_be_decoded(picture: bytes) -> None:
    (found,) = split(b"x" + picture, [])
    assert cv2.imdecode(np.frombuffer(found, np.uint8), cv2.IMREAD_COLOR).shape == (24, 32, 3)


def test_png_and_webp_are_found_among_what_is_none_and_cut_off_ones_are_left_out() -> None:
    png, webp = OTHERS
    stream = (
        b"--x\r\n" + png + b"\r\n--x" + png[:200] + png + webp + PICTURES[0] + png[:200] + PICTURES[2] + webp + b"--x"
    )
    assert split(stream, []) == [png, png, webp, PICTURES[0], PICTURES[2], webp]


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n\x7f\xff\xff\xffIDAT", b"RIFF\xff\xff\xff\x7fWEBP"])
def test_a_png_or_webp_that_claims_too_much_is_not_waited_for(start: bytes) -> None:
    assert split(start + bytes(5000) + PICTURES[0], list(range(0, 9000, 100)), 10_000) == [PICTURES[0]]
