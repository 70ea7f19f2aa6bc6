"""OpenCV's own threads: none beside those of the program, and in somebody else's program as many as before."""

from __future__ import annotations

from typing import Iterator, List

import cv2
import pytest

import fer_edge
from fer_edge.__main__ import main

FOUND = 3
DEMO = ("--camera", "demo", "--size", "160x120", "--frames", "3")


@pytest.fixture(autouse=True)
def threads_as_found() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(FOUND)
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize("verb", [["--display", "none"], ["--benchmark", "--warm-up", "0"]], ids=["watch", "benchmark"])
def test_the_program_has_opencv_compute_in_the_thread_that_calls_it(
    verb: List[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["fer-edge", *DEMO, *verb])
    assert main() == 0
    assert cv2.getNumThreads() == 1


def test_the_library_leaves_opencv_as_it_is() -> None:
    with fer_edge.watch("demo", size="160x120") as session:
        assert next(iter(session)).frame.index == 0
    assert cv2.getNumThreads() == FOUND
