"""What an expression network can run on, by name. One more is a module beside this one, and an entry in `BACKENDS`.

Reading this module imports no library, so that settings, help and doctor can take the names from it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Callable, Mapping, Tuple

from fer_edge.classify.request import Request
from fer_edge.system.libraries import LOAD_FAILURES, in_short, is_missing

if TYPE_CHECKING:
    from fer_edge.classify.base import ExpressionClassifier

DEFAULT_MODEL = "fernet_r"
"""The expression network that is used where none is named."""


@dataclass(frozen=True)
class BackendEntry:
    """One way to run a network.

    Attributes
    ----------
    backend : str
        Its name for ``--backend``, which others may share.
    device : str
        ``cpu`` or ``gpu``.
    precisions : tuple of str
        What it can compute in.
    missing : callable
        Returns why it cannot be tried here, such as a package that is not installed; empty where it can.
    build : callable
        Opens the classifier. It imports what the backend needs.
    everywhere : bool
        It is tried whatever `missing` says, and its error is the one that is told.
    by_name_only : bool
        It is taken only where somebody asks for it by its name, and device and precision are asked of what steps in for it.
    """

    backend: str
    device: str
    precisions: Tuple[str, ...]
    missing: Callable[[], str]
    build: Callable[[Request], ExpressionClassifier]
    everywhere: bool = False
    by_name_only: bool = False


def _tensorrt_missing() -> str:
    missing = [package for package in ("tensorrt", "pycuda") if find_spec(package) is None]
    plural = "are" if len(missing) > 1 else "is"
    return f"{' and '.join(missing)} {plural} not installed" if missing else ""


def _provider_missing(provider: str) -> Callable[[], str]:
    def missing() -> str:
        try:
            present = importlib.import_module("onnxruntime").get_available_providers()
        except LOAD_FAILURES as error:
            installed = not is_missing(error, "onnxruntime")
            return f"onnxruntime does not load: {in_short(error)}" if installed else "onnxruntime is not installed"
        return "" if provider in present else "not in this build"

    return missing


def _engine(request: Request) -> ExpressionClassifier:
    from fer_edge.classify.tensorrt.classifier import TensorRTClassifier

    return TensorRTClassifier(request.model, request.precision, request.cache, request.progress)


def _onnx_tensorrt(request: Request) -> ExpressionClassifier:
    from fer_edge.classify.onnx_gpu import open_on_tensorrt

    return open_on_tensorrt(request)


def _onnx_cuda(request: Request) -> ExpressionClassifier:
    from fer_edge.classify.onnx_gpu import open_on_cuda

    return open_on_cuda(request)


def _onnx_cpu(request: Request) -> ExpressionClassifier:
    from fer_edge.classify.onnx_cpu import open_on_cpu

    return open_on_cpu(request)


def _kserve(request: Request) -> ExpressionClassifier:
    from fer_edge.classify.remote.open import open_remote

    return open_remote(request.model, request.server, request.local)


ENGINE = "TensorRT engine"
ONNX_TENSORRT = "ONNX Runtime with TensorRT"
ONNX_CUDA = "ONNX Runtime with CUDA"
ONNX_CPU = "ONNX Runtime on the CPU"
KSERVE = "a KServe server"

_BOTH = ("fp32", "fp16")

BACKENDS: Mapping[str, BackendEntry] = {
    ENGINE: BackendEntry("tensorrt", "gpu", _BOTH, _tensorrt_missing, _engine),
    ONNX_TENSORRT: BackendEntry("onnx", "gpu", _BOTH, _provider_missing("TensorrtExecutionProvider"), _onnx_tensorrt),
    ONNX_CUDA: BackendEntry("onnx", "gpu", ("fp32",), _provider_missing("CUDAExecutionProvider"), _onnx_cuda),
    ONNX_CPU: BackendEntry(
        "onnx", "cpu", ("fp32", "int8"), _provider_missing("CPUExecutionProvider"), _onnx_cpu, everywhere=True
    ),
    KSERVE: BackendEntry("kserve", "", (), lambda: "", _kserve, everywhere=True, by_name_only=True),
}
"""Every way to run a network by its name for people, the best first."""

BACKEND_NAMES = ("auto", *dict.fromkeys(entry.backend for entry in BACKENDS.values()))
"""What ``--backend`` takes."""

DEVICE_NAMES = ("auto", *sorted({entry.device for entry in BACKENDS.values() if entry.device}))
"""What ``--device`` takes."""

PRECISION_NAMES = ("auto", *dict.fromkeys(name for entry in BACKENDS.values() for name in entry.precisions))
"""What ``--precision`` takes."""
