"""The process that does jobs for a run, one after the other, and ends when the run does."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from typing import Any

from fer_edge.recordings.jobs import Job
from fer_edge.recordings.messages import DONE, FAILED, READY, TOLD, own_output, received, send

TELL_SECONDS = 0.25
"""Between two words on how far a job is."""


def main() -> int:
    """Do the jobs that the standard input names, and tell of them on the standard output, until the former closes."""
    output = own_output()
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    from fer_edge.app.layout import one_opencv_thread
    from fer_edge.recordings.work import failure_of, perform

    one_opencv_thread()
    _send(output, (READY, None))
    while True:
        job = jobs.get()
        try:
            message = DONE, perform(job, _Telling(output))
        except Exception as error:  # noqa: BLE001  (whatever it is, the run puts it into words)
            failed = failure_of(job, error)
            _send(output, (FAILED, (failed.kind, failed.message, failed.hint)))
        else:
            _send(output, message)


class _Telling:
    """Tells how far a job is, not too often."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._due = 0.0

    def __call__(self, frames: int, seconds: float) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + TELL_SECONDS
            _send(self._output, (TOLD, (frames, seconds)))


def _send(output: int, value: Any) -> None:
    if not send(output, value):  # the run is gone
        os._exit(1)


def _listen(jobs: queue.SimpleQueue[Job]) -> None:
    """Take jobs; end the process, in the middle of one, when the run closes its end or is gone, however it ended."""
    for job in received(0):
        jobs.put(job)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
