"""What a run on a cluster needs beside the jobs: a place for results that all machines have, and who may take part."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from typing import Iterator, List, Sequence, Tuple

from fer_edge.errors import FerEdgeError
from fer_edge.recordings.cluster.node_facts import Needed, installed_libraries
from fer_edge.recordings.cluster.pool import RayPool
from fer_edge.recordings.cluster.staging import moved
from fer_edge.recordings.cluster.storage import Storage, below, is_url
from fer_edge.recordings.jobs import Asked
from fer_edge.recordings.output import claimed, writing
from fer_edge.recordings.pool import Pool
from fer_edge.recordings.recording import Recording

_MOST_PLACES = 16
_SEEN = ".fer-edge-seen-"


@contextlib.contextmanager
def on_cluster(
    address: str, asked: Asked, recordings: Sequence[Recording], out: str, cpus: float = 1.0
) -> Iterator[Tuple[Pool, str]]:
    """Yield a pool of a cluster's machines, and the folder that the run is to take for its results.

    Parameters
    ----------
    address : str
        As of `RayPool`.
    out : str
        Path or address of the folder of the results. Of an address, the run has a folder of this machine for its tables, which
        are put there at the end.
    cpus : float
        Processors for each job.

    Raises
    ------
    ClusterUnusable
        It cannot be reached, or a machine of it may not take part.
    OutputError
        The results cannot go there.
    """
    with contextlib.ExitStack() as stack:
        if is_url(out):
            _try_writing(out)
            stage = stack.enter_context(tempfile.TemporaryDirectory(prefix="fer-edge-run-"))
            needed = needed_of(asked, [*(one.path for one in recordings), out])
            pool = stack.enter_context(RayPool(address, needed, cpus, lambda job: moved(job, stage, out)))
            try:
                yield pool, stage
            except BaseException:
                with contextlib.suppress(FerEdgeError):
                    _publish(stage, out)
                raise
            _publish(stage, out)
            return
        folder = os.path.abspath(out)
        stack.enter_context(claimed(folder))
        token = os.path.join(folder, _SEEN + secrets.token_hex(8))
        needed = needed_of(asked, [one.path for one in recordings], token)
        with _there(token):
            pool = stack.enter_context(RayPool(address, needed, cpus))
        yield pool, folder


def needed_of(asked: Asked, places: Sequence[str], token: str = "") -> Needed:
    """Return what each machine must have: of many places, some that stand for the others."""
    chosen: List[str] = []
    seen = set()
    for place in places:
        # Of an address the bucket: each has rights of its own.
        folder = "/".join(place.split("/")[:3]) if is_url(place) else os.path.dirname(place)
        if folder not in seen and len(chosen) < _MOST_PLACES:
            seen.add(folder)
            chosen.append(place)
    return Needed(asked, tuple(chosen), token, libraries=installed_libraries())


@contextlib.contextmanager
def _there(token: str) -> Iterator[None]:
    with writing(token):
        with open(token, "wb"):
            pass
        try:
            yield
        finally:
            os.unlink(token)


def _try_writing(url: str) -> None:
    """Find out before the work whether results can be put at an address. Raises OutputError."""
    token = below(url, _SEEN + secrets.token_hex(8))
    with tempfile.NamedTemporaryFile() as file:
        Storage(url).put(file.name, token)
    Storage(url).remove(token)


def _publish(stage: str, url: str) -> None:
    storage = Storage(url)
    for name in sorted(os.listdir(stage)):
        path = os.path.join(stage, name)
        if os.path.isfile(path):
            storage.put(path, below(url, name))
