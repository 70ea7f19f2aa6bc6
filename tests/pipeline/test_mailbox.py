from __future__ import annotations

import threading
from typing import Callable, List, Tuple

import pytest

from fer_edge.pipeline.mailbox import Closed, Mailbox


def test_the_newest_item_replaces_the_one_that_waits_and_hands_it_back() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert mailbox.replace(1) is None
    assert mailbox.replace(2) == 1
    taken = mailbox.take()
    assert taken is not None
    assert taken[0] == 2


def test_a_producer_that_puts_waits_until_the_last_item_was_taken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    second = threading.Thread(target=mailbox.put, args=(2,), daemon=True)
    second.start()
    second.join(0.05)
    assert second.is_alive()
    first = mailbox.take()
    second.join(5)
    assert first is not None
    assert first[0] == 1
    assert not second.is_alive()
    last = mailbox.take()
    assert last is not None
    assert last[0] == 2


def test_taking_in_vain_gives_nothing_after_the_timeout() -> None:
    assert Mailbox[int]().take(0.01) is None


def test_what_was_left_before_the_end_is_still_delivered_then_the_error() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.finish(ValueError("the camera is gone"))
    assert mailbox.take() is not None
    with pytest.raises(ValueError, match="camera is gone"):
        mailbox.take()


def test_closing_wakes_both_sides_and_hands_back_what_nobody_will_take() -> None:
    empty: Mailbox[int] = Mailbox()
    full: Mailbox[int] = Mailbox()
    full.put(1)
    outcomes: list[str] = []

    def expect_closed(action: object) -> None:
        try:
            action()  # type: ignore[operator]
        except Closed:
            outcomes.append("closed")

    waiting = [
        threading.Thread(target=expect_closed, args=(wait,), daemon=True)
        for wait in (empty.take, lambda: full.put(2), full.wait_for_room, full.wait_until_wanted)
    ]
    for thread in waiting:
        thread.start()
    assert empty.close() is None
    assert full.close() == 1
    for thread in waiting:
        thread.join(5)
    assert outcomes == ["closed"] * 4
    with pytest.raises(Closed):
        full.replace(3)


def test_an_item_knows_how_long_it_waited() -> None:
    now = [10.0]
    mailbox: Mailbox[str] = Mailbox(clock=lambda: now[0])
    mailbox.put("frame")
    now[0] = 10.25
    assert mailbox.take() == ("frame", 0.25)


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
    mailbox: Mailbox[int] = Mailbox()
    mailbox.wait_for_room()
    mailbox.put(1)
    waiting, came = begun(mailbox.wait_for_room)
    waiting.join(0.05)
    assert not came
    mailbox.take()
    waiting.join(5)
    assert came == [None]
    # Who has taken something is busy with it, and the next item has to wait again.
    mailbox.put(2)
    waiting, came = begun(mailbox.wait_for_room)
    waiting.join(0.05)
    assert not came
    mailbox.close()
    waiting.join(5)
    assert came == [Closed]


def test_an_item_is_wanted_only_while_somebody_stands_there_for_it() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert mailbox.take(0.01) is None
    waiting, came = begun(mailbox.wait_until_wanted)
    waiting.join(0.05)
    assert not came, "nobody waits any more"
    taking, taken = begun(lambda: mailbox.take(5))
    waiting.join(5)
    assert came == [None]
    mailbox.put(1)
    taking.join(5)
    assert [one[0] for one in taken if isinstance(one, tuple)] == [1]


def test_an_end_wakes_who_waits_for_more() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taking, came = begun(mailbox.take)
    taking.join(0.05)
    mailbox.finish()
    taking.join(5)
    assert came == [Closed]


def test_the_first_error_is_the_one_that_is_told() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.finish(ValueError("the camera is gone"))
    mailbox.finish(ValueError("what came of it"))
    mailbox.finish()
    with pytest.raises(ValueError, match="camera is gone"):
        mailbox.take()


def test_an_item_that_waits_grows_older_and_none_has_no_age() -> None:
    now = [10.0]
    mailbox: Mailbox[str] = Mailbox(clock=lambda: now[0])
    assert mailbox.age() == 0.0
    mailbox.put("frame")
    now[0] = 12.5
    assert mailbox.age() == 2.5
    mailbox.take()
    assert mailbox.age() == 0.0


def test_one_who_looks_elsewhere_hears_of_every_item_and_of_the_end() -> None:
    told: List[str] = []
    mailbox: Mailbox[int] = Mailbox(notify=lambda: told.append("changed"))
    mailbox.put(1)
    mailbox.replace(2)
    mailbox.finish()
    mailbox.close()
    assert len(told) == 4
