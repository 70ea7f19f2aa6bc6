"""What each person showed, out of the states."""

from __future__ import annotations

import pytest

from fer_edge.recordings.pages.frame_sums import FrameSteps
from fer_edge.recordings.pages.people import NOBODY, along, longest_seen, people_of
from fer_edge.recordings.pages.reading import State
from fer_edge.types import LABELS

HAPPY, SAD = LABELS.index("happy"), LABELS.index("sad")
STATES = [
    State(2, "sad", 3.0, 4.0, 0.7),
    State(1, "happy", 0.0, 2.4, 0.9),
    State(1, "sad", 2.4, 3.0, 0.8),
    State(1, "happy", 5.0, 5.0, None),
]


def test_people_come_in_the_order_in_which_they_were_first_seen() -> None:
    first, second = people_of(STATES, {1: 0.5})
    assert (first.track, first.first, first.last, first.states) == (1, 0.0, 5.0, 3)
    assert first.seen == pytest.approx(3.0), "and not the time away"
    assert first.shares["happy"] == pytest.approx(0.8)
    assert (first.valence, second.valence) == (0.5, None)


def test_of_many_those_who_were_seen_longest_are_chosen() -> None:
    people = people_of([*STATES, State(3, "fear", 0.1, 9.0, 0.5)], {})
    assert [person.track for person in longest_seen(people, 2)] == [1, 3]


def test_a_step_shows_what_was_shown_longest_in_it_and_nothing_of_who_was_away() -> None:
    steps = FrameSteps(1.0, 6, 6.0, pictures=False, longest=2.0)
    rows = along(people_of(STATES, {}), STATES, steps)
    assert rows[0].tolist() == [HAPPY, HAPPY, SAD, NOBODY, NOBODY, HAPPY], "also a state without a length"
    assert rows[1].tolist() == [NOBODY, NOBODY, NOBODY, SAD, NOBODY, NOBODY]


def test_a_state_that_ends_behind_the_recording_stays_on_the_page() -> None:
    steps = FrameSteps(1.0, 2, 2.0, pictures=False, longest=2.0)
    states = [State(1, "sad", 1.5, 99.0, 0.5), State(1, "happy", 50.0, 51.0, 0.5)]
    assert along(people_of(states, {}), states, steps).shape == (1, 2)
