"""Which of NVIDIA's parts are installed: driver, CUDA, cuDNN and TensorRT's library, by the files that they bring."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

from fer_edge.board.kernel_file import Root, read_text
from fer_edge.board.program import Runner, run_program

_PATIENCE = 10.0
_CUDA = "usr/local/cuda"
_INCLUDES = (
    "usr/include",
    "usr/include/aarch64-linux-gnu",
    "usr/include/x86_64-linux-gnu",
    f"{_CUDA}/include",
)
_LIBRARIES = ("usr/lib/aarch64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib64", f"{_CUDA}/lib64", "usr/local/lib")


@dataclass(frozen=True)
class Nvidia:
    """What is installed; None for what is not, or does not say its version.

    Attributes
    ----------
    gpus : tuple of str
        Names that nvidia-smi gives; empty on Jetsons up to JetPack 5, which have no nvidia-smi.
    driver : str, optional
        Version of the kernel module; the Nano's is a part of L4T and has none of its own.
    cuda, cudnn, tensorrt : str, optional
        Versions of the toolkit and the libraries.
    """

    gpus: Tuple[str, ...] = ()
    driver: Optional[str] = None
    cuda: Optional[str] = None
    cudnn: Optional[str] = None
    tensorrt: Optional[str] = None


def read_nvidia(root: Root = "/", run: Runner = run_program) -> Nvidia:
    """Look for each part."""
    gpus, driver = _ask_smi(run)
    return Nvidia(
        gpus,
        _loaded_driver(root) or driver,
        _cuda(root, run),
        _cudnn_header(root) or _library(root, "libcudnn.so"),
        _library(root, "libnvinfer.so"),
    )


def _ask_smi(run: Runner) -> Tuple[Tuple[str, ...], Optional[str]]:
    ran = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], _PATIENCE)
    if ran is None or ran.status != 0:
        return (), None
    rows = [[cell.strip() for cell in line.split(",")] for line in ran.output.splitlines() if line.count(",") == 1]
    versions = [version for _, version in rows if re.fullmatch(r"\d+(\.\d+)+", version)]
    return tuple(name for name, _ in rows), versions[0] if versions else None


def _loaded_driver(root: Root) -> Optional[str]:
    """Read ``NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build ...``."""
    found = re.search(
        r"^NVRM version:.*?Kernel Module.*?\s(\d+\.\d+(?:\.\d+)*)\s",
        (read_text(root, "proc/driver/nvidia/version") or "") + "\n",
        re.MULTILINE,
    )
    return found.group(1) if found else None


def _cuda(root: Root, run: Runner) -> Optional[str]:
    # From CUDA 11.1 on the file is JSON.
    try:
        version = json.loads(read_text(root, f"{_CUDA}/version.json") or "{}")["cuda"]["version"]
        if isinstance(version, str):
            return version
    except (ValueError, KeyError, TypeError):
        pass
    found = re.search(r"CUDA Version (\d+(?:\.\d+)*)", read_text(root, f"{_CUDA}/version.txt") or "")
    if found is None:
        for program in (str(Path(root) / _CUDA / "bin/nvcc"), "nvcc"):
            ran = run([program, "--version"], _PATIENCE)
            found = re.search(r"\bV(\d+\.\d+\.\d+)", ran.output) if ran is not None else None
            if found:
                break
    return found.group(1) if found else None


def _cudnn_header(root: Root) -> Optional[str]:
    for folder in _INCLUDES:
        # Before cuDNN 8 the version stood in the main header.
        for name in ("cudnn_version.h", "cudnn.h"):
            text = read_text(root, f"{folder}/{name}") or ""
            parts = [re.search(rf"#define CUDNN_{part}\s+(\d+)", text) for part in ("MAJOR", "MINOR", "PATCHLEVEL")]
            if all(parts):
                return ".".join(part.group(1) for part in parts if part)
    return None


def _library(root: Root, name: str) -> Optional[str]:
    """Return the version in the name of a shared library: the longest, since links to it have shorter ones."""
    versions = [
        found.name[len(name) + 1 :]
        for folder in _LIBRARIES
        for found in sorted((Path(root) / folder).glob(f"{name}.*"))
    ]
    known = [version for version in versions if re.fullmatch(r"\d+(\.\d+)*", version)]
    return max(known, key=len, default=None)
