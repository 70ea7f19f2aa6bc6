"""What a search makes of what the networks see, which is told to it here."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Iterator, List, Optional, Sequence, Tuple, cast

import numpy as np
import pytest

from fer_edge.detect import looks as looks_module
from fer_edge.detect.auto_search import FRAMES_APART, HELD, MOST_NEW, MOST_REGIONS, AutoSearch
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.known_faces import MOST_KNOWN, nearest
from fer_edge.detect.looks import MOST_CANDIDATES, MOST_NEAR, Looks, Searched
from fer_edge.detect.parts import Part, parts_for, parts_of, small_from
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.errors import ModelNotFound
from fer_edge.types import Box, Face, Image

IMAGE = np.full((1080, 1920, 3), 90, np.uint8)


def face(x: float, y: float, side: float = 40.0) -> Face:
    return Face(Box(x, y, side, side), 0.9, {"right_eye": (x + 10, y + 10), "left_eye": (x + 30, y + 10)})


class Told:
    """Looks at faces that the test names, and counts what a network would cost."""

    def __init__(self, *faces: Face) -> None:
        self.faces: Sequence[Face] = faces
        self.refused: List[Face] = []
        self.searched_whole = True
        self.seen_from_aside = True
        self.seen_in_place = True
        self.regions = 0
        self.wholes = 0
        self.parts: List[Part] = []
        self.stains: List[Face] = []
        """What the full-range network takes for faces, and a look refuses."""
        self.confirming: List[Face] = []

    def searched(self, image: Image, wanted: Search = EVERYTHING) -> Searched:
        return Searched(list(self.faces), self.refused, self.searched_whole)

    def whole(self, image: Image) -> List[Face]:
        self.wholes += 1
        small = small_from(image.shape[1], image.shape[0])
        return [one for one in self.faces if one.box.height >= small]

    def stands(self, image: Image, face: Face) -> bool:
        return True

    def again(self, image: Image, expected: Face, aside: float = 0.0) -> Optional[Face]:
        self.regions += 1
        seen = self.seen_from_aside if aside else self.seen_in_place
        return nearest(self.faces, expected) if seen else None

    def confirmed(self, image: Image, candidate: Face) -> Optional[Face]:
        self.regions += 2
        self.confirming.append(candidate)
        return nearest(self.faces, candidate)

    def candidates(self, image: Image, part: Part) -> List[Face]:
        self.parts.append(part)
        return [*self.faces, *self.stains]


def search_with(told: Told, wanted: Search = EVERYTHING, hold: bool = False) -> AutoSearch:
    return AutoSearch(cast(Looks, told), wanted, hold)


def test_a_known_face_that_lies_badly_in_one_region_is_found_in_another() -> None:
    told = Told(face(300, 200))
    search = search_with(told)
    search.look(IMAGE, 0.0)
    told.seen_in_place = False
    (found,) = search.look(IMAGE, 0.1)
    assert not found.predicted
    told.seen_from_aside = False
    assert search.look(IMAGE, 0.2) == ()


def test_a_face_that_is_missed_is_told_as_predicted_for_a_moment_where_nobody_follows_it() -> None:
    told = Told(face(300, 200))
    search = search_with(told, hold=True)
    search.look(IMAGE, 0.0)
    (found,) = search.look(IMAGE, 0.1)
    assert not found.predicted
    told.faces = ()
    held = [search.look(IMAGE, 0.1 + passed) for passed in (0.05, 0.15, HELD + 0.01)]
    assert [[one.predicted for one in faces] for faces in held] == [[True], [True], []]
    told.faces = (face(300, 200),)
    (found,) = search.look(IMAGE, 0.4)
    assert not found.predicted


def test_a_face_whose_turn_it_is_not_is_marked_as_predicted() -> None:
    told = Told(*(face(60 + 90 * n, 500) for n in range(20)))
    search = search_with(told)
    search.look(IMAGE, 0.0)
    for frame in range(1, 15):
        found = search.look(IMAGE, frame / 15)
        assert len(found) == 20
        assert sum(not one.predicted for one in found) <= MOST_REGIONS


def test_a_crowd_costs_few_looks_in_each_frame_and_nobody_is_forgotten() -> None:
    told = Told(*(face(60 + 28 * n, 100 + 200 * (n % 4)) for n in range(MOST_KNOWN)))
    search = search_with(told)
    search.look(IMAGE, 0.0)
    for frame in range(1, 60):
        told.regions = told.wholes = 0
        told.parts.clear()
        # All moves, so that every part is to be looked at.
        assert len(search.look(np.full_like(IMAGE, 90 + 80 * (frame % 2)), frame / 15)) == MOST_KNOWN
        assert told.regions <= math.ceil(MOST_KNOWN / FRAMES_APART)
        assert told.wholes + len(told.parts) <= 1


@pytest.mark.parametrize("count", [4, 20, 60])
def test_in_a_crowd_each_face_is_looked_at_twice_a_second(count: int) -> None:
    search = search_with(Told(*(face(60 + 28 * n, 100 + 200 * (n % 4)) for n in range(count))))
    search.look(IMAGE, 0.0)
    seen = set()
    for frame in range(1, FRAMES_APART + 3):
        seen |= {one.box for one in search.look(IMAGE, frame / 15) if not one.predicted}
    assert len(seen) == count


def test_a_large_face_is_looked_for_in_the_whole_frame_each_time_also_in_a_crowd() -> None:
    told = Told(face(800, 600, 400.0), *(face(60 + 90 * n, 100) for n in range(10)))
    search = search_with(told)
    search.look(IMAGE, 0.0)
    for frame in range(1, 5):
        search.look(IMAGE, frame / 15)
        assert told.wholes == frame


def test_a_thousand_candidates_take_no_more_looks_than_a_few() -> None:
    told = Told()
    search = search_with(told)
    search.look(IMAGE, 0.0)
    told.faces = [face(1 + 45 * (n % 40), 1 + 42 * (n // 40)) for n in range(1000)]
    told.seen_in_place = told.seen_from_aside = False
    for frame in range(1, 40):
        told.regions = 0
        search.look(np.full_like(IMAGE, 90 + 80 * (frame % 2)), frame / 15)
        assert told.regions <= 2 * MOST_NEW + math.ceil(MOST_KNOWN / FRAMES_APART)
    assert len(search._known) <= MOST_KNOWN


@pytest.mark.parametrize("whole", [True, False])
def test_a_first_search_that_had_too_much_to_look_at_goes_on_in_the_next_frames(whole: bool) -> None:
    told = Told()
    told.searched_whole = whole
    search = search_with(told)
    # Nothing moves, so that parts that were looked at are not due yet.
    for frame in range(22):
        search.look(IMAGE, frame / 15)
    assert len(told.parts) == (0 if whole else len(parts_of(1920, 1080)))


def test_where_a_look_was_in_vain_no_other_is_taken_while_the_place_stays_as_it_is() -> None:
    told, stains = Told(), [face(300, 200), face(500, 200)]
    told.refused = stains[:1]
    search = search_with(told)
    search.look(IMAGE, 0.0)
    told.stains = stains
    for frame in range(1, 60):
        # What moves lies elsewhere.
        image = IMAGE.copy()
        image[100:140, 20 * (frame % 2) :][:, :40] = 250
        search.look(image, frame / 15)
    assert told.parts
    assert told.confirming == stains[1:]
    image[150:300, 250:600] = 10
    for frame in range(60, 70):
        search.look(image, frame / 15)
    assert sorted(told.confirming[1:], key=lambda one: one.box.x) == stains


def test_time_may_stand_still_and_go_back() -> None:
    told = Told(face(300, 200))
    search = search_with(told)
    for at in (5.0, 5.0, 5.0, 1.0, 1.1, float("nan"), 2.0):
        assert len(search.look(IMAGE, at)) == 1


def test_what_moved_before_the_clock_went_back_does_not_count_as_moving() -> None:
    told = Told()
    search = search_with(told)
    for frame in range(4):
        search.look(np.full_like(IMAGE, 90 + 80 * (frame % 2)), 100 + frame / 15)
    assert told.parts
    search.look(IMAGE, 1.0)
    told.parts.clear()
    for frame in range(1, 15):
        search.look(IMAGE, 1 + frame / 15)
    assert not told.parts


def test_only_parts_that_may_show_a_wanted_face_are_looked_at() -> None:
    told = Told(face(100, 100), face(1700, 900))
    wanted = Search(regions=(((1500, 800), (1900, 800), (1900, 1060), (1500, 1060)),))
    search = search_with(told, wanted)
    for frame in range(60):
        search.look(np.full_like(IMAGE, 90 + 80 * (frame % 2)), frame / 15)
    assert told.parts
    assert all(part.right > 1500 and part.bottom > 800 for part in told.parts)


@pytest.mark.parametrize(("min_face", "count"), [(0, 9), (100, 9), (230, 1), (600, 0)])
def test_parts_that_are_too_fine_for_the_least_face_are_not_looked_at(min_face: int, count: int) -> None:
    assert len(parts_for(1920, 1080, Search(min_face=min_face))) == count


@pytest.fixture
def looks() -> Iterator[Looks]:
    built = Looks()
    yield built
    built.close()


@pytest.mark.parametrize(
    ("far", "first", "second", "begins"),
    [
        (0.15, 0.8, 0.8, True),
        (0.15, 0.65, 0.65, False),
        (0.6, 0.65, 0.65, True),
        (0.6, 0.7, 0.4, False),
        (0.6, 0.4, 0.7, False),
        (0.9, 0.9, None, False),
        (0.9, None, 0.9, False),
    ],
)
def test_a_new_small_face_begins_where_two_looks_and_the_other_network_are_sure_together(
    looks: Looks,
    monkeypatch: pytest.MonkeyPatch,
    far: float,
    first: Optional[float],
    second: Optional[float],
    begins: bool,
) -> None:
    one = face(300, 200)

    def again(image: Image, expected: Face, aside: float = 0.0) -> Optional[Face]:
        score = second if aside else first
        return None if score is None else replace(one, score=score)

    monkeypatch.setattr(looks, "again", again)
    begun = looks.confirmed(IMAGE, replace(one, score=far))
    assert (begun is not None) == begins
    assert begun is None or begun.score == first


def test_where_the_second_network_is_missing_the_first_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: List[str] = []

    class Short:
        def __init__(self, variant: str, threads: int, min_score: float) -> None:
            if variant == "full":
                raise ModelNotFound("There is none.", "Fetch it.")

        def close(self) -> None:
            closed.append("short")

    monkeypatch.setattr(looks_module, "BlazeFaceDetector", Short)
    with pytest.raises(ModelNotFound):
        Looks()
    assert closed == ["short"]


def test_a_part_full_of_what_looks_like_faces_for_a_moment_keeps_no_other_waiting() -> None:
    """Leaves in the wind, on the left: what is taken for a face lies elsewhere in each frame, and is none."""
    someone = face(1700, 500)
    places = np.random.default_rng(0)

    class Leaves(Told):
        def candidates(self, image: Image, part: Part) -> List[Face]:
            self.parts.append(part)
            leaves = [face(*place) for place in places.integers(0, 900, (40, 2)).astype(float)] if not part.left else []
            return [*leaves, *(one for one in self.faces if part.left < 1650 < part.right)]

        def confirmed(self, image: Image, candidate: Face) -> Optional[Face]:
            return candidate if candidate in self.faces else None

    told = Leaves()
    search = search_with(told)
    ground = places.integers(0, 256, IMAGE.shape, np.uint8)
    for frame in range(15):
        assert search.look(np.roll(ground, frame, axis=0), frame / 15) == ()
    told.faces = [someone]
    assert any(search.look(np.roll(ground, frame, axis=0), frame / 15) for frame in range(15, 30))


def test_what_a_network_finds_beyond_any_crowd_is_not_looked_at_again(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: List[int] = []
    many = tuple(face(45 * (n % 40), 42 * (n // 40)) for n in range(1000))

    def detect(self: BlazeFaceDetector, image: Image) -> Tuple[Face, ...]:
        runs.append(1)
        return many

    monkeypatch.setattr(BlazeFaceDetector, "detect", detect)
    searched = looks.searched(IMAGE)
    assert not searched.whole
    assert len(runs) <= 1 + MOST_NEAR + 2 * len(parts_of(1920, 1080)) + 2 * MOST_CANDIDATES
