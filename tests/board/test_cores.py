from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

import pytest
from fake_machines import write
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.board.cores import granted_cores, usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


def cores(root: Path, files: Dict[str, str]) -> int:
    write(root, files)
    return usable_cores(root)


def test_without_a_limit_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores(tmp_path) == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 5})
    assert usable_cores(tmp_path) == 2
    assert granted_cores(tmp_path) is None


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


def test_a_container_that_is_shown_the_path_of_the_host_finds_its_own_group(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/docker/of-the-host\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}
    assert cores(tmp_path, files) == 1
    assert granted_cores(tmp_path) == 0.5


def test_a_part_of_a_core_counts_as_one(tmp_path: Path) -> None:
    assert cores(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "250000 100000\n"}) == 3


@pytest.mark.parametrize(
    "text", ["max 100000", "", "0 100000", "100000 0", "many few", "-1 100000", "\N{SUPERSCRIPT TWO} 100000"]
)
def test_what_is_no_quota_limits_nothing(tmp_path: Path, text: str) -> None:
    assert cores(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": text}) == 8


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
