"""What runs on the machines of a Ray cluster.

`facts_reader` and `board_class` return what is defined within them, which travels as it is: a machine that has no fer-edge, or
another one, can run it all the same.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any, Callable, Dict, Tuple

from fer_edge.recordings.jobs import AnalysisJob, Asked
from fer_edge.recordings.messages import DONE, FAILED

TELL_SECONDS = 0.5
"""Between two words of a task on how far it is."""


def facts_reader() -> Callable[[bytes], Dict[str, Any]]:
    """Return what finds out what a machine has."""

    def read_facts(needed: bytes) -> Dict[str, Any]:
        import socket
        import sys

        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        facts: Dict[str, Any] = {"host": socket.gethostname(), "python": python, "version": ""}
        try:
            from fer_edge.version import __version__

            facts["version"] = __version__
            import pickle

            from fer_edge.recordings.cluster.node_facts import facts_of

            return facts_of(pickle.loads(needed))  # noqa: S301  (the run sent it)
        except Exception as error:  # noqa: BLE001  (whatever is wrong there is told)
            facts["reason"] = f"{type(error).__name__}: {error}"[:300]
            return facts

    return read_facts


def board_class() -> Any:
    """Return the class of the actor to which tasks tell how far they are; it keeps the last word of each."""

    class Board:
        def __init__(self) -> None:
            self._said: Dict[int, Tuple[int, str, int, int, float]] = {}

        def begin(self, number: int, node: str) -> None:
            starts = self._said[number][0] if number in self._said else 0
            self._said[number] = (starts + 1, node, 0, 0, 0.0)

        def tell(self, number: int, node: str, beat: int, frames: int, seconds: float) -> None:
            starts = self._said[number][0] if number in self._said else 1
            self._said[number] = (starts, node, beat, frames, seconds)

        def read(self, over: Any) -> Dict[int, Any]:
            for number in over:
                self._said.pop(number, None)
            return dict(self._said)

    return Board


def do_job(number: int, job: AnalysisJob, board: Any) -> Tuple[Any, ...]:
    """Do a job on this machine; return what came of it, or why nothing did."""
    from fer_edge.app.layout import one_opencv_thread
    from fer_edge.recordings.cluster.staging import perform_anywhere
    from fer_edge.recordings.work import failure_of

    telling = _Telling(number, board)
    try:
        one_opencv_thread()
        _check_once(job.asked)
        return DONE, perform_anywhere(job, telling)
    except Exception as error:  # noqa: BLE001  (whatever it is, the run puts it into words)
        failed = failure_of(job, error)
        return FAILED, failed.kind, failed.message, failed.hint


@lru_cache(maxsize=4)
def _check_once(asked: Asked) -> None:
    """Refuse a version or a network that is another one: this machine may have come after the others were asked."""
    from fer_edge.recordings.networks import check_same

    check_same(asked)


class _Telling:
    """Tells the board how far a job is: not too often, and nothing while it has not taken the word before."""

    def __init__(self, number: int, board: Any) -> None:
        import ray

        self._ray = ray
        self._number = number
        self._board = board
        self._node = ray.get_runtime_context().get_node_id()
        self._sent: Any = board.begin.remote(number, self._node)
        self._due = time.monotonic() + TELL_SECONDS
        self._beat = 0

    def __call__(self, frames: int, seconds: float) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + TELL_SECONDS
        if self._ray.wait([self._sent], timeout=0)[0]:
            self._beat += 1
            self._sent = self._board.tell.remote(self._number, self._node, self._beat, frames, seconds)
