"""What every test gets: a check that no thread outlives it, and the way to optional material. And how files are shared out."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional

import hypothesis
import pytest
from tiers import LONGEST, SLOW

TESTS = Path(__file__).parent

# Before any test can load ONNX Runtime, which else reports to its maker; programs that tests start inherit it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# How long an example takes says more of what else the machine does than of the program.
hypothesis.settings.register_profile("fer-edge", deadline=None)
hypothesis.settings.load_profile("fer-edge")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only the tests that take under a minute together")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> Optional[bool]:
    # A file that is not collected is not imported either: PyTorch alone takes seconds.
    place = collection_path.relative_to(TESTS).as_posix() if TESTS in collection_path.parents else ""
    return True if config.getoption("--quick") and place in SLOW else None


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    if config.getoption("--quick"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process of ``-n`` whole files, the longest first, so that none is left alone with one at the end."""
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            # The faults run beside each other in one process already.
            return "tests/faults" if nodeid.startswith("tests/faults/") else super()._split_scope(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            longest = next((place for place in LONGEST if f"tests/{place}" in self.workqueue), None)
            if longest is not None:
                self.workqueue.move_to_end(f"tests/{longest}", last=False)
            super()._assign_work_unit(node)

    return LongestFirst(config, log)


@pytest.fixture(autouse=True)
def _no_thread_outlives_a_test() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 20.0  # a busy machine may take a while to end one
    left = [thread for thread in threading.enumerate() if thread not in before]
    while left and time.monotonic() < deadline:
        left[0].join(0.1)
        left = [thread for thread in threading.enumerate() if thread not in before]
    assert not left, f"threads outlive the test: {[thread.name for thread in left]}"


@pytest.fixture(autouse=True)
def _no_log_goes_to_the_captured_streams_of_an_earlier_test() -> Iterator[None]:
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        # Those that the program sets up; pytest's own are of other kinds.
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike those of pytest, which it closes again whenever it starts."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def shared() -> Path:
    """A folder with clips, models and data that are not part of the project."""
    folder = os.environ.get("FER_EDGE_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip("FER_EDGE_SHARED does not name a folder with clips, models and data")
    return Path(folder)
