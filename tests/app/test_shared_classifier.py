"""One classifier for several threads, and what happens when one of them fails."""

from __future__ import annotations

import threading
from queue import Queue
from typing import List

import numpy as np
import pytest

from fer_edge.app.shared_classifier import SharedClassifier
from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.pipeline.stage_spec import NotNeeded


class Counted(FakeClassifier):
    def __init__(self, made: List[Counted], concurrent: bool) -> None:
        super().__init__()
        self.concurrent = concurrent
        self.closed = 0
        made.append(self)

    def close(self) -> None:
        self.closed += 1


def shared(made: List[Counted], workers: int, concurrent: bool = True) -> SharedClassifier:
    return SharedClassifier(lambda: Counted(made, concurrent), workers)


def test_all_workers_share_one_classifier_which_the_last_of_them_closes() -> None:
    made: List[Counted] = []
    source = shared(made, 3)
    taken: List[ExpressionClassifier] = [source.take() for _ in range(3)]
    (one,) = made
    crops = np.zeros((2, 64, 64, 3), np.uint8)
    assert all(
        np.array_equal(each.classify(crops)[0].probabilities, one.classify(crops)[0].probabilities) for each in taken
    )
    for each in taken[:2]:
        each.close()
        each.close()
        assert not one.closed
    taken[2].close()
    assert one.closed == 1


def test_what_belongs_to_one_thread_is_given_to_no_second_one() -> None:
    made: List[Counted] = []
    source = shared(made, 3, concurrent=False)
    source.take()
    for _ in range(2):
        with pytest.raises(NotNeeded):
            source.take()
    assert len(made) == 1


def test_what_is_built_anew_is_another_one_and_the_others_go_on_with_theirs() -> None:
    made: List[Counted] = []
    source = shared(made, 2)
    first, second = source.take(), source.take()
    first.close()
    anew = source.take()
    assert len(made) == 2
    assert [one.closed for one in made] == [0, 0]
    second.close()
    anew.close()
    assert [one.closed for one in made] == [1, 1]


def test_the_only_thread_of_what_belongs_to_it_may_build_it_anew_though_the_old_one_hangs() -> None:
    made: List[Counted] = []
    source = shared(made, 2, concurrent=False)
    source.take()
    with pytest.raises(NotNeeded):
        source.take()
    source.take()
    assert len(made) == 2


def test_a_worker_that_comes_when_the_others_have_closed_theirs_gets_one_that_is_open() -> None:
    made: List[Counted] = []
    source = shared(made, 2)
    source.take().close()
    late = source.take()
    assert [one.closed for one in made] == [1, 0]
    late.close()
    assert [one.closed for one in made] == [1, 1]


def test_a_build_that_hangs_holds_up_nobody_who_builds_anew() -> None:
    hangs, left = threading.Event(), threading.Event()

    def build() -> ExpressionClassifier:
        if threading.current_thread() is hanging:
            hangs.set()
            left.wait()
        return FakeClassifier()

    source = SharedClassifier(build, 1)
    hanging = threading.Thread(target=source.take)
    source.take()
    hanging.start()
    try:
        assert hangs.wait(10)
        again: Queue[ExpressionClassifier] = Queue()
        waiting = threading.Thread(target=lambda: again.put(source.take()), daemon=True)
        waiting.start()
        assert again.get(timeout=10)
        waiting.join()
    finally:
        left.set()
        hanging.join()
