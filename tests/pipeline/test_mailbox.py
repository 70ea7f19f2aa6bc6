from __future__ import annotations

import threading
import time
from typing import Callable, List, Tuple, cast

import pytest

from fer_edge.pipeline.mailbox import Closed, Delivery, Mailbox

LANE = "front"


def of_one_lane(clock: Callable[[], float] = time.monotonic, notify: Callable[[], None] = lambda: None) -> Mailbox[int]:
    return Mailbox([LANE], clock, notify)


def items(taken: object) -> List[int]:
    assert isinstance(taken, list)
    return [one.item for one in taken if one.item is not None]


def test_the_newest_item_replaces_the_one_that_waits_and_hands_it_back() -> None:
    mailbox = of_one_lane()
    assert mailbox.replace(LANE, 1) is None
    assert mailbox.replace(LANE, 2) == 1
    assert items(mailbox.take()) == [2]


def test_a_producer_that_puts_waits_until_the_last_item_was_taken() -> None:
    mailbox = of_one_lane()
    mailbox.put(LANE, 1)
    second = threading.Thread(target=mailbox.put, args=(LANE, 2), daemon=True)
    second.start()
    second.join(0.05)
    assert second.is_alive()
    first = mailbox.take()
    second.join(5)
    assert items(first) == [1]
    assert not second.is_alive()
    assert items(mailbox.take()) == [2]


def test_taking_in_vain_gives_nothing_after_the_timeout() -> None:
    assert of_one_lane().take(1, 0.01) == []


def test_what_was_left_before_the_end_is_still_delivered_then_the_end_with_its_error_once() -> None:
    mailbox, error = of_one_lane(), ValueError("the camera is gone")
    mailbox.put(LANE, 1)
    mailbox.finish(LANE, error)
    came = mailbox.take()
    assert [(one.item, one.error) for one in came] == [(1, None), (None, error)]
    with pytest.raises(Closed):
        mailbox.take()


def test_an_error_of_all_producers_together_comes_after_what_they_left() -> None:
    mailbox = of_one_lane()
    mailbox.put(LANE, 1)
    mailbox.fail(ValueError("the network is gone"))
    assert items(mailbox.take()) == [1]
    for _ in range(2):
        with pytest.raises(ValueError, match="network is gone"):
            mailbox.take()


def test_closing_wakes_both_sides_and_hands_back_what_nobody_will_take() -> None:
    empty = of_one_lane()
    full = of_one_lane()
    full.put(LANE, 1)
    outcomes: list[str] = []

    def expect_closed(action: object) -> None:
        try:
            action()  # type: ignore[operator]
        except Closed:
            outcomes.append("closed")

    waiting = [
        threading.Thread(target=expect_closed, args=(wait,), daemon=True)
        for wait in (
            empty.take,
            lambda: full.put(LANE, 2),
            lambda: full.wait_for_room(LANE),
            lambda: full.wait_until_wanted(LANE),
        )
    ]
    for thread in waiting:
        thread.start()
    assert empty.close() == []
    assert full.close() == [1]
    for thread in waiting:
        thread.join(5)
    assert outcomes == ["closed"] * 4
    with pytest.raises(Closed):
        full.replace(LANE, 3)


def test_an_item_knows_how_long_it_waited() -> None:
    now = [10.0]
    mailbox = of_one_lane(clock=lambda: now[0])
    mailbox.put(LANE, 7)
    now[0] = 10.25
    (only,) = mailbox.take()
    assert (only.lane, only.item, only.waited, only.error) == (LANE, 7, 0.25, None)


def begun(wait: Callable[[], object]) -> Tuple[threading.Thread, List[object]]:
    """Start to wait in a thread, and give what came of it."""
    came: List[object] = []

    def run() -> None:
        try:
            came.append(wait())
        except Closed:
            came.append(Closed)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, came


def test_work_on_an_item_begins_only_when_the_last_one_was_taken_or_is_about_to_be() -> None:
    mailbox = of_one_lane()
    mailbox.wait_for_room(LANE)
    mailbox.put(LANE, 1)
    waiting, came = begun(lambda: mailbox.wait_for_room(LANE))
    waiting.join(0.05)
    assert not came
    mailbox.take()
    waiting.join(5)
    assert came == [None]
    # Who has taken something is busy with it, and the next item has to wait again.
    mailbox.put(LANE, 2)
    waiting, came = begun(lambda: mailbox.wait_for_room(LANE))
    waiting.join(0.05)
    assert not came
    mailbox.close()
    waiting.join(5)
    assert came == [Closed]


def test_an_item_is_wanted_only_while_somebody_stands_there_for_it() -> None:
    mailbox = of_one_lane()
    assert mailbox.take(1, 0.01) == []
    waiting, came = begun(lambda: mailbox.wait_until_wanted(LANE))
    waiting.join(0.05)
    assert not came, "nobody waits any more"
    taking, taken = begun(lambda: mailbox.take(1, 5))
    waiting.join(5)
    assert came == [None]
    mailbox.put(LANE, 1)
    taking.join(5)
    assert items(taken[0]) == [1]


def test_an_end_wakes_who_waits_for_more() -> None:
    mailbox = of_one_lane()
    taking, came = begun(mailbox.take)
    taking.join(0.05)
    mailbox.finish(LANE)
    taking.join(5)
    (end,) = cast(List[Delivery[int]], came[0])
    assert (end.lane, end.item, end.error) == (LANE, None, None)


def test_the_first_error_is_the_one_that_is_told() -> None:
    mailbox = of_one_lane()
    mailbox.finish(LANE, ValueError("the camera is gone"))
    mailbox.finish(LANE, ValueError("what came of it"))
    mailbox.finish(LANE)
    (end,) = mailbox.take()
    assert "camera is gone" in str(end.error)


def test_an_item_that_waits_grows_older_and_none_has_no_age() -> None:
    now = [10.0]
    mailbox = of_one_lane(clock=lambda: now[0])
    assert mailbox.age(LANE) == 0.0
    mailbox.put(LANE, 7)
    now[0] = 12.5
    assert mailbox.age(LANE) == 2.5
    mailbox.take()
    assert mailbox.age(LANE) == 0.0


def test_one_who_looks_elsewhere_hears_of_every_item_and_of_the_end() -> None:
    told: List[str] = []
    mailbox = of_one_lane(notify=lambda: told.append("changed"))
    mailbox.put(LANE, 1)
    mailbox.replace(LANE, 2)
    mailbox.finish(LANE)
    mailbox.close()
    assert len(told) == 4


def test_who_stands_there_without_use_for_an_item_makes_no_room_for_another() -> None:
    mailbox = of_one_lane()
    mailbox.put(LANE, 1)
    use = threading.Event()
    taking, came = begun(lambda: mailbox.take(1, 20, lambda lane: use.is_set()))
    waiting, begins = begun(lambda: mailbox.wait_for_room(LANE))
    waiting.join(0.05)
    assert not begins, "work would begin on an item that has to wait"
    use.set()
    mailbox.wake()
    taking.join(5)
    waiting.join(5)
    assert items(came[0]) == [1]
    assert begins == [None]
