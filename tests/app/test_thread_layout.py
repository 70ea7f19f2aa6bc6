"""Which threads work at once, by cores, cameras and settings."""

from __future__ import annotations

import logging
from typing import Optional

import pytest

from fer_edge.app.kept import layout_with
from fer_edge.app.layout import Layout, layout_of, warn_of_too_many_threads
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.settings import Settings


def layout(cores: int, cameras: int = 1, threads: Optional[int] = None) -> Layout:
    names = [f"c{number}=demo" for number in range(cameras)]
    return layout_of(Settings.of(camera=names, threads=threads), cores)


def test_one_core_has_one_thread_for_each_stage() -> None:
    assert layout(1) == layout(1, cameras=4) == Layout(1, 1, 1)


def test_each_core_has_a_thread_that_classifies_up_to_eight() -> None:
    assert [layout(cores).classify for cores in (1, 2, 4, 8, 16)] == [1, 2, 4, 8, 8]
    assert layout(64).threads == 1


def test_threads_that_are_asked_for_are_the_limit_whatever_the_cores() -> None:
    assert layout(4, threads=1) == Layout(1, 1, 1)
    assert layout(4, threads=3) == Layout(3, 1, 1)
    assert layout(2, threads=4) == Layout(4, 1, 1)


def test_beyond_eight_the_threads_that_are_asked_for_share_frames() -> None:
    assert layout(64, threads=32) == Layout(8, 4, 1)
    assert layout(64, threads=9) == Layout(8, 1, 1)


def test_cameras_are_detected_at_once_on_every_second_core_at_most() -> None:
    assert [layout(cores, cameras=3).detect for cores in (1, 2, 4, 8, 16)] == [1, 1, 2, 3, 3]
    assert layout(16).detect == 1


class Concurrent(FakeClassifier):
    concurrent = True


def test_what_is_given_stays_in_one_thread_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.app.layout.usable_cores", lambda: 8)
    asked = Settings.of(camera=["a=demo", "b=demo"])
    assert layout_with(asked, "blazeface", "fernet_r") == Layout(8, 1, 2)
    assert layout_with(asked, FakeDetector(), "fernet_r") == Layout(8, 1, 1)
    assert layout_with(asked, "blazeface", FakeClassifier()) == Layout(1, 1, 2)
    assert layout_with(asked, "blazeface", Concurrent()) == Layout(8, 1, 2)


def test_more_threads_than_cores_are_warned_of_with_both_numbers(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="fer_edge"):
        warn_of_too_many_threads(Settings.of(threads=2, detect_threads=2), cores=2)
        assert not caplog.messages
        warn_of_too_many_threads(Settings.of(threads=5), cores=2)
        warn_of_too_many_threads(Settings.of(detect_threads=3), cores=1)
    threads, detect_threads = caplog.messages
    assert threads.startswith("--threads 5 is more than the 2 cores")
    assert detect_threads.startswith("--detect-threads 3 is more than the 1 core ")
