"""A source whose files cannot all be read: each has a frame, and no stage sees one without an image."""

from __future__ import annotations

import time
from typing import List, Optional, Sequence

import numpy as np
import pytest
from failing_cameras import supervised
from small_sessions import CAMERA

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.errors import FileUnreadable, SourceUnreadable
from fer_edge.pipeline import reader
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.types import Image, Observation


class Files(Source):
    """Files of which some cannot be read: those of the given numbers."""

    live = False

    def __init__(self, count: int, bad: Sequence[int], seconds: float = 0.0) -> None:
        self._count = count
        self._bad = bad
        self._seconds = seconds
        self._number = -1

    @property
    def file(self) -> str:
        return f"{self._number}.jpg"

    def open(self) -> SourceInfo:
        return SourceInfo("files", 8, 6, 0.0)

    def grab(self) -> Optional[bool]:
        time.sleep(self._seconds)
        self._number += 1
        return self._number < self._count

    def retrieve(self) -> Image:
        if self._number in self._bad:
            raise FileUnreadable("it is cut off")
        return np.full((6, 8, 3), self._number, np.uint8)

    def close(self) -> None:
        pass


class Looking(StageWork):
    """Looks at the image of each frame, as any stage may."""

    def __init__(self) -> None:
        self.looked: List[int] = []

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        self.looked += [int(one.frame.image[0, 0, 0]) for one in observations]
        return observations

    def idle(self, observation: Observation) -> bool:
        return int(observation.frame.image[0, 0, 0]) < 0


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("bad", [[], [0], [1, 2], [0, 3, 5], [5], [0, 1, 2, 3, 4, 5]])
def test_each_file_is_a_frame_in_order_and_stages_get_those_with_an_image(bad: List[int], batch: int) -> None:
    work = Looking()
    spec = StageSpec("look", "looking", lambda: work, batch=batch)
    with Session([LaneSpec(CAMERA, Files(6, bad))], [spec]) as session:
        seen = [one.frame for one in session]
        balance = session.balance()
    assert [frame.file for frame in seen] == [f"{number}.jpg" for number in range(6)]
    assert [frame.index for frame in seen] == list(range(6))
    assert [frame.problem for frame in seen] == ["it is cut off" if number in bad else "" for number in range(6)]
    assert all(frame.image.shape == ((0, 0, 3) if frame.problem else (6, 8, 3)) for frame in seen)
    assert work.looked == [number for number in range(6) if number not in bad]
    assert (balance.captured, balance.emitted, balance.dropped, balance.in_flight) == (6, 6, 0, 0)


def test_another_error_of_a_file_still_ends_the_source() -> None:
    class Broken(Files):
        def retrieve(self) -> Image:
            raise SourceUnreadable("all is lost")

    session = Session([LaneSpec(CAMERA, Broken(3, []))], [StageSpec("look", "looking", Looking)])
    with session, pytest.raises(SourceUnreadable, match="all is lost"):
        list(session)


def test_a_picture_may_take_longer_than_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.05)
    slow = Files(2, [], seconds=0.4)
    slow.grab_limit = 60.0
    session = supervised([slow, Files(2, [])])
    with session:
        found = []
        while len(found) < 2:
            session.look_after()
            observation = session.take(0.05)
            found += [observation] if observation is not None else []
        assert session.incidents().hung == 0
    assert [one.frame.index for one in found] == [0, 1]
