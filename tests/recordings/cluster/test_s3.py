"""Recordings and results in S3, as moto's server has it, on a real Ray cluster of two machines.

It needs an environment of its own, with s3fs and moto:  make test-s3
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
from local_ray import LocalCluster
from programs import free_port
from recording_files import ASKED, analyse, tables_of, write_picture, write_recording
from waiting import wait_until

from fer_edge.errors import ClusterUnusable, FerEdgeError, OutputNotWritable, SourceNotFound, SourcePermission
from fer_edge.recordings.cluster.find import find_anywhere
from fer_edge.recordings.cluster.run import on_cluster
from fer_edge.recordings.cluster.scratch import BEGINNING
from fer_edge.recordings.cluster.storage import Storage
from fer_edge.recordings.failures import concerns_one
from fer_edge.recordings.figures import RunFigures
from fer_edge.recordings.run import Outcome, Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (find_spec("s3fs") and find_spec("moto")),
        reason="needs s3fs and moto in an environment of its own (make test-s3)",
    ),
    # Of packages that are none of ours.
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::pytest.PytestUnraisableExceptionWarning"),
]

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "s3:Head*"], "Resource": "*"}],
}


class S3:
    """A server on loopback, which forgets everything when it ends."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        wait_until(lambda: self._answers(log), log.read_text)

    def client(self, service: str = "s3") -> Any:
        import boto3

        return boto3.client(
            service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )

    def buckets(self) -> List[str]:
        return [one["Name"] for one in self.client().list_buckets()["Buckets"]]

    def ask_for_rights(self, after: str) -> None:
        """Look at who asks, after so many requests."""
        # As the body itself, and not as a form.
        head = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", after.encode(), head, method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def close(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def _answers(self, log: Path) -> bool:
        assert self.process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5).close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A server with the bucket ``study``; what is started here and later asks it."""
    folder = tmp_path_factory.mktemp("s3")
    running = S3(folder / "log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", running.url)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            patch.setenv(name, os.fspath(folder / "none"))
        for name in KEYS:
            patch.setenv(name, "testing")
        running.client().create_bucket(Bucket="study")
        Storage("s3://study").files_below("s3://study")  # begins a thread, which s3fs keeps
        yield running
        running.close()


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files of all machines."""
    return tmp_path_factory.mktemp("fetched")


@pytest.fixture(scope="module")
def cluster(s3: S3, fetched: Path) -> Iterator[LocalCluster]:
    environment = {"TMPDIR": os.fspath(fetched)}
    with LocalCluster(environment, environment) as started:
        yield started


@pytest.fixture(scope="module")
def recordings(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings here, and the same ones at ``s3://study/in``."""
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(2):
        write_recording(folder / "anna" / f"{number}.mp4", 200)
    for number in range(3):
        write_picture(folder / "pictures" / f"{number}.png", number)
    for path in sorted(folder.rglob("*.*")):
        Storage("s3://study").put(os.fspath(path), f"s3://study/in/{path.relative_to(folder).as_posix()}")
    return folder


def run(cluster: LocalCluster, place: str, out: str, watch: Optional[Callable[[RunFigures], None]] = None) -> Outcome:
    found = find_anywhere([place], out)
    with on_cluster(cluster.client, ASKED, found.recordings, out) as (pool, folder):
        return Run(found.recordings, ASKED, folder, pool, watch or (lambda figures: None)).run()


def test_tables_in_s3_are_those_of_a_run_on_this_machine(
    s3: S3, cluster: LocalCluster, recordings: Path, fetched: Path, tmp_path: Path
) -> None:
    analyse(recordings, tmp_path / "here")
    outcome = run(cluster, "s3://study/in", "s3://study/out")
    assert (outcome.finished, outcome.failures) == (3, ())
    there = Storage("s3://study")
    for name in ("anna/0.mp4", "anna/1.mp4", "pictures"):
        tables = tables_of(tmp_path / "here" / name)
        assert tables
        for table, content in tables.items():
            there.fetch(f"s3://study/out/{name}/{table}", os.fspath(tmp_path / "fetched"))
            assert (tmp_path / "fetched").read_bytes() == content
    assert sorted(there.files_below("s3://study/out")) == sorted(
        [f"s3://study/out/{name}.csv" for name in ("summary", "failures")]
        + [
            f"s3://study/out/{name}/{file}"
            for name in ("anna/0.mp4", "anna/1.mp4", "pictures")
            for file in ("frames.csv", "states.csv", "summary.json")
        ]
    )
    assert run(cluster, "s3://study/in", "s3://study/out").skipped == 3
    assert not list(fetched.glob(f"{BEGINNING}*"))


def test_a_machine_without_keys_is_refused_by_name(s3: S3, cluster: LocalCluster, recordings: Path) -> None:
    machine = cluster.add(dict.fromkeys(KEYS, ""))
    try:
        with pytest.raises(
            ClusterUnusable, match=r"1 of 3 machines .*s3://study/in/.* may not be read: .*Unable to locate credentials"
        ):
            run(cluster, "s3://study/in", "s3://study/unkeyed")
    finally:
        machine.kill()
        cluster.machines.remove(machine)
    assert Storage("s3://study").files_below("s3://study/unkeyed") == {}


def test_a_bucket_that_is_not_there_is_said_and_not_made(s3: S3, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="s3://stduy/in"):
        find_anywhere(["s3://stduy/in"])
    path = tmp_path / "table"
    path.write_bytes(b"1")
    with pytest.raises(OutputNotWritable, match="s3://stduy/out/table"):
        Storage("s3://stduy").put(os.fspath(path), "s3://stduy/out/table")
    assert s3.buckets() == ["study"]


IN_ANOTHER_PROCESS = """
import sys
from fer_edge.errors import FerEdgeError
from fer_edge.recordings.cluster.run import _try_writing
from fer_edge.recordings.cluster.find import find_anywhere
try:
    print(len(find_anywhere(["s3://study/in"]).recordings))
    _try_writing("s3://study/refused")
except FerEdgeError as error:
    print(type(error).__name__, error.message)
"""


def told(keys: Dict[str, str]) -> List[str]:
    """Return what a process with other keys says of recordings and results: s3fs keeps those of this one."""
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        env={**os.environ, **keys},
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_keys_that_are_missing_wrong_or_may_not_write_are_said_before_the_work(s3: S3, recordings: Path) -> None:
    missing = told(dict.fromkeys(KEYS, ""))
    assert missing == [
        f"{SourcePermission.__name__} s3://study/in may not be read: NoCredentialsError: Unable to locate credentials."
    ]
    iam = s3.client("iam")
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(READS))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    s3.ask_for_rights("0")
    try:
        wrong = told(dict.fromkeys(KEYS, "unknown"))
        reads = told(dict(zip(KEYS, (key["AccessKeyId"], key["SecretAccessKey"]))))
    finally:
        s3.ask_for_rights("inf")
    assert [line.partition(" ")[0] for line in wrong] == [SourcePermission.__name__]
    assert reads[0] == "3"
    assert reads[1].startswith(f"{OutputNotWritable.__name__} s3://study/refused/.fer-edge-seen-")
    assert "cannot be written: PermissionError: Access Denied" in reads[1]


def test_a_server_that_goes_away_in_the_middle_ends_the_run_with_its_address(
    s3: S3, cluster: LocalCluster, recordings: Path, fetched: Path
) -> None:
    """The last one here: the server forgets everything."""

    def watch(figures: RunFigures) -> None:
        if figures.frames and s3.process.poll() is None:
            s3.close()

    with pytest.raises(OutputNotWritable, match="s3://study/cut/.* cannot be written: .*Could not connect") as caught:
        run(cluster, "s3://study/in", "s3://study/cut", watch)
    assert not concerns_one(caught.value)
    assert not list(fetched.glob(f"{BEGINNING}*"))
    with pytest.raises(FerEdgeError, match="s3://study/in cannot be reached: .*Could not connect"):
        find_anywhere(["s3://study/in"])
