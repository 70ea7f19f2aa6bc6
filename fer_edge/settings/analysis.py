"""How faces are found and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fer_edge.classify.registry import BACKEND_NAMES, DEFAULT_MODEL, DEVICE_NAMES, PRECISION_NAMES
from fer_edge.detect.registry import DEFAULT_DETECTOR, DETECTORS
from fer_edge.settings.field import setting
from fer_edge.settings.values import FLAG, PATH, SHARE, THREADS, choice


@dataclass(frozen=True)
class AnalysisSettings:
    """How faces are found and read."""

    detector: str = setting(
        "detector",
        DEFAULT_DETECTOR,
        choice(*DETECTORS),
        "NAME",
        "analysis",
        f"face detector: {', '.join(DETECTORS)}; auto finds faces near and far, blazeface near ones at the least cost",
    )
    min_score: float = setting(
        "min_score", 0.5, SHARE, "SCORE", "analysis", "leave out faces that the detector is less sure of"
    )
    model: str = setting(
        "model", DEFAULT_MODEL, PATH, "NAME|FILE", "analysis", "expression network: a shipped name or an ONNX file"
    )
    backend: str = setting(
        "backend",
        "auto",
        choice(*BACKEND_NAMES),
        "NAME",
        "analysis",
        "what the classifier runs on: tensorrt (an engine, built once), onnx (ONNX Runtime), kserve (the server of --server), "
        "or auto, the best that is there of the first two",
    )
    device: str = setting(
        "device", "auto", choice(*DEVICE_NAMES), "NAME", "analysis", "processor of the classifier: cpu, gpu or auto"
    )
    precision: str = setting(
        "precision",
        "auto",
        choice(*PRECISION_NAMES),
        "NAME",
        "analysis",
        "fp32, fp16 (GPU), int8 (CPU), or what is fastest there: half precision or INT8 where the processor is fast at it",
    )
    detect_threads: int = setting("detect_threads", 1, THREADS, "N", "analysis", "inference threads of the detector")
    threads: Optional[int] = setting(
        "threads",
        None,
        THREADS,
        "N",
        "analysis",
        "most threads that classify, each on frames of its own (default: one for each core that may be used, up to 8)",
    )
    blur: bool = setting(
        "blur",
        False,
        FLAG,
        "BOOL",
        "analysis",
        "blur the faces that are found, in everything that is shown, recorded or saved; "
        "--detector auto then searches everywhere in each frame",
    )
