from __future__ import annotations

import threading
from typing import Callable, Iterator

import pytest


@pytest.fixture
def hang() -> Iterator[Callable[[], bool]]:
    """Give a call that does not return before the test ends."""
    end = threading.Event()

    def call() -> bool:
        end.wait(30)
        return False

    yield call
    end.set()
