"""What the tests of the sources share."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Iterator, List, Set

import pytest


def _open_files() -> Set[str]:
    found = set()
    for entry in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{entry} -> {os.readlink(f'/proc/self/fd/{entry}')}")
        except OSError:
            continue
    return found


def _children() -> List[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()


@pytest.fixture(autouse=True)
def _no_process_and_no_descriptor_outlives_a_test() -> Iterator[None]:
    before = _open_files()
    yield
    deadline = time.monotonic() + 3.0
    while (_children() or _open_files() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _children() == []
    assert _open_files() - before == set()
