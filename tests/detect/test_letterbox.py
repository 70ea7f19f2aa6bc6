from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.detect.letterbox import LARGEST, Letterbox, Placement

SIZES = st.integers(min_value=1, max_value=8000)
SIDES = st.sampled_from([128, 192, 320])


@given(width=SIZES, height=SIZES, side=SIDES)
def test_the_whole_image_lies_in_the_middle_of_the_square_and_fills_it_one_way(
    width: int, height: int, side: int
) -> None:
    place = Placement.of(width, height, side)
    (left, top), (right, bottom) = place.to_image(np.array([[0.0, 0.0], [side, side]])).tolist()
    assert (right - left, bottom - top) == pytest.approx((max(width, height),) * 2)
    assert left + right == pytest.approx(width)
    assert top + bottom == pytest.approx(height)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (97, 61), (1080, 1920), (130, 130)])
def test_a_bright_patch_is_found_where_the_placement_says(shape: tuple[int, int], centred: bool) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    middle_x, middle_y = round(shape[1] * 0.7), round(shape[0] * 0.3)
    radius = max(4, min(shape) // 12)
    cv2.rectangle(
        picture, (middle_x - radius, middle_y - radius), (middle_x + radius, middle_y + radius), (255, 255, 255), -1
    )
    tensor, place = Letterbox(128, centred).fit(picture)
    rows, columns = np.nonzero(tensor[0, 0] > 127)
    found = place.to_image(np.array([[columns.mean(), rows.mean()]]))[0]
    assert abs(found - (middle_x, middle_y)).max() <= place.scale


def test_what_lies_beside_the_picture_is_black_even_after_a_picture_of_another_shape() -> None:
    letterbox = Letterbox(128)
    letterbox.fit(np.full((640, 480, 3), 255, np.uint8))
    tensor, _ = letterbox.fit(np.full((480, 640, 3), 255, np.uint8))
    assert not tensor[0, :, :15].any()
    assert not tensor[0, :, 113:].any()
    assert (tensor[0, :, 17:111, 1:127] == 255).all()


def test_the_channels_keep_their_order() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:] = (10, 20, 30)
    tensor, _ = Letterbox(128).fit(picture)
    assert tensor.shape == (1, 3, 128, 128)
    assert tensor.dtype == np.float32
    assert tensor[0, :, 64, 64].tolist() == [10.0, 20.0, 30.0]


def test_centred_sampling_is_that_of_opencvs_resize() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (480, 480, 3), dtype=np.uint8)
    tensor, _ = Letterbox(320, centred=True).fit(picture)
    resized = cv2.resize(picture, (320, 320), interpolation=cv2.INTER_LINEAR)
    # OpenCV's warps round positions to a 32nd of a pixel.
    assert np.abs(tensor[0].transpose(1, 2, 0)[1:-1, 1:-1] - resized[1:-1, 1:-1]).max() <= 8


@pytest.mark.parametrize("shape", [(0, 640, 3), (480, 0, 3), (480, 640), (480, 640, 4), (LARGEST + 1, 1, 3)])
def test_what_cannot_be_fitted_is_refused_and_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a detector takes"):
        Letterbox(128).fit(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(1, 1, 3), (LARGEST, 1, 3), (1, LARGEST, 3)])
def test_the_smallest_and_the_longest_picture_can_be_fitted(shape: tuple[int, ...]) -> None:
    tensor, _ = Letterbox(128).fit(np.full(shape, 200, np.uint8))
    assert tensor.max() > 0
