from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.pipeline import backlog
from fer_edge.pipeline.backlog import MOST_WAITING, Backlog
from fer_edge.types import Frame, Observation, Rates

FILES, CAMERAS = ("clip", "film"), ("door", "front")


def observation(camera: str, index: int = 0, side: int = 4) -> Observation:
    return Observation(Frame(index, 0.0, datetime.now(timezone.utc), np.zeros((side, side, 3), np.uint8), camera))


def taken(waiting: Backlog) -> Tuple[str, int]:
    one = waiting.take()
    assert one is not None
    return one[0].frame.source, one[0].frame.index


def rest(waiting: Backlog) -> List[Tuple[str, int]]:
    waiting.close()
    found = []
    while True:
        one = waiting.take()
        if one is None:
            return found
        found.append((one[0].frame.source, one[0].frame.index))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*FILES, *CAMERAS, "take"]), max_size=300))
def test_files_lose_nothing_cameras_lose_their_oldest_and_all_is_accounted_for(steps: List[str]) -> None:
    waiting = Backlog()
    given_: Dict[str, int] = Counter()
    got: List[Tuple[str, int]] = []
    for step in steps:
        if step == "take":
            if sum(given_.values()) - len(got) - waiting.lost:
                got.append(taken(waiting))
        elif step in CAMERAS or waiting.room(step):
            waiting.add(observation(step, given_[step]), Rates(), keep=step in FILES)
            given_[step] += 1
        assert sum(given_.values()) - len(got) - waiting.lost <= 2 * MOST_WAITING
    got += rest(waiting)
    by_camera = {name: [index for camera, index in got if camera == name] for name in (*FILES, *CAMERAS)}
    for name in FILES:
        assert by_camera[name] == list(range(given_[name]))
    for name in CAMERAS:
        assert by_camera[name] == sorted(by_camera[name])
        assert given_[name] == 0 or by_camera[name][-1] == given_[name] - 1, "the newest stays"
    assert len(got) + waiting.lost == sum(given_.values())


def test_a_camera_that_floods_loses_its_own_results_and_the_others_get_their_turn() -> None:
    waiting = Backlog()
    for index in range(5):
        waiting.add(observation("door", index), Rates())
    for index in range(1000):
        waiting.add(observation("front", index), Rates())
    got = rest(waiting)
    assert [index for camera, index in got if camera == "door"] == [0, 1, 2, 3, 4]
    assert [camera for camera, _ in got[:10]] == ["door", "front"] * 5


def test_a_file_that_is_fast_holds_up_neither_a_camera_nor_another_file() -> None:
    waiting = Backlog()
    while waiting.room("clip"):
        waiting.add(observation("clip"), Rates(), keep=True)
    assert waiting.room("film")
    waiting.add(observation("film"), Rates(), keep=True)
    waiting.add(observation("door"), Rates())
    assert [taken(waiting)[0] for _ in range(4)] == ["clip", "film", "door", "clip"]


def test_what_was_to_be_kept_is_not_any_more_once_it_is_said_so() -> None:
    waiting = Backlog()
    for index in range(3 * MOST_WAITING):
        waiting.add(observation("clip", index), Rates(), keep=index < MOST_WAITING)
    assert waiting.lost == 2 * MOST_WAITING
    assert rest(waiting)[0] == ("clip", 2 * MOST_WAITING)


def test_large_images_of_a_file_find_room_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 100)
    waiting = Backlog()
    assert waiting.room("clip")
    waiting.add(observation("clip", side=100), Rates(), keep=True)
    assert not waiting.room("clip")
    taken(waiting)
    assert waiting.room("clip")
