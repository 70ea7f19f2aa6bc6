"""What a backend is asked to open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from fer_edge.system.progress import Progress

if TYPE_CHECKING:
    from fer_edge.classify.base import ExpressionClassifier
    from fer_edge.classify.remote.access import ServerAccess
    from fer_edge.classify.tensorrt.engine_cache import EngineCache


@dataclass(frozen=True)
class Request:
    """What is to be opened.

    Attributes
    ----------
    model : Path
        The ONNX file.
    precision : str
        ``fp32``, ``fp16``, ``int8``, or ``auto``: less than FP32 where that is faster.
    threads : int
        Inference threads on the CPU.
    cache : EngineCache
        Where TensorRT's engines are kept; beside it, what was measured.
    progress : callable
        Gets a line to show while an engine is built.
    server : ServerAccess, optional
        Which server is asked, and how; only of the backend that asks one.
    local : callable, optional
        Opens what steps in for that server.
    """

    model: Path
    precision: str
    threads: int
    cache: EngineCache
    progress: Progress
    server: Optional[ServerAccess] = None
    local: Optional[Callable[[], ExpressionClassifier]] = None
