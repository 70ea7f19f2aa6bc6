"""The process in which libraries written in C meet what might end it."""

from __future__ import annotations

from typing import Iterator

import pytest
from victim import Victim


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with Victim() as started:
        yield started
