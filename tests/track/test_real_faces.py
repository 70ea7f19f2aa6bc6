"""Real people, found by BlazeFace, have one id each; what the clips show was looked at by eye."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from scenes import observed

from fer_edge.capture.open import open_source
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.track.tracker import FaceTracker


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    ("clip", "variant", "people"),
    [
        # Of four people in the room only one is near enough to be found.
        ("classroom.gif", "full", 1),
        # Two who walk towards the camera, found in 28 and 23 of 35 frames.
        ("face-demographics-walking.gif", "full", 2),
        ("head-pose-face-detection-female.gif", "short", 1),
        ("head-pose-face-detection-male.gif", "short", 1),
        ("head-pose-face-detection-female-and-male.gif", "short", 2),
    ],
)
def test_each_real_person_has_one_id(shared: Path, clip: str, variant: str, people: int, step: int) -> None:
    detector, tracker = BlazeFaceDetector(variant), FaceTracker()
    ids: Counter[int] = Counter()
    sides = {}
    with open_source(str(shared / "clips" / clip)) as source:
        index = 0
        while source.grab():
            image = source.retrieve()
            index += 1
            if index % step:
                continue
            at = source.media_time
            assert at is not None
            one = observed(at, detector.detect(image), index)
            for face in tracker.follow(one.richer(frame=replace(one.frame, image=image))).faces:
                assert face.track is not None
                ids[face.track.id] += 1
                # Nobody in these clips changes sides, so that an id that did would be another's.
                sides.setdefault(face.track.id, []).append(face.face.box.x + face.face.box.width / 2)
    detector.close()

    assert sorted(ids) == list(range(1, people + 1))
    if people == 2:
        left, right = sorted(sides.values(), key=lambda places: places[0])
        assert max(left) < min(right)
