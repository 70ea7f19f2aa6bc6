"""What a run says of a cluster that is not there, and what Ray may tell its makers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any, List, Optional

import pytest
from local_ray import HAS_RAY, needs_ray
from programs import free_port
from recording_files import ASKED

from fer_edge.cli.main import main
from fer_edge.errors import ClusterUnusable, MissingExtra, UsageError
from fer_edge.recordings.cluster.connection import address_of, connect
from fer_edge.recordings.cluster.node_facts import Needed
from fer_edge.recordings.cluster.pool import RayPool


@needs_ray
def test_a_cluster_that_does_not_answer_is_an_error_that_names_it() -> None:
    port = free_port()
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(ClusterUnusable, match=f"{address} cannot be reached: Connection refused"):
            RayPool(address, Needed(ASKED))


@needs_ray
def test_a_run_whose_connecting_process_dies_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    started: List[int] = []

    def killed(pool: RayPool) -> None:
        started.append(pool.pid)
        os.kill(pool.pid, signal.SIGKILL)
        pool.messages(60.0)

    monkeypatch.setattr(RayPool, "_wait_until_ready", killed)
    with pytest.raises(ClusterUnusable, match="was lost: its process ended with status -9"):
        RayPool("127.0.0.1:1", Needed(ASKED))
    assert not os.path.exists(f"/proc/{started[0]}")


class BusyHead:
    """Stands in for Ray: the process that the head begins for a client is late as often as it is told."""

    def __init__(self, late: int) -> None:
        self.late = late

    def init(self, **_: Any) -> None:
        self.late -= 1
        if self.late >= 0:
            raise ConnectionError("Initialization failure from server:\n")


def test_a_head_that_is_busy_is_asked_once_more_and_not_for_ever() -> None:
    connect(BusyHead(1), "auto")
    with pytest.raises(ClusterUnusable, match="auto cannot be reached: .*Initialization failure"):
        connect(BusyHead(2), "auto")


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_a_run_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match="'ray', which is not installed"):
        RayPool("auto", Needed(ASKED))


@needs_ray
@pytest.mark.parametrize("before", ["1", None])
def test_ray_is_kept_from_reporting_to_its_makers(before: Optional[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "RAY_USAGE_STATS_ENABLED"}
    if before is not None:
        environment["RAY_USAGE_STATS_ENABLED"] = before
    program = (
        "from fer_edge.recordings.cluster.connection import load_ray\n"
        "load_ray()\n"
        "try:\n"
        "    from ray._common.usage import usage_lib\n"
        "except ImportError:\n"  # Ray 2.10
        "    from ray._private.usage import usage_lib\n"
        "print(usage_lib.usage_stats_enabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("on", ["ray://", "ray://host", "ray://host:port", "ray://host:99999", "host:6379", "dask"])
def test_what_names_no_cluster_is_refused(on: str) -> None:
    with pytest.raises(UsageError, match="names no Ray cluster"):
        address_of(on)


def test_a_variable_that_names_no_cluster_is_refused_by_its_name() -> None:
    assert address_of("ray", "[::1]:6379") == "[::1]:6379"
    with pytest.raises(UsageError, match="RAY_ADDRESS names no Ray cluster: 'local'"):
        address_of("ray", "local")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cpus-per-job", "2"), "--cpus-per-job is for a cluster"),
        (("--on", "ray", "--workers", "2"), "--workers concerns this machine alone"),
        (("--on", "ray", "--dry-run"), "--dry-run concerns this machine alone"),
        (("--on", "slurm"), "--on names no Ray cluster"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(arguments: List[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        main(["analyse", "nothing", "--out", "results", *arguments])


@pytest.mark.parametrize("number", ["1.5", "0", "many", "1000", "nan"])
def test_processors_for_a_job_are_a_whole_number_or_a_part_of_one(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["analyse", "nothing", "--out", "results", "--on", "ray", "--cpus-per-job", number])
    assert "--cpus-per-job" in capsys.readouterr().err
