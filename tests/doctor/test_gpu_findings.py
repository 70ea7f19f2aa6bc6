from __future__ import annotations

from typing import Dict, List, Mapping

from fer_edge.board.nvidia import Nvidia
from fer_edge.doctor.finding import Finding
from fer_edge.doctor.gpu import gpu_findings
from fer_edge.doctor.probe import Probe
from fer_edge.system.installation import pip_install

NO_TENSORRT = Probe(reason="No module named 'tensorrt'", missing="tensorrt")
NO_PYCUDA = Probe(reason="No module named 'pycuda'", missing="pycuda")
PYCUDA = Probe({"version": "2021.1", "gpu": "NVIDIA Tegra X1", "capability": "5.3", "memory": 3964})


def by_subject(
    nvidia: Nvidia,
    tensorrt: Probe = NO_TENSORRT,
    pycuda: Probe = NO_PYCUDA,
    packages: Mapping[str, str] = {},
    jetson: bool = False,
) -> Dict[str, Finding]:
    found: List[Finding] = gpu_findings(nvidia, tensorrt, pycuda, packages, jetson)
    return {finding.subject: finding for finding in found}


def test_a_machine_without_a_gpu_gets_one_note() -> None:
    found = by_subject(Nvidia())
    assert list(found) == ["NVIDIA GPU"]
    assert found["NVIDIA GPU"].level == "note"


def test_a_complete_nano_is_well() -> None:
    found = by_subject(
        Nvidia((), None, "10.2.300", "8.2.1", "8.2.1"), Probe({"version": "8.2.1.8"}), PYCUDA, jetson=True
    )
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["NVIDIA GPU"].value == "NVIDIA Tegra X1, compute capability 5.3, 3964 MiB"
    assert found["TensorRT"].value == "8.2.1.8"


def test_tensorrt_for_another_python_is_a_warning() -> None:
    found = by_subject(Nvidia((), None, "10.2.300", "8.2.1", "8.2.1"), jetson=True)
    assert found["TensorRT"].level == "warning"
    assert "8.2.1" in found["TensorRT"].value
    assert found["pycuda"].level == "note"
    assert pip_install("jetson") in found["pycuda"].meaning


def test_a_jetson_without_cuda_is_told_what_to_install() -> None:
    found = by_subject(Nvidia(), jetson=True)
    assert found["CUDA"].level == "warning"
    assert "nvidia-jetpack" in found["CUDA"].meaning


def test_a_tensorrt_that_crashes_is_a_warning_and_not_missing() -> None:
    crashed = Probe(reason="it crashed with SIGSEGV", signal=11)
    found = by_subject(Nvidia(("NVIDIA H100",), "550.54.15"), tensorrt=crashed)
    assert (found["TensorRT"].value, found["TensorRT"].level) == ("does not start", "warning")
    assert "SIGSEGV" in found["TensorRT"].meaning


def test_a_driver_that_is_too_old_for_cuda_is_told_in_its_words() -> None:
    reason = "LogicError: cuInit failed: CUDA driver version is insufficient for CUDA runtime version"
    found = by_subject(Nvidia(("NVIDIA T4",), "418.67"), pycuda=Probe(reason=reason))
    assert found["pycuda"].level == "warning"
    assert "insufficient" in found["pycuda"].meaning


def test_a_driver_without_a_gpu_is_a_container_without_gpus() -> None:
    found = by_subject(Nvidia((), "550.54.15"))
    assert "--gpus all" in found["NVIDIA GPU"].meaning


def test_cudnn_may_come_as_a_python_package() -> None:
    found = by_subject(Nvidia(("NVIDIA H100",), "550.54.15"), packages={"nvidia-cudnn-cu12": "9.1.0.70"})
    assert found["cuDNN"].value == "9.1.0.70 (nvidia-cudnn-cu12)"
