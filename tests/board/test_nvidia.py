from __future__ import annotations

from pathlib import Path

import pytest
from fake_machines import laptop, nano, nothing_runs, orin, prints, write

from fer_edge.board.nvidia import Nvidia, read_nvidia


def test_a_nanos_parts_are_found_by_their_files(tmp_path: Path) -> None:
    assert read_nvidia(nano(tmp_path), nothing_runs) == Nvidia((), None, "10.2.300", "8.2.1", "8.2.1")


def test_an_orins_driver_and_toolkit_say_their_version(tmp_path: Path) -> None:
    found = read_nvidia(orin(tmp_path), prints(nvidia_smi="Orin (nvgpu), 540.4.0\n"))
    assert found == Nvidia(("Orin (nvgpu)",), "540.4.0", "12.6.68", None, None)


def test_a_machine_without_any_of_it_has_nothing(tmp_path: Path) -> None:
    assert read_nvidia(laptop(tmp_path), nothing_runs) == Nvidia()


def test_nvidia_smi_and_nvcc_are_asked_where_no_file_says_it(tmp_path: Path) -> None:
    run = prints(
        nvidia_smi="NVIDIA H100 80GB HBM3, 550.54.15\nNVIDIA H100 80GB HBM3, 550.54.15\n",
        nvcc="nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 9.1, V9.1.85\n",
    )
    found = read_nvidia(tmp_path, run)
    assert found.gpus == ("NVIDIA H100 80GB HBM3",) * 2
    assert (found.driver, found.cuda) == ("550.54.15", "9.1.85")


def test_nvidia_smi_without_a_driver_says_nothing(tmp_path: Path) -> None:
    said = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"
    assert read_nvidia(tmp_path, prints(nvidia_smi=said)) == Nvidia()


@pytest.mark.parametrize(
    "line",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.104.05  Release Build  (abuild@host)",
    ],
)
def test_both_kinds_of_driver_say_their_version(tmp_path: Path, line: str) -> None:
    write(tmp_path, {"proc/driver/nvidia/version": line + "\nGCC version:  gcc version 12.2.0\n"})
    assert read_nvidia(tmp_path, nothing_runs).driver == "535.104.05"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cuda": 12}', '{"cuda": {"version": 12}}'])
def test_a_strange_version_file_is_no_version(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"usr/local/cuda/version.json": text})
    assert read_nvidia(tmp_path, nothing_runs).cuda is None
