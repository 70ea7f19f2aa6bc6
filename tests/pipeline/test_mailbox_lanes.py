"""What several lanes may count on that share a mailbox."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import Deque, Dict, List, Optional, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from waiting import wait_until

from fer_edge.pipeline.mailbox import Closed, Delivery, Mailbox

LANES = ("front", "door", "yard")
of_a_lane = st.sampled_from(LANES)


def told(taken: List[Delivery[int]]) -> List[Tuple[str, object]]:
    return [(one.lane, one.item) for one in taken]


class MailboxLaws(RuleBasedStateMachine):
    """Compares a mailbox with a plain line of what waits, the longest-waiting first."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: Mailbox[int] = Mailbox(LANES)
        self.line: List[Tuple[str, int]] = []
        self.finished: Set[str] = set()
        self.told: Set[str] = set()
        self.number = 0

    def waits(self, lane: str) -> bool:
        return any(one == lane for one, _ in self.line)

    @rule(lane=of_a_lane)
    def put(self, lane: str) -> None:
        if lane not in self.finished and not self.waits(lane):
            self.number += 1
            self.mailbox.put(lane, self.number)
            self.line.append((lane, self.number))

    @rule(lane=of_a_lane)
    def replace(self, lane: str) -> None:
        if lane in self.finished:
            return
        self.number += 1
        before = [number for one, number in self.line if one == lane]
        assert self.mailbox.replace(lane, self.number) == (before[0] if before else None)
        if before:
            self.line = [(one, self.number if one == lane else number) for one, number in self.line]
        else:
            self.line.append((lane, self.number))

    @rule(lane=of_a_lane)
    def finish(self, lane: str) -> None:
        self.mailbox.finish(lane)
        self.finished.add(lane)

    @rule(most=st.integers(1, 4), wanted=st.sets(of_a_lane, min_size=1))
    @precondition(lambda self: len(self.told) < len(LANES))
    def take(self, most: int, wanted: Set[str]) -> None:
        came = self.mailbox.take(most, 0.0, wanted.__contains__)
        items = [(one.lane, one.item) for one in came if one.item is not None]
        ends = {one.lane for one in came if one.item is None}
        assert items == [one for one in self.line if one[0] in wanted][:most], "in the order in which they waited"
        self.line = [one for one in self.line if one not in items]
        assert ends == {lane for lane in self.finished - self.told if not self.waits(lane)}, (
            "each once, after its items"
        )
        self.told |= ends

    @invariant()
    def room_is_where_nothing_waits(self) -> None:
        for lane in LANES:
            assert self.mailbox.has_room(lane) == (not self.waits(lane))

    def teardown(self) -> None:
        left = self.mailbox.close()
        assert left == [number for _, number in self.line], "nothing is lost that nobody took"


MailboxLaws.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestMailboxLaws = MailboxLaws.TestCase


def test_a_lane_that_floods_keeps_its_one_place_in_the_line() -> None:
    mailbox: Mailbox[int] = Mailbox(LANES)
    mailbox.replace("front", 0)
    mailbox.put("door", 100)
    for number in range(1, 50):
        assert mailbox.replace("front", number) == number - 1
    assert told(mailbox.take()) == [("front", 49)], "a newer frame waits where the older one did"
    mailbox.replace("front", 50)
    assert told(mailbox.take()) == [("door", 100)]
    assert told(mailbox.take()) == [("front", 50)]


def test_who_has_no_room_for_a_lane_takes_the_others_and_is_woken_when_there_is_room() -> None:
    before: Mailbox[int] = Mailbox(LANES)
    behind: Mailbox[int] = Mailbox(LANES)
    behind.upstream = before
    for number, lane in enumerate(LANES):
        before.put(lane, number)
    behind.put("front", 100)
    assert told(before.take(3, 0.0, behind.has_room)) == [("door", 1), ("yard", 2)]
    came: List[List[Delivery[int]]] = []
    waiting = threading.Thread(target=lambda: came.append(before.take(3, 20.0, behind.has_room)), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    assert told(behind.take(1)) == [("front", 100)]
    waiting.join(20)
    assert [told(one) for one in came] == [[("front", 0)]]


def test_a_batch_is_what_waits_and_nobody_waits_for_more() -> None:
    mailbox: Mailbox[int] = Mailbox(LANES)
    mailbox.put("door", 1)
    assert told(mailbox.take(8)) == [("door", 1)]
    mailbox.put("yard", 2)
    mailbox.put("front", 3)
    assert told(mailbox.take(8)) == [("yard", 2), ("front", 3)]


def test_an_end_does_not_wait_behind_a_lane_for_which_there_is_no_room() -> None:
    mailbox: Mailbox[int] = Mailbox(LANES)
    mailbox.put("front", 1)
    mailbox.finish("door")
    assert told(mailbox.take(1, 20.0, lambda lane: lane != "front")) == [("door", None)]


@given(st.lists(st.tuples(of_a_lane, st.booleans()), min_size=1, max_size=60))
def test_every_item_is_taken_once_or_handed_back(script: List[Tuple[str, bool]]) -> None:
    mailbox: Mailbox[int] = Mailbox(LANES)
    out: List[int] = []
    for number, (lane, live) in enumerate(script):
        if live:
            displaced = mailbox.replace(lane, number)
            out += [] if displaced is None else [displaced]
        else:
            while not mailbox.has_room(lane):
                out += [one.item for one in mailbox.take() if one.item is not None]
            mailbox.put(lane, number)
    out += mailbox.close()
    assert sorted(out) == list(range(len(script)))


@pytest.mark.parametrize("choosy", [False, True], ids=["takes all", "takes one lane at a time"])
def test_no_wake_up_is_lost_between_many_producers_two_mailboxes_and_a_consumer(choosy: bool) -> None:
    """Whoever misses one waits for ever, which the joins below find."""
    each = 400
    first: Mailbox[int] = Mailbox(LANES)
    second: Mailbox[int] = Mailbox(LANES)
    second.upstream = first
    seen: Dict[str, List[int]] = {lane: [] for lane in LANES}

    def produce(lane: str) -> None:
        for number in range(each):
            first.wait_for_room(lane)
            first.put(lane, number)
        first.finish(lane)

    def carry() -> None:
        ends: Deque[str] = deque()
        while len(ends) < len(LANES):
            for one in first.take(2, None, second.has_room):
                if one.item is None:
                    ends.append(one.lane)
                    second.finish(one.lane)
                else:
                    second.put(one.lane, one.item)

    def consume() -> None:
        turn = 0
        while True:
            turn += 1
            try:
                came = second.take(1, 0.001, LANES[turn % len(LANES)].__eq__) if choosy else second.take()
            except Closed:
                return
            for one in came:
                if one.item is not None:
                    seen[one.lane].append(one.item)

    threads = [threading.Thread(target=produce, args=(lane,), daemon=True) for lane in LANES]
    threads += [threading.Thread(target=work, daemon=True) for work in (carry, consume)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    stuck = any(thread.is_alive() for thread in threads)
    for mailbox in (first, second):
        mailbox.close()
    assert not stuck
    assert seen == {lane: list(range(each)) for lane in LANES}


def test_consumers_with_lanes_of_their_own_get_these_with_their_ends_and_nothing_else() -> None:
    box: Mailbox[int] = Mailbox(["a", "b"])
    box.put("a", 1)
    box.put("b", 2)
    box.finish("b")
    assert box.take(2, 0.0, None, {"a"})[0].item == 1
    assert [(one.lane, one.item) for one in box.take(2, 0.0, None, {"b"})] == [("b", 2), ("b", None)]
    with pytest.raises(Closed):
        box.take(2, 0.0, None, {"b"})
    box.finish("a")
    assert [(one.lane, one.item) for one in box.take(2, 0.0, None, {"a"})] == [("a", None)]
    with pytest.raises(Closed):
        box.take(2, 0.0, None, {"a"})


def test_the_end_of_a_lane_is_told_to_the_consumer_that_has_it_alone() -> None:
    box: Mailbox[int] = Mailbox(["a", "b"])
    box.finish("b")
    assert box.take(2, 0.0, None, {"a"}) == []
    assert [(one.lane, one.item) for one in box.take(2, 0.0, None, {"b"})] == [("b", None)]


def test_each_of_several_consumers_is_woken_for_its_own_lane() -> None:
    box: Mailbox[int] = Mailbox(["a", "b"])
    got: Dict[str, Optional[int]] = {}

    def consume(lane: str) -> None:
        with suppress(Closed):
            (delivery,) = box.take(1, None, None, {lane})
            got[delivery.lane] = delivery.item

    threads = [threading.Thread(target=consume, args=(lane,)) for lane in ("a", "b")]
    for lane, thread in zip(("a", "b"), threads):
        thread.start()
        box.wait_until_wanted(lane)
    try:
        box.put("a", 0)
        wait_until(lambda: got == {"a": 0})
        box.put("b", 1)
        wait_until(lambda: got == {"a": 0, "b": 1})
    finally:
        box.close()
        for thread in threads:
            thread.join()
