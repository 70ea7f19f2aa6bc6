"""The process between a run and a Ray cluster: it takes jobs from one pipe and tells of them on another.

Ray ends the process that it is loaded in when a cluster is lost, and waits for minutes where none answers; a run can end this
one.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from typing import Any, Callable

from fer_edge.errors import FerEdgeError
from fer_edge.recordings.cluster.machines import RayCluster
from fer_edge.recordings.messages import ALIVE, FATAL, READY, own_output, received, send
from fer_edge.system.libraries import in_short

_POLL = 0.25
_ALIVE_SECONDS = 1.0
_CLOSE_SECONDS = 8.0


def main() -> int:
    """Connect as the first message says, then do the jobs of those that follow, until the standard input closes."""
    output = own_output()  # where nobody reads any more, `_listen` sees it, too
    came: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(came,), daemon=True).start()
    wanted = came.get()
    try:
        with _Ending(wanted, lambda: send(output, (ALIVE, (0, 0)))) as cluster:
            send(output, (READY, (cluster.slots, cluster.machines)))
            _serve(cluster, came, output)
    except FerEdgeError as error:
        send(output, (FATAL, (type(error).__name__, error.message, error.remedy)))
    except Exception as error:  # noqa: BLE001  (Ray's own, where the cluster is lost)
        words = f"The connection with the cluster was lost: {type(error).__name__}: {in_short(error)}."
        send(
            output,
            (FATAL, ("ClusterUnusable", words, "Look with `ray status`, and run the command again: it goes on.")),
        )
    return 0


class _Ending:
    """A cluster that is let go of at the end, or the process ends without."""

    def __init__(self, wanted: Any, connected: Callable[[], object]) -> None:
        self._cluster = RayCluster(wanted, connected)

    def __enter__(self) -> RayCluster:
        return self._cluster

    def __exit__(self, *error: object) -> None:
        late = threading.Timer(_CLOSE_SECONDS, os._exit, (1,))
        late.daemon = True
        late.start()
        self._cluster.close()
        late.cancel()


def _serve(cluster: RayCluster, came: queue.SimpleQueue[Any], output: int) -> None:
    told = 0.0
    while True:
        idle = True
        while not came.empty():
            message = came.get()
            if message is None:
                return
            cluster.submit(*message)
            idle = False
        for kind, number, *content in cluster.poll(_POLL):
            send(output, (kind, (number, *content)))
            idle = False
        if time.monotonic() - told > _ALIVE_SECONDS:
            told = time.monotonic()
            send(output, (ALIVE, (cluster.slots, cluster.machines)))
        if idle:
            time.sleep(0.02)


def _listen(came: queue.SimpleQueue[Any]) -> None:
    for value in received(0):
        came.put(value)
    came.put(None)


if __name__ == "__main__":
    sys.exit(main())
