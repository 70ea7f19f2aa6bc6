"""Pictures of every size through the whole chain: detect, crop, classify."""

from __future__ import annotations

from typing import Iterator, Tuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutation import examples

from fer_edge.capture.synthetic import DemoSource
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.inference.model_files import find_model
from fer_edge.types import Box, Face, Image

Chain = Tuple[BlazeFaceDetector, ExpressionReader]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    detector = BlazeFaceDetector(min_score=0.1)
    classifier = OnnxClassifier(find_model("fernet_r"))
    yield detector, ExpressionReader(classifier)
    classifier.close()
    detector.close()


@pytest.fixture(scope="module")
def portrait() -> Image:
    with DemoSource(1) as source:
        source.grab()
        return source.retrieve().copy()


def see(chain: Chain, image: Image) -> int:
    detector, reader = chain
    observed = reader.read(image, detector.detect(image))
    for seen in observed:
        assert 0 < seen.expression.confidence <= 1
        assert np.isfinite(seen.face.box).all()
    return len(observed)


@examples(40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1), st.booleans())
@example(1, 1, 0, False)
@example(1, 300, 0, True)
@example(300, 1, 0, True)
@example(7680, 4320, 0, True)
@example(20000, 1, 0, True)
def test_a_picture_of_any_size_goes_through(
    chain: Chain, portrait: Image, width: int, height: int, seed: int, noise: bool
) -> None:
    if noise and width * height < 1 << 20:
        image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    else:
        image = portrait[
            np.arange(height)[:, None] * portrait.shape[0] // height, np.arange(width) * portrait.shape[1] // width
        ]
    see(chain, image)


def test_the_portrait_is_found_at_8k(chain: Chain, portrait: Image) -> None:
    image = np.repeat(np.repeat(portrait, 9, axis=0), 12, axis=1)
    assert see(chain, image) >= 1


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (5, 5), (5, 5, 4), (1, 40000, 3)])
def test_what_is_no_picture_is_refused_in_words(chain: Chain, shape: Tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a detector takes"):
        chain[0].detect(np.zeros(shape, np.uint8))


PLACES = st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))


@examples(60)
@given(PLACES, PLACES, PLACES, PLACES, st.integers(1, 64), st.integers(1, 64))
@example((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 1, 1)
@example((1e30, 0.0), (-1e30, 0.0), (0.0, 1e30), (0.0, 0.0), 5, 5)
def test_a_face_anywhere_is_cut_and_read(
    chain: Chain,
    right: Tuple[float, float],
    left: Tuple[float, float],
    nose: Tuple[float, float],
    mouth: Tuple[float, float],
    width: int,
    height: int,
) -> None:
    face = Face(Box(0, 0, 1, 1), 1.0, {"right_eye": right, "left_eye": left, "nose": nose, "mouth": mouth})
    (seen,) = chain[1].read(np.full((height, width, 3), 7, np.uint8), [face])
    assert seen.expression.probabilities.sum() == pytest.approx(1, abs=1e-4)
