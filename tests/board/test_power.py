from __future__ import annotations

from pathlib import Path

import pytest
from fake_machines import laptop, nano, nothing_runs, orin, prints, write

from fer_edge.board.power import (
    CpuClock,
    PowerMode,
    clocks_are_fixed,
    is_nano_in_5w,
    read_cpu_clocks,
    read_power_mode,
)
from fer_edge.board.program import Ran

NANO = "NVIDIA Jetson Nano Developer Kit"


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("NV Power Mode: MAXN\n0\n", PowerMode(0, "MAXN")),
        ("NV Power Mode: 5W\n1\n", PowerMode(1, "5W")),
        ("NV Fan Mode:quiet\nNV Power Mode: MODE_15W_6CORE\n2\n", PowerMode(2, "MODE_15W_6CORE")),
        ("NV Power Mode: 15W\n", PowerMode(None, "15W")),
    ],
)
def test_nvpmodel_says_the_mode(tmp_path: Path, said: str, mode: PowerMode) -> None:
    assert read_power_mode(tmp_path, prints(nvpmodel=said)) == mode


def test_the_files_say_the_mode_where_nvpmodel_does_not(tmp_path: Path) -> None:
    assert read_power_mode(nano(tmp_path, mode=1), nothing_runs) == PowerMode(1, "5W")
    assert read_power_mode(tmp_path, lambda command, timeout: Ran(1, "", "NVPM ERROR: no access")) == PowerMode(1, "5W")
    assert read_power_mode(tmp_path, lambda command, timeout: Ran(None, "NV Power")) == PowerMode(1, "5W")


def test_a_board_whose_mode_was_never_changed_is_in_the_default_one(tmp_path: Path) -> None:
    (nano(tmp_path, mode=1) / "var/lib/nvpmodel/status").unlink()
    assert read_power_mode(tmp_path, nothing_runs) == PowerMode(0, "MAXN")


def test_a_machine_without_nvpmodel_has_no_power_mode(tmp_path: Path) -> None:
    assert read_power_mode(laptop(tmp_path), nothing_runs) is None


def test_each_core_has_its_clocks_in_megahertz(tmp_path: Path) -> None:
    clocks = read_cpu_clocks(nano(tmp_path))
    assert len(clocks) == 4
    assert clocks[3] == CpuClock(3, True, 614.4, 102.0, 1479.0, 1479.0, "schedutil")


def test_a_core_that_is_off_has_no_clock(tmp_path: Path) -> None:
    assert read_cpu_clocks(nano(tmp_path, mode=1))[2] == CpuClock(2, online=False)


def test_a_machine_without_cpufreq_still_has_its_cores(tmp_path: Path) -> None:
    write(tmp_path, {"sys/devices/system/cpu/cpu0/topology/core_id": "0", "sys/devices/system/cpu/cpu10/online": "1"})
    assert read_cpu_clocks(tmp_path) == (CpuClock(0, True), CpuClock(10, True))
    assert clocks_are_fixed(read_cpu_clocks(tmp_path)) is None


def test_this_machine_has_cores() -> None:
    assert any(clock.online for clock in read_cpu_clocks())


def test_fixed_clocks_are_known_from_clocks_that_the_governor_chooses(tmp_path: Path) -> None:
    assert clocks_are_fixed(read_cpu_clocks(orin(tmp_path / "orin"))) is True
    assert clocks_are_fixed(read_cpu_clocks(nano(tmp_path / "nano"))) is False
    assert clocks_are_fixed(()) is None


def test_a_nano_in_5_w_is_known_by_its_mode(tmp_path: Path) -> None:
    assert is_nano_in_5w(NANO, PowerMode(1, "5W"), ()) is True
    assert is_nano_in_5w(NANO, PowerMode(0, "MAXN"), ()) is False
    assert is_nano_in_5w("NVIDIA Jetson Orin Nano Developer Kit", PowerMode(1, "5W"), ()) is False


def test_a_nano_in_5_w_is_known_by_its_cores_where_nobody_says_the_mode(tmp_path: Path) -> None:
    assert is_nano_in_5w(NANO, None, read_cpu_clocks(nano(tmp_path / "slow", mode=1))) is True
    assert is_nano_in_5w(NANO, None, read_cpu_clocks(nano(tmp_path / "fast"))) is False
    assert is_nano_in_5w(NANO, None, ()) is None
