from __future__ import annotations

import json
from typing import List

from fer_edge.sinks.mqtt.messages import Message
from fer_edge.sinks.mqtt.outbox import Outbox


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def event(number: int) -> Message:
    return Message("a/event", json.dumps({"id": number, "repeated": False}, separators=(",", ":")), retain=False)


def state(payload: str, topic: str = "a/persons") -> Message:
    return Message(topic, payload)


def taken(outbox: Outbox) -> List[Message]:
    return list(iter(outbox.next, None))


def test_events_come_in_their_order_and_of_too_many_the_oldest_are_dropped_and_counted() -> None:
    outbox = Outbox(most=3)
    for number in range(5):
        outbox.add(event(number))
    assert [json.loads(one.payload)["id"] for one in taken(outbox)] == [2, 3, 4]
    assert outbox.dropped == 2


def test_an_event_that_may_have_arrived_comes_first_again_and_says_so_and_one_that_did_arrive_does_not() -> None:
    outbox = Outbox(most=10)
    for number in range(4):
        outbox.add(event(number))
    for number in range(3):
        message = outbox.next()
        assert message is not None
        outbox.sent(number, message)
    outbox.confirmed(0)
    assert len(outbox) == 3
    outbox.connection_lost()
    again = [json.loads(one.payload) for one in taken(outbox)]
    assert again == [{"id": 1, "repeated": True}, {"id": 2, "repeated": True}, {"id": 3, "repeated": False}]


def test_the_bound_holds_as_well_for_events_that_come_back() -> None:
    outbox = Outbox(most=2)
    outbox.add(event(0))
    message = outbox.next()
    assert message is not None
    outbox.sent(1, message)
    outbox.add(event(1))
    outbox.add(event(2))
    outbox.connection_lost()
    assert [json.loads(one.payload)["id"] for one in taken(outbox)] == [1, 2]
    assert outbox.dropped == 1


def test_a_state_is_told_where_it_changed_and_not_more_often_than_is_asked_and_the_newest_counts() -> None:
    clock = Clock()
    outbox = Outbox(clock=clock)
    assert outbox.state(state("1"), every=5.0)
    assert taken(outbox) == [state("1")]
    assert not outbox.state(state("1"), every=5.0)
    outbox.state(state("2"), every=5.0)
    outbox.state(state("3"), every=5.0)
    assert taken(outbox) == []
    assert outbox.due_in(60.0) == 5.0
    clock.now += 5.0
    assert taken(outbox) == [state("3")]


def test_after_an_outage_all_states_are_told_anew_in_the_order_in_which_they_were_first_told() -> None:
    outbox = Outbox()
    outbox.state(state("online", "a/availability"))
    outbox.state(state("1"))
    for number, message in enumerate(taken(outbox)):
        outbox.sent(number, message)
    outbox.add(event(1))
    outbox.connection_lost()
    assert [one.topic for one in taken(outbox)] == ["a/availability", "a/persons", "a/event"]
