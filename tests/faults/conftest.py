"""Lets the tests of this folder run side by side, as nearly all of their time is waiting for a fault to be noticed."""

from __future__ import annotations

import inspect
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

import pytest
from fault_report import Report
from fault_server import NetworkCamera
from programs import Program

AT_ONCE = 6
LONGEST = 400.0
HERE = Path(__file__).parent


class Bench:
    """What one test works with: everything that it starts is ended with it."""

    def __init__(self, folder: Path, report: Report, stack: ExitStack) -> None:
        self.folder = folder
        self.report = report
        self._stack = stack

    def camera(self, mode: str = "play") -> NetworkCamera:
        camera = NetworkCamera(mode)
        self._stack.callback(camera.close)
        return camera

    def program(self, *arguments: str, **options: Any) -> Program:
        program = Program(self.folder, *arguments, **options)
        self._stack.callback(program.kill)
        return program

    def at_the_end(self, *what: Any) -> None:
        self._stack.callback(*what)


@pytest.fixture(autouse=True)
def _no_thread_outlives_a_test() -> None:
    """Leave it to `_side_by_side`: here, the threads of other tests are at work as well."""


@pytest.fixture(scope="session")
def _side_by_side(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, Any]]:
    before = set(threading.enumerate())
    report = Report()
    futures: Dict[str, Future[None]] = {}

    def work(number: int, item: pytest.Function, folder: Path) -> None:
        report.begin(number, item.path.stem)
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        with ExitStack() as stack:
            item.obj(Bench(folder, report, stack), **parameters)

    pool = ThreadPoolExecutor(AT_ONCE)
    for number, item in enumerate(request.session.items):
        if isinstance(item, pytest.Function) and _is_for_us(item):
            futures[item.nodeid] = pool.submit(work, number, item, tmp_path_factory.mktemp(f"fault{number}"))
    yield futures
    for future in futures.values():
        future.cancel()
    pool.shutdown()
    report.write()
    assert set(threading.enumerate()) <= before


def _is_for_us(item: pytest.Function) -> bool:
    skipped = any(mark.args and mark.args[0] for mark in item.iter_markers("skipif"))
    return item.path.parent == HERE and "bench" in inspect.signature(item.obj).parameters and not skipped


@pytest.fixture
def bench(request: pytest.FixtureRequest, _side_by_side: Dict[str, Any]) -> Any:
    """Give what the test has become: work that is under way already."""
    return _side_by_side[request.node.nodeid]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Optional[bool]:
    """Wait for the outcome of a test that runs beside others, in the place where it would run by itself."""
    future = pyfuncitem.funcargs.get("bench")
    if not isinstance(future, Future):
        return None
    future.result(LONGEST)
    return True
