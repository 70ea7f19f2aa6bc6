from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest
from fake_machines import laptop, nano, nothing_runs, orin, zone

from fer_edge.board.machine import board_name
from fer_edge.board.memory import Memory, read_memory
from fer_edge.board.power import PowerMode, read_cpu_clocks, read_power_mode
from fer_edge.board.temperature import read_cooling, read_zones
from fer_edge.doctor.finding import Finding
from fer_edge.doctor.folder import Folder, look_at
from fer_edge.doctor.machine import board_findings, disk_findings, heat_findings, memory_findings, power_findings


def said(findings: List[Finding]) -> List[Tuple[str, str, str]]:
    return [(finding.subject, finding.value, finding.level) for finding in findings]


def power(root: Path, jetson: bool = True) -> List[Finding]:
    return power_findings(board_name(root), read_power_mode(root, nothing_runs), read_cpu_clocks(root), jetson)


def test_a_nano_in_5_w_is_a_warning_with_its_remedy(tmp_path: Path) -> None:
    found = power(nano(tmp_path, mode=1))
    assert said(found) == [
        ("power mode", "5W (mode 1)", "warning"),
        ("cores", "2 of 4 on", "note"),
        ("clock", "614 of 918 MHz, schedutil", "note"),
    ]
    assert "sudo nvpmodel -m 0" in found[0].meaning
    assert "1479 MHz" in found[2].meaning


def test_a_nano_in_5_w_is_known_without_nvpmodel_too(tmp_path: Path) -> None:
    found = power_findings("NVIDIA Jetson Nano", None, read_cpu_clocks(nano(tmp_path, mode=1)), True)
    assert said(found)[0] == ("power mode", "5W, by its cores", "warning")


def test_a_nano_at_its_best_is_only_told_of_jetson_clocks(tmp_path: Path) -> None:
    found = power(nano(tmp_path))
    assert said(found) == [
        ("power mode", "MAXN (mode 0)", "ok"),
        ("cores", "4", "ok"),
        ("clock", "614 of 1479 MHz, schedutil", "note"),
    ]
    assert "sudo jetson_clocks" in found[2].meaning


def test_an_orins_own_modes_and_fixed_clocks_are_told(tmp_path: Path) -> None:
    clocks = read_cpu_clocks(orin(tmp_path))
    found = power_findings(board_name(tmp_path), PowerMode(0, "15W"), clocks, True)
    assert said(found) == [
        ("power mode", "15W (mode 0)", "note"),
        ("cores", "4 of 6 on", "note"),
        ("clock", "1510 of 1510 MHz, schedutil", "ok"),
    ]
    assert found[2].meaning == "The clock is fixed."


def test_a_laptop_has_no_power_mode(tmp_path: Path) -> None:
    found = power(laptop(tmp_path), jetson=False)
    assert said(found) == [("cores", "2", "ok"), ("clock", "2800 of 4700 MHz, powersave", "ok")]


def test_a_jetson_without_its_release_file_is_told_how_to_pass_it_on() -> None:
    (finding,) = [
        finding
        for finding in board_findings("NVIDIA Jetson Nano", "Arm 0x41/0xd07", "Linux", None, True)
        if finding.subject == "L4T"
    ]
    assert (finding.level, "nv_tegra_release" in finding.meaning) == ("note", True)


def test_a_slowed_down_board_is_a_warning(tmp_path: Path) -> None:
    found = heat_findings(read_zones(orin(tmp_path)), read_cooling(tmp_path))
    assert said(found) == [("temperature", "50 °C (tj-thermal)", "ok"), ("throttling", "cpu-throttle-alert", "warning")]


def test_a_board_near_its_limit_is_a_warning_before_it_slows_down(tmp_path: Path) -> None:
    zone(tmp_path, 0, "CPU-therm", "93500", ["passive 97000", "critical 102500"])
    (finding,) = heat_findings(read_zones(tmp_path), ())
    assert (finding.value, finding.level) == ("94 °C (CPU-therm)", "warning")


def test_a_cool_nano_is_well(tmp_path: Path) -> None:
    found = heat_findings(read_zones(nano(tmp_path)), read_cooling(tmp_path))
    assert said(found) == [("temperature", "46 °C (AO-therm)", "ok"), ("throttling", "none", "ok")]


def test_little_memory_and_no_swap_are_told(tmp_path: Path) -> None:
    assert said(memory_findings(read_memory(laptop(tmp_path)), jetson=False)) == [
        ("memory", "293 of 15625 MiB free", "warning")
    ]
    assert said(memory_findings(Memory(3964.0, 2000.0, 0.0, 0.0), jetson=True)) == [
        ("memory", "2000 of 3964 MiB free", "ok"),
        ("swap", "none", "note"),
    ]
    assert memory_findings(None, jetson=False)[0].level == "note"


@pytest.mark.parametrize(
    ("folder", "level"),
    [
        (Folder("/cache", True, 9000.0), "ok"),
        (Folder("/cache", True, 12.0), "warning"),
        (Folder("/cache", False, 9000.0), "warning"),
        (Folder("/cache", True, None), "note"),
    ],
)
def test_a_cache_folder_that_is_full_or_closed_is_a_warning(folder: Folder, level: str) -> None:
    (finding,) = disk_findings(folder)
    assert finding.level == level
    assert "/cache" in finding.meaning


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    folder = look_at(tmp_path / "a" / "b")
    assert folder.writable
    assert folder.free is not None
    assert folder.free > 0
    (tmp_path / "file").touch()
    assert not look_at(tmp_path / "file" / "b").writable
