from __future__ import annotations

from typing import Optional, Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.geometry import Geometry, Region
from fer_edge.errors import UsageError
from fer_edge.types import Image

ROTATIONS = st.sampled_from([0, 90, 180, 270])
FLIPS = st.sampled_from(["none", "horizontal", "vertical", "both"])
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def picture(width: int, height: int) -> Image:
    """Return an image whose pixels are all different."""
    numbers = np.arange(width * height, dtype=np.uint32).reshape(height, width)
    return np.dstack([numbers & 255, numbers >> 8 & 255, 255 - (numbers & 255)]).astype(np.uint8)


def by_definition(image: Image, rotate: int, flip: str, roi: Optional[Region]) -> Image:
    """Turn clockwise, flip, cut: one step after the other, as the settings are explained."""
    image = np.rot90(image, -rotate // 90)
    if flip in ("horizontal", "both"):
        image = image[:, ::-1]
    if flip in ("vertical", "both"):
        image = image[::-1]
    if roi is not None:
        image = image[roi[1] : roi[1] + roi[3], roi[0] : roi[0] + roi[2]]
    return image


@st.composite
def regions(draw: st.DrawFn, size: Tuple[int, int], rotate: int) -> Region:
    across, down = size if rotate in (0, 180) else size[::-1]
    left, top = draw(st.integers(0, across - 1)), draw(st.integers(0, down - 1))
    return left, top, draw(st.integers(1, across - left)), draw(st.integers(1, down - top))


@given(size=SIZES, rotate=ROTATIONS, flip=FLIPS, data=st.data())
def test_an_image_is_turned_then_flipped_then_cut(
    size: Tuple[int, int], rotate: int, flip: str, data: st.DataObject
) -> None:
    roi = data.draw(st.none() | regions(size, rotate))
    image = picture(*size)
    geometry = Geometry(rotate, flip, roi)
    given_back = geometry.of(image)
    np.testing.assert_array_equal(given_back, by_definition(image, rotate, flip, roi))
    assert given_back.shape[1::-1] == geometry.size(*size)
    assert given_back.flags.c_contiguous
    np.testing.assert_array_equal(image, picture(*size))


@given(size=SIZES, rotate=ROTATIONS)
def test_a_turn_and_the_one_back_give_the_image_again(size: Tuple[int, int], rotate: int) -> None:
    turned = Geometry(rotate).of(picture(*size))
    np.testing.assert_array_equal(Geometry((360 - rotate) % 360).of(turned), picture(*size))


@given(size=SIZES, flip=FLIPS)
def test_an_image_that_is_flipped_twice_is_as_before(size: Tuple[int, int], flip: str) -> None:
    flipped = Geometry(flip=flip)
    np.testing.assert_array_equal(flipped.of(flipped.of(picture(*size))), picture(*size))


@given(
    size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    largest=st.tuples(st.integers(16, 2000), st.integers(16, 2000)),
    rotate=ROTATIONS,
)
def test_a_reduced_image_fits_as_large_as_it_can_and_keeps_its_proportions(
    size: Tuple[int, int], largest: Tuple[int, int], rotate: int
) -> None:
    width, height = Geometry(rotate, largest=largest).size(*size)
    across, down = Geometry(rotate).size(*size)
    assert width <= min(across, largest[0])
    assert height <= min(down, largest[1])
    assert width == across or width == largest[0] or height == largest[1]
    assert abs(width / across - height / down) <= 0.5 / across + 0.5 / down + 1e-9 or 1 in (width, height)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_an_image_is_reduced_by_the_mean_of_its_pixels_whichever_way_it_is_turned(rotate: int) -> None:
    image = cv2.resize(picture(20, 16), (80, 64), interpolation=cv2.INTER_NEAREST)
    reduced = Geometry(rotate, largest=(20, 20)).of(image)
    np.testing.assert_array_equal(reduced, by_definition(picture(20, 16), rotate, "none", None))


def test_what_is_cut_is_cut_before_it_is_reduced() -> None:
    assert Geometry(roi=(100, 0, 480, 480), largest=(240, 240)).size(640, 480) == (240, 240)
    assert Geometry(roi=(100, 0, 200, 200), largest=(240, 240)).size(640, 480) == (200, 200)


@pytest.mark.parametrize("roi", [(0, 0, 481, 10), (400, 0, 81, 10), (0, 600, 10, 41), (480, 0, 1, 1)])
def test_a_region_outside_the_turned_image_is_refused_with_both_sizes(roi: Region) -> None:
    geometry = Geometry(90, roi=roi)
    for refused in (lambda: geometry.size(640, 480), lambda: geometry.of(picture(640, 480))):
        with pytest.raises(UsageError) as caught:
            refused()
        assert f"{roi[2]}x{roi[3]}" in caught.value.message
        assert "480x640" in caught.value.message


@pytest.mark.parametrize(
    "wrong", [{"rotate": 45}, {"rotate": -90}, {"flip": "up"}, {"roi": (-1, 0, 5, 5)}, {"roi": (0, 0, 0, 5)}]
)
def test_what_is_no_turn_flip_or_region_is_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        Geometry(**wrong)


def test_nothing_asked_for_is_nothing_done() -> None:
    image = picture(4, 3)
    assert not Geometry()
    assert Geometry().of(image) is image
