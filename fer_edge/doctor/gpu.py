"""Findings about NVIDIA's GPU and what is needed to compute on it."""

from __future__ import annotations

from typing import List, Mapping

from fer_edge.board.nvidia import Nvidia
from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.system.installation import pip_install

# The runtime is what finds out that the driver is too old.
TRY_TENSORRT = """
import tensorrt
if tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR)) is None:
    raise RuntimeError("its runtime does not start")
facts = {"version": tensorrt.__version__}
"""

TRY_PYCUDA = """
import pycuda, pycuda.driver as driver
driver.init()
device = driver.Device(0)
facts = {
    "version": pycuda.VERSION_TEXT,
    "gpu": device.name(),
    "capability": ".".join(map(str, device.compute_capability())),
    "memory": device.total_memory() >> 20,
}
"""

_TOPIC = "GPU"


def gpu_findings(
    nvidia: Nvidia, tensorrt: Probe, pycuda: Probe, packages: Mapping[str, str], jetson: bool
) -> List[Finding]:
    """Return whether there is a GPU, and what of CUDA, cuDNN, TensorRT and pycuda is there.

    Parameters
    ----------
    tensorrt, pycuda : Probe
        Of `TRY_TENSORRT` and `TRY_PYCUDA`.
    packages : mapping of str to str
        Installed Python packages and their versions, since cuDNN may come as one.
    """
    if not jetson and not nvidia.gpus and nvidia.driver is None and not pycuda.facts:
        return [Finding(_TOPIC, "NVIDIA GPU", "none found", NOTE, "The networks run on the processor.")]
    found = [_device(nvidia, pycuda, jetson)]
    if nvidia.driver:
        found.append(Finding(_TOPIC, "driver", nvidia.driver, OK, "The version of the kernel module."))
    elif jetson:
        found.append(Finding(_TOPIC, "driver", "part of L4T", OK, "Its version is that of L4T."))
    else:
        meaning = "nvidia-smi says a GPU, but no version: install the driver again."
        found.append(Finding(_TOPIC, "driver", "unknown", WARNING, meaning))
    found.append(_cuda(nvidia, jetson))
    found.append(_cudnn(nvidia, packages))
    found.append(_tensorrt(nvidia, tensorrt))
    found.append(_pycuda(pycuda))
    return found


def _device(nvidia: Nvidia, pycuda: Probe, jetson: bool) -> Finding:
    subject = "NVIDIA GPU"
    if pycuda.facts:
        device = pycuda.facts
        value = f"{device['gpu']}, compute capability {device['capability']}, {device['memory']} MiB"
        return Finding(_TOPIC, subject, value, OK, "CUDA started and named it.")
    if nvidia.gpus:
        return Finding(_TOPIC, subject, ", ".join(nvidia.gpus), OK, "As nvidia-smi names it.")
    if jetson:
        return Finding(_TOPIC, subject, "part of the board", OK, "Whether CUDA starts on it, pycuda tells.")
    meaning = "A driver is loaded, but it shows no GPU: in a container, start it with  --gpus all"
    return Finding(_TOPIC, subject, "none found", WARNING, meaning)


def _cuda(nvidia: Nvidia, jetson: bool) -> Finding:
    if nvidia.cuda:
        return Finding(_TOPIC, "CUDA", nvidia.cuda, OK, "The toolkit in /usr/local/cuda, or the one of nvcc.")
    if jetson:
        meaning = (
            "Install it with:  sudo apt install nvidia-jetpack  (in a container it comes from the host or the image)"
        )
        return Finding(_TOPIC, "CUDA", "not found", WARNING, meaning)
    meaning = "No toolkit is installed: pycuda cannot be built, and ONNX Runtime needs CUDA as Python packages."
    return Finding(_TOPIC, "CUDA", "not found", NOTE, meaning)


def _cudnn(nvidia: Nvidia, packages: Mapping[str, str]) -> Finding:
    package = next((name for name in sorted(packages) if name.startswith("nvidia-cudnn")), None)
    if nvidia.cudnn:
        return Finding(_TOPIC, "cuDNN", nvidia.cudnn, OK, "ONNX Runtime's CUDA provider uses it.")
    if package:
        return Finding(_TOPIC, "cuDNN", f"{packages[package]} ({package})", OK, "It comes as a Python package.")
    meaning = "ONNX Runtime's CUDA provider does not start without it; a TensorRT engine does."
    return Finding(_TOPIC, "cuDNN", "not found", NOTE, meaning)


def _tensorrt(nvidia: Nvidia, tensorrt: Probe) -> Finding:
    if tensorrt.facts:
        return Finding(_TOPIC, "TensorRT", tensorrt.facts["version"], OK, "Its runtime starts.")
    if tensorrt.missing == "tensorrt":
        if nvidia.tensorrt is None:
            return Finding(_TOPIC, "TensorRT", "not installed", NOTE, "The networks run with ONNX Runtime instead.")
        value = f"{nvidia.tensorrt}, but not for this Python"
        meaning = (
            "The library is here, its bindings for this Python are not; JetPack brings those of the system's Python."
        )
        return Finding(_TOPIC, "TensorRT", value, WARNING, meaning)
    meaning = f"Starting it failed: {tensorrt.reason}. The networks run with ONNX Runtime instead."
    return Finding(_TOPIC, "TensorRT", "does not start", WARNING, meaning)


def _pycuda(pycuda: Probe) -> Finding:
    if pycuda.facts:
        return Finding(_TOPIC, "pycuda", pycuda.facts["version"], OK, "TensorRT engines get their memory through it.")
    if pycuda.missing == "pycuda":
        meaning = f"Without it no TensorRT engine runs. Install it with:  {pip_install('jetson')}"
        return Finding(_TOPIC, "pycuda", "not installed", NOTE, meaning)
    meaning = f"CUDA does not start with it: {pycuda.reason}. Check the driver, and that CUDA's version fits it."
    return Finding(_TOPIC, "pycuda", "does not start", WARNING, meaning)
