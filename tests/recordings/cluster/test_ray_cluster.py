"""Recordings on a real Ray cluster of two machines, of which one is killed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Iterator

import pytest
from local_ray import LocalCluster, needs_ray
from recording_files import ASKED, analyse, rows_of, tables_of, write_picture, write_recording
from waiting import wait_until

from fer_edge.errors import ClusterUnusable
from fer_edge.recordings.cluster.find import find_anywhere
from fer_edge.recordings.cluster.pool import RayPool
from fer_edge.recordings.cluster.run import needed_of, on_cluster
from fer_edge.recordings.cluster.scratch import BEGINNING
from fer_edge.recordings.figures import RunFigures
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.jobs import SurveyJob
from fer_edge.recordings.run import Outcome, Run

pytestmark = [needs_ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(3):
        write_recording(folder / f"{number}.mp4", 200)
    for number in range(3):
        write_picture(folder / "pictures" / f"{number}.png", number)
    return folder


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files of all machines."""
    return tmp_path_factory.mktemp("fetched")


@pytest.fixture(scope="module")
def cluster(fetched: Path) -> Iterator[LocalCluster]:
    environment = {"TMPDIR": os.fspath(fetched)}
    with LocalCluster(environment, environment) as started:
        yield started


def run(cluster: LocalCluster, place: str, out: str, kill: int = 0) -> Outcome:
    """Analyse what lies at a place on a cluster; kill one of its machines while it works."""
    found = find_anywhere([place], out)
    left = [cluster.machines[kill]] if kill else []

    def watch(figures: RunFigures) -> None:
        if left and left[0].at_work() and figures.frames:
            left.pop().kill()

    with on_cluster(cluster.address, ASKED, found.recordings, out) as (pool, folder):
        outcome = Run(found.recordings, ASKED, folder, pool, watch).run()
    assert not left
    return outcome


def test_machines_with_another_fer_edge_or_none_are_refused_by_name(
    cluster: LocalCluster, recordings: Path, tmp_path: Path
) -> None:
    stub = tmp_path / "fer_edge"
    stub.mkdir()
    (stub / "__init__.py").touch()
    (stub / "version.py").write_text("__version__ = '9.9.9'\n")
    machine = cluster.add({"PYTHONPATH": str(tmp_path)})
    try:
        asked = replace(ASKED, model_sha256="0" * 64)
        with pytest.raises(ClusterUnusable) as caught:
            RayPool(cluster.address, needed_of(asked, ["/nowhere/anna.mp4"]))
    finally:
        machine.kill()
        cluster.machines.remove(machine)
    message = caught.value.message
    assert "3 of 3 machines" in message
    assert f"has fer-edge 9.9.9, and the run was started with {ASKED.version}" in message
    assert "has another network as 'fernet_r'" in message
    assert "does not see /nowhere/anna.mp4" in message


def test_a_run_that_is_ended_leaves_no_task_on_the_cluster(
    cluster: LocalCluster, recordings: Path, tmp_path: Path
) -> None:
    (first, *_) = find_recordings([os.fspath(recordings)]).recordings
    pool = RayPool(cluster.client, needed_of(ASKED, [first.path]))
    with pool:
        for number in range(20):
            pool.submit(SurveyJob(first, ASKED, str(tmp_path / str(number))))
        wait_until(lambda: pool.messages(0.1), "the first message")
    wait_until(lambda: not any(machine.at_work() for machine in cluster.machines), "all tasks to end")
    assert not Path("/proc", str(pool.pid)).exists()


def test_results_are_those_of_this_machine_though_a_machine_is_killed_while_it_works(
    cluster: LocalCluster, recordings: Path, fetched: Path, tmp_path: Path
) -> None:
    analyse(recordings, tmp_path / "here")
    outcome = run(cluster, os.fspath(recordings), os.fspath(tmp_path / "there"), kill=1)
    assert (outcome.finished, outcome.failed) == (4, 0)
    again = run(cluster, recordings.as_uri(), (tmp_path / "at-address").as_uri())
    assert (again.finished, again.failed) == (4, 0)
    for name in ("0.mp4", "1.mp4", "2.mp4", "pictures"):
        here = tables_of(tmp_path / "here" / name)
        assert here
        assert tables_of(tmp_path / "there" / name) == here
        assert tables_of(tmp_path / "at-address" / name) == here
    assert [row["name"] for row in rows_of(tmp_path / "at-address" / "summary.csv")] == [
        "0.mp4",
        "1.mp4",
        "2.mp4",
        "pictures",
    ]
    once_more = run(cluster, recordings.as_uri(), (tmp_path / "at-address").as_uri())
    assert once_more.skipped == 4
    assert not list(fetched.glob(f"{BEGINNING}*"))
