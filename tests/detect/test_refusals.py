"""Where a look was in vain another is taken only when it may see something else."""

from __future__ import annotations

from dataclasses import replace
from typing import List

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.detect.known_faces import on_one_head
from fer_edge.detect.refusals import MOST, REFUSED, SURER, UNCHANGED, Refusals
from fer_edge.types import Box, Face, Image

STAIN = Face(Box(100, 60, 40, 40), 0.3, {})


def wall(seed: int = 0) -> Image:
    """A wall with the noise of a sensor."""
    return np.random.default_rng(seed).normal(110, 8, (240, 320, 3)).clip(0, 255).astype(np.uint8)


def with_a_visitor(left: int = 110, top: int = 70, side: int = 20) -> Image:
    image = wall(1)
    image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 200
    return image


def refusing(*faces: Face) -> Refusals:
    refusals = Refusals()
    refusals.add(faces or (STAIN,), wall(), at=10.0)
    return refusals


def test_a_place_that_shows_what_it_did_is_left_alone_whatever_the_noise() -> None:
    refusals = refusing()
    assert all(refusals.hold(STAIN, wall(seed), 10.0 + seed) for seed in range(int(UNCHANGED)))


def test_a_place_that_has_changed_is_looked_at_again_after_a_moment() -> None:
    refusals = refusing()
    assert refusals.hold(STAIN, with_a_visitor(), 10.0 + 0.9 * REFUSED)
    assert not refusals.hold(STAIN, with_a_visitor(), 10.0 + 1.1 * REFUSED)
    # What changed elsewhere is no reason.
    assert refusals.hold(STAIN, with_a_visitor(left=200), 10.0 + 1.1 * REFUSED)


def test_a_much_surer_candidate_is_looked_at_though_nothing_changed() -> None:
    refusals = refusing()
    surer, as_sure = (replace(STAIN, score=STAIN.score + SURER + by) for by in (0.01, -0.01))
    assert not refusals.hold(surer, wall(1), 10.0 + 1.1 * REFUSED)
    assert refusals.hold(as_sure, wall(1), 10.0 + 1.1 * REFUSED)
    assert refusals.hold(surer, wall(1), 10.0 + 0.9 * REFUSED)


def test_a_place_is_looked_at_anew_after_a_while_for_somebody_may_sit_there() -> None:
    refusals = refusing()
    assert refusals.hold(STAIN, wall(1), 10.0 + 0.9 * UNCHANGED)
    assert not refusals.hold(STAIN, wall(1), 10.0 + 1.1 * UNCHANGED)


def test_after_a_cut_no_place_is_left_alone() -> None:
    refusals = refusing()
    refusals.clear()
    assert not refusals.hold(STAIN, wall(), 10.0)


def test_only_the_last_places_are_remembered() -> None:
    many = [replace(STAIN, box=Box(50.0 * n, 0, 40, 40)) for n in range(MOST + 10)]
    refusals, image = refusing(*many), wall()
    assert [refusals.hold(one, image, 10.0) for one in many] == [False] * 10 + [True] * MOST
    refusals.add([STAIN], image, 10.0 + 2 * UNCHANGED)
    assert not any(refusals.hold(one, image, 10.0) for one in many[20:])


@pytest.mark.parametrize(
    ("left", "top"), [(-20, -20), (300, 60), (100, 220), (-500, 60), (900, 900), (-40, -40), (320, 240)]
)
def test_places_at_the_edge_of_the_frame_and_beyond_it_are_places_like_others(left: int, top: int) -> None:
    outside = replace(STAIN, box=Box(left, top, 40, 40))
    refusals = refusing(outside)
    assert refusals.hold(outside, wall(), 11.0)
    assert not refusals.hold(STAIN, wall(), 11.0)


PLACES = st.builds(
    lambda x, y, width, height: Face(Box(x, y, width, height), 0.3, {}),
    st.integers(-60, 340),
    st.integers(-60, 260),
    st.floats(0.1, 90),
    st.floats(0.1, 90),
)


@given(st.lists(PLACES, max_size=8), PLACES)
def test_a_place_is_the_same_where_two_looks_would_find_one_head(refused: List[Face], candidate: Face) -> None:
    refusals, image = Refusals(), np.zeros((240, 320, 3), np.uint8)
    refusals.add(refused, image, 1.0)
    assert refusals.hold(candidate, image, 2.0) == on_one_head(candidate, refused)
