from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import UsageError
from fer_edge.sinks.names import CAMERA, for_camera, has_camera, refuse_two_cameras
from fer_edge.sinks.registry import SINKS

NAMES = st.text(st.characters(exclude_characters="/{}", exclude_categories=["Cs"]), min_size=1)


def test_the_camera_s_name_is_filled_in_wherever_it_is_asked_for() -> None:
    assert for_camera("day/{camera}/out-{camera}.mp4", "front") == "day/front/out-front.mp4"
    assert for_camera("out.jsonl", "front") == "out.jsonl"
    assert (has_camera("out-{camera}.mp4"), has_camera("out.mp4")) == (True, False)


@given(NAMES, NAMES)
def test_two_cameras_have_two_names_and_none_leaves_its_folder(one: str, other: str) -> None:
    first, second = (for_camera(f"results/out-{CAMERA}.jsonl", name) for name in (one, other))
    assert (first == second) == (one == other)
    assert first.count("/") == 1


def test_a_name_with_a_slash_or_none_at_all_makes_a_file_all_the_same() -> None:
    assert for_camera("out-{camera}.mp4", "rtsp://host/live") == "out-rtsp:__host_live.mp4"
    assert for_camera("out-{camera}.mp4", "") == "out-camera.mp4"


@pytest.mark.parametrize("place", ["out-{name}.mp4", "{camera}-{date}.jsonl", "{Camera}"])
def test_a_placeholder_that_stands_for_nothing_is_refused_with_the_one_that_does(place: str) -> None:
    with pytest.raises(UsageError, match="stands for nothing") as caught:
        has_camera(place)
    assert CAMERA in caught.value.remedy


@pytest.mark.parametrize("place", ["{", "}{", "{}", "{1}", "{a b}", "{{", "100%{"])
def test_other_braces_are_part_of_a_name(place: str) -> None:
    assert not has_camera(place)
    assert for_camera(place, "front") == place


def test_the_remedy_for_two_cameras_is_a_name_that_works() -> None:
    error = refuse_two_cameras(SINKS[1], "day/out.mp4", 2)
    assert "--record 'day/out-{camera}.mp4'" in error.remedy
