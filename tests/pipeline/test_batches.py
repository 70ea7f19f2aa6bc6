"""The classifier takes the faces of frames that wait together in one call."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Dict, List, Tuple

import numpy as np
import pytest
from failing_cameras import until
from numpy.typing import NDArray
from small_sessions import GatedClassifier, Numbered, assert_balanced, faces_apart, find_one, session_of_several

from fer_edge.app.stages import Classification
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.pipeline.mailbox import Mailbox
from fer_edge.pipeline.meter import FlowMeter
from fer_edge.pipeline.order import LaneOrder
from fer_edge.pipeline.stage import Stage
from fer_edge.pipeline.stage_spec import StageSpec
from fer_edge.types import Expression, Frame, Observation, StageTime

LANES = ("front", "door", "yard", "attic")


def find_three() -> FaceDetector:
    return FakeDetector(faces_apart(3))


def test_frames_that_wait_together_are_classified_in_one_call() -> None:
    classifier = GatedClassifier()

    class Later(Numbered):
        """Gives its first frame once the classifier is busy."""

        def open(self) -> SourceInfo:
            assert classifier.waiting.wait(20)
            return super().open()

    detectors = {"lead": find_one, **dict.fromkeys(LANES, find_one), "yard": find_three}
    sources: Dict[str, Source] = {"lead": Numbered(1), **{name: Later(1) for name in LANES}}
    session = session_of_several(sources, detectors, lambda: classifier)
    with session:
        until(lambda: all(session.queue_ages(name)["classify"] > 0 for name in LANES))
        classifier.open.set()
        seen = [session.take(20) for _ in sources]
    assert classifier.batches == [1, 1 + 1 + 1 + 3]
    for observation in filter(None, seen):
        assert len(observation.faces) == (3 if observation.frame.source == "yard" else 1)
    assert_balanced(session)


def test_a_frame_alone_is_classified_at_once_and_waits_for_no_other_camera() -> None:
    classifier = GatedClassifier()
    classifier.open.set()
    sources: Dict[str, Source] = {"front": Numbered(3), "door": Numbered(0)}
    session = session_of_several(sources, classifier=lambda: classifier)
    with session:
        assert all(session.take(20) for _ in range(3))
    assert classifier.batches == [1, 1, 1]


class Timed(FakeClassifier):
    """Takes 0.6 s for each face, of a clock that it turns."""

    def __init__(self, now: List[float]) -> None:
        super().__init__()
        self._now = now

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        self._now[0] += 0.6 * len(crops)
        return super().classify(crops)


@pytest.mark.parametrize(
    ("faces", "seconds"),
    [
        ({"front": 3, "door": 1, "yard": 0, "attic": 0}, {"front": 1.2, "door": 1.2, "yard": 0.0, "attic": 0.0}),
        ({"front": 1, "door": 0}, {"front": 0.6, "door": 0.0}),
        ({"front": 0, "door": 0}, {"front": 0.0, "door": 0.0}),
    ],
    ids=["two of four", "one of two", "none"],
)
def test_frames_of_one_call_share_its_time_and_those_with_nothing_to_do_took_none_of_it(
    faces: Dict[str, int], seconds: Dict[str, float]
) -> None:
    now = [100.0]
    meter = FlowMeter({"classify": "classification"}, lambda: now[0])
    inbox: Mailbox[Observation] = Mailbox(list(faces), lambda: now[0])
    outbox: Mailbox[Observation] = Mailbox(list(faces), lambda: now[0])
    for lane, count in faces.items():
        frame = Frame(0, now[0], datetime.now(timezone.utc), np.zeros((100, 100, 3), np.uint8), lane)
        inbox.put(lane, Observation(frame, found=tuple(faces_apart(count))))
    now[0] += 2.0
    spec = StageSpec("classify", "classification", lambda: Classification(Timed(now)), batch=len(faces))
    running = Stage(
        spec,
        inbox,
        outbox,
        LaneOrder(list(faces)),
        lambda lane, *what: meter.record_stage(*what),
        [].append,
        lambda: now[0],
    )
    (thread,) = running.threads
    thread.worker.thread.start()
    came: List[Observation] = []
    until(
        lambda: len(came) == len(faces) or came.extend(one.item for one in outbox.take(8, 20) if one.item is not None)
    )
    inbox.close()
    thread.worker.thread.join(20)
    assert {one.frame.source: one.times["classify"] for one in came} == {
        lane: StageTime(2.0, pytest.approx(service)) for lane, service in seconds.items()
    }
    busy = [lane for lane, count in faces.items() if count]
    assert meter.service_times()["classify"].count == len(busy), "idle frames say nothing of the capacity"
    assert meter.service_times()["classify"].seconds == pytest.approx(sum(seconds.values()))
    assert meter.counts()["classify"] == len(faces)
