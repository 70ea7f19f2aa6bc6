from __future__ import annotations

from pathlib import Path

import pytest
from fake_machines import laptop, nano, orin, write

from fer_edge.board.kernel_file import read_number, read_text
from fer_edge.board.l4t import read_l4t
from fer_edge.board.machine import board_name, cpu_name, is_nano
from fer_edge.board.memory import read_memory


def test_the_name_comes_from_the_device_tree_or_the_firmware(tmp_path: Path) -> None:
    assert board_name(nano(tmp_path / "nano")) == "NVIDIA Jetson Nano Developer Kit"
    assert board_name(laptop(tmp_path / "laptop")) == "20XW0055GE"
    assert board_name(tmp_path) is None


def test_only_the_first_nano_is_a_nano(tmp_path: Path) -> None:
    assert is_nano(board_name(nano(tmp_path / "nano")))
    assert not is_nano(board_name(orin(tmp_path / "orin")))
    assert not is_nano(None)


def test_the_processor_is_named_by_the_kernel_or_by_its_numbers(tmp_path: Path) -> None:
    assert cpu_name(laptop(tmp_path / "laptop")) == "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz"
    write(tmp_path, {"proc/cpuinfo": "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd07\n"})
    assert cpu_name(tmp_path) == "Arm 0x41/0xd07"
    assert cpu_name(tmp_path / "nowhere") is None


def test_the_processor_of_this_machine_has_a_name() -> None:
    assert cpu_name()


def test_the_l4t_release_names_its_jetpack(tmp_path: Path) -> None:
    first = read_l4t(nano(tmp_path / "nano"))
    assert first is not None
    assert (first.release, first.jetpack, first.reference) == ("32.7.1", "4.6.1", "t210ref")
    second = read_l4t(orin(tmp_path / "orin"))
    assert second is not None
    assert (second.release, second.jetpack) == ("36.4.3", "6.2")


def test_an_unknown_release_has_no_jetpack_and_an_unknown_file_no_release(tmp_path: Path) -> None:
    write(tmp_path, {"etc/nv_tegra_release": "# R39 (release), REVISION: 1.0, GCID: 1, BOARD: generic\n"})
    release = read_l4t(tmp_path)
    assert release is not None
    assert (release.release, release.jetpack) == ("39.1.0", None)
    write(tmp_path, {"etc/nv_tegra_release": "a line that nobody wrote\n"})
    assert read_l4t(tmp_path) is None
    assert read_l4t(tmp_path / "nowhere") is None


def test_memory_is_read_in_mebibytes(tmp_path: Path) -> None:
    memory = read_memory(nano(tmp_path))
    assert memory is not None
    assert memory.total == pytest.approx(3964.6, abs=0.1)
    assert memory.available == pytest.approx(2746.4, abs=0.1)
    assert memory.swap_total == memory.swap_free == pytest.approx(1982.3, abs=0.1)


def test_memory_of_this_machine_adds_up() -> None:
    memory = read_memory()
    assert memory is not None
    assert memory.available is not None
    assert 0 < memory.available <= memory.total


def test_a_kernel_without_an_estimate_leaves_it_out(tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": "MemTotal: 2048 kB\n"})
    memory = read_memory(tmp_path)
    assert memory is not None
    assert (memory.total, memory.available, memory.swap_total) == (2.0, None, None)
    assert read_memory(tmp_path / "nowhere") is None


def test_what_is_no_number_and_no_file_is_none(tmp_path: Path) -> None:
    write(tmp_path, {"word": "N/A\n", "empty": "\0\n", "folder/file": ""})
    assert read_number(tmp_path, "word") is None
    assert read_text(tmp_path, "empty") is None
    assert read_text(tmp_path, "folder") is None
    assert read_number(tmp_path, "nowhere") is None
