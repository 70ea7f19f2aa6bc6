"""ONNX Runtime's providers with the options that suit small machines, in words that releases from 1.8 on understand."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, Optional, Tuple

from fer_edge.classify.tensorrt.engine_build import MOST_FACES, WORKSPACE
from fer_edge.inference.onnx_session import Provider

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"

GPU_MEMORY = 512 << 20
"""Bytes that ONNX Runtime may take of the GPU's memory; on a Nano it is the machine's own."""

TF32_SINCE = (1, 18)
"""The release from which on CUDA's provider can be kept from computing in TF32; before, an Ampere GPU or newer does so."""

SHAPES_SINCE = (1, 15)
"""The release from which on TensorRT's provider is told the range of the batch; before, it builds anew as the range grows."""


def cpu() -> Tuple[Provider, ...]:
    """Return the provider that is everywhere."""
    return (CPU,)


def cuda(release: str) -> Tuple[Provider, ...]:
    """Return CUDA, and the CPU for what it does not do.

    Convolutions are chosen by rule and not by trial: a trial would be made anew, in the middle of the run, for each number of
    faces. The memory grows by what is needed and not by powers of two.

    Parameters
    ----------
    release : str
        ONNX Runtime's version.
    """
    options = {
        "device_id": "0",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
        "do_copy_in_default_stream": "1",
        "gpu_mem_limit": str(GPU_MEMORY),
    }
    if _at_least(release, TF32_SINCE):
        options["use_tf32"] = "0"
    return (CUDA, options), CPU


def tensorrt(fp16: bool, cache: Optional[Path], input_name: str, input_size: int, release: str) -> Tuple[Provider, ...]:
    """Return TensorRT, and CUDA and the CPU for what it does not do.

    Parameters
    ----------
    fp16 : bool
        Whether it may compute in half precision; on a GPU that is not fast at it ONNX Runtime does not.
    cache : Path, optional
        Folder for its engines, which it names itself; without one they are not kept.
    input_name : str
        Of the network.
    input_size : int
        Height and width of the input.
    release : str
        ONNX Runtime's version.
    """
    kept = _utf8(cache) if cache else None
    # Releases differ in whether they take a bool; all take these words.
    options: Dict[str, str] = {
        "device_id": "0",
        "trt_fp16_enable": "True" if fp16 else "False",
        "trt_engine_cache_enable": "True" if kept else "False",
        "trt_max_workspace_size": str(WORKSPACE),
    }
    if kept:
        options["trt_engine_cache_path"] = kept
    if _at_least(release, SHAPES_SINCE):
        for word, count in (("min", 1), ("opt", 1), ("max", MOST_FACES)):
            options[f"trt_profile_{word}_shapes"] = f"{input_name}:{count}x3x{input_size}x{input_size}"
    return ((TENSORRT, options), *cuda(release))


def _at_least(release: str, since: Tuple[int, int]) -> bool:
    return tuple(int(part) for part in re.findall(r"\d+", release)[:2]) >= since


def _utf8(path: Path) -> Optional[str]:
    """Return a path as ONNX Runtime takes it; None where it is no UTF-8, whatever the locale."""
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        return None
