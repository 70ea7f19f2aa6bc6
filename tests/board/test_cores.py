from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

import pytest
from fake_machines import write
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.board.cores import granted_cores, usable_core_time, usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


def cores(root: Path, files: Dict[str, str]) -> int:
    write(root, files)
    return usable_cores(root)


def test_without_a_limit_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores(tmp_path) == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 5})
    assert usable_cores(tmp_path) == usable_core_time(tmp_path) == 2
    assert granted_cores(tmp_path) is None


HALF_A_CORE: Dict[str, Dict[str, str]] = {
    "a container, version 2": {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
    "a service": {
        "proc/self/cgroup": "0::/system.slice/fer-edge.service\n",
        "sys/fs/cgroup/system.slice/fer-edge.service/cpu.max": "50000 100000\n",
        "sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
    },
    "a service in a slice that is limited": {
        "proc/self/cgroup": "0::/a.slice/b.service\n",
        "sys/fs/cgroup/a.slice/b.service/cpu.max": "max 100000\n",
        "sys/fs/cgroup/a.slice/cpu.max": "50000 100000\n",
    },
    "a container, version 1, shown the path of the host": {
        "proc/self/cgroup": "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n1:cpuset:/docker/1\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "5000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "10000\n",
    },
}


@pytest.mark.parametrize("kind", HALF_A_CORE)
def test_half_a_core_is_half_of_its_time_and_one_core_for_threads(tmp_path: Path, kind: str) -> None:
    write(tmp_path, HALF_A_CORE[kind])
    assert usable_core_time(tmp_path) == granted_cores(tmp_path) == 0.5
    assert usable_cores(tmp_path) == 1


def test_a_quota_of_version_2_counts(tmp_path: Path) -> None:
    assert cores(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}) == 2


def test_a_quota_of_version_1_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n",
        "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us": "300000\n",
        "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us": "100000\n",
    }
    assert cores(tmp_path, files) == 3


def test_the_least_of_a_group_and_those_that_it_lies_in_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/system.slice/fer-edge.service\n",
        "sys/fs/cgroup/system.slice/cpu.max": "100000 50000\n",
        "sys/fs/cgroup/system.slice/fer-edge.service/cpu.max": "400000 100000\n",
    }
    assert cores(tmp_path, files) == 2


def test_a_part_of_a_core_counts_as_one(tmp_path: Path) -> None:
    assert cores(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "250000 100000\n"}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "max 100000",
        "",
        "0 100000",
        "0 0",
        "100000 0",
        "many few",
        "-1 100000",
        "\N{SUPERSCRIPT TWO} 100000",
        "99900000 100000",
    ],
)
def test_what_is_no_quota_limits_nothing(tmp_path: Path, text: str) -> None:
    assert cores(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": text}) == 8
    assert usable_core_time(tmp_path) == 8.0


def test_no_quota_of_version_1_limits_nothing(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "1:cpu:/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert cores(tmp_path, files) == 8


@given(st.text(), st.text())
def test_whatever_the_files_say_there_is_at_least_one_core_and_never_more_than_the_affinity(
    tmp_path_factory: pytest.TempPathFactory, groups: str, quota: str
) -> None:
    root = tmp_path_factory.mktemp("odd")
    for path, text in (("proc/self/cgroup", groups), ("sys/fs/cgroup/cpu.max", quota)):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text(text, encoding="utf-8", errors="replace")
    assert 1 <= usable_cores(root) <= 8
    assert 0 < usable_core_time(root) <= usable_cores(root)
