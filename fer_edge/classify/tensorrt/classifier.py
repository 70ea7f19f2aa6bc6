"""Expression networks on TensorRT: the engine is built once on the machine that runs it, and kept."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path
from typing import Callable, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.int8_file import refuse_on_gpu
from fer_edge.classify.onnx import read_contract
from fer_edge.classify.tensorrt.cuda import CudaDevice
from fer_edge.classify.tensorrt.engine import Engine, import_tensorrt
from fer_edge.classify.tensorrt.engine_build import MOST_FACES, BuildOptions, build_engine, fast_fp16
from fer_edge.classify.tensorrt.engine_cache import EngineCache, EngineKey
from fer_edge.classify.tensors import NetworkTensors
from fer_edge.errors import BackendUnavailable, EngineRefused
from fer_edge.inference.onnx_file import read_onnx
from fer_edge.system.progress import ticking
from fer_edge.types import LABELS, Expression

logger = logging.getLogger("fer_edge")


class TensorRTClassifier(ExpressionClassifier):
    """Runs an expression network as a TensorRT engine, on a CUDA context and a stream of its own.

    The engine comes from the cache; where there is none for this model, GPU and version, or it is not whole, it is built,
    which takes minutes on a Jetson Nano.

    Parameters
    ----------
    model : str or Path
        The ONNX file.
    precision : str
        ``fp16``, ``fp32``, or ``auto``: half precision where the GPU is fast at it and TensorRT can still make it.
    cache : EngineCache, optional
        Where engines are kept.
    progress : callable
        Gets a line to show while an engine is built.
    rebuild : bool
        Build anew even where the cache has one.

    Raises
    ------
    MissingExtra, BackendUnavailable
        TensorRT, pycuda or a GPU is missing, or the precision is not to be had.
    EngineError
        The engine cannot be built or run.
    ModelError
        The file is no expression network.
    """

    def __init__(
        self,
        model: Union[str, Path],
        precision: str = "auto",
        cache: Optional[EngineCache] = None,
        progress: Callable[[str], None] = lambda line: None,
        rebuild: bool = False,
    ) -> None:
        tensorrt = import_tensorrt()
        self._closed = False
        content = read_onnx(model)
        self.spec, _ = read_contract(model)
        refuse_on_gpu(self.spec, model)
        self._tensors = NetworkTensors(self.spec)
        self._cache, self._progress = cache or EngineCache(), progress
        self._device = CudaDevice()
        try:
            self.engine_file: Optional[Path] = None
            with self._device.current():
                self.precision = _precision(precision)
                self._engine = self._open(Path(model).stem, content, tensorrt.__version__, rebuild)
        except BaseException:
            self._device.close()
            raise
        self.provider = f"TensorRT {tensorrt.__version__} on {self._device.name}"
        try:
            self.classify(np.zeros((1, self.spec.input_size, self.spec.input_size, 3), np.uint8))
        except BaseException:
            self.close()
            raise

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Name the expression of each crop, in batches of at most `MOST_FACES`."""
        if self._closed:
            raise ValueError("the classifier was closed")
        expressions: Tuple[Expression, ...] = ()
        for start in range(0, len(crops), self._engine.most):
            part = crops[start : start + self._engine.most]
            self._tensors.feed(part, out=self._engine.input(len(part)))
            with self._device.current():
                # A copy: a traceback must not keep the engine's page-locked memory longer than the context.
                logits = self._engine.run(len(part)).copy()
            expressions += self._tensors.expressions(logits)
        return expressions

    def close(self) -> None:
        """Release engine, memory, stream and context, in the thread that made them."""
        if not self._closed:
            with self._device.current():
                self._engine.close()
            self._device.close()
            self._closed = True

    def _open(self, name: str, content: bytes, version: str, rebuild: bool) -> Engine:
        major, minor = self._device.compute_capability
        key = EngineKey(
            name,
            hashlib.sha256(content).hexdigest(),
            version,
            self._device.name,
            f"{major}.{minor}",
            self.precision,
            MOST_FACES,
        )
        with self._cache.lock(key.file_name, self._progress):
            plan = None if rebuild else self._cache.load(key)
            if plan is not None:
                try:
                    self.engine_file = self._cache.folder / key.file_name
                    return self._engine_of(plan)
                except EngineRefused as error:
                    logger.warning("%s Building it again.", error.message)
            return self._build(content, key)

    def _build(self, content: bytes, key: EngineKey) -> Engine:
        self._cache.prepare()
        logger.info(
            "building the TensorRT engine of %s (%s) on %s; this is done once and takes minutes on a small board",
            key.model,
            key.precision,
            key.gpu,
        )
        started = time.monotonic()
        with ticking(self._progress, "building the TensorRT engine"):
            plan = build_engine(content, BuildOptions(fp16=key.precision == "fp16", most=key.most_faces))
        self.engine_file = self._cache.store(key, plan)
        logger.info(
            "built in %.0f s%s", time.monotonic() - started, f": {self.engine_file}" if self.engine_file else ""
        )
        return self._engine_of(plan)

    def _engine_of(self, plan: bytes) -> Engine:
        size = self.spec.input_size
        return Engine(plan, self._device, MOST_FACES, (3, size, size), len(LABELS))


def _precision(wanted: str) -> str:
    if wanted == "fp32":
        return wanted
    possible, why_not = fast_fp16(import_tensorrt())
    if wanted == "fp16" and not possible:
        raise BackendUnavailable(f"FP16 is not to be had: {why_not}.", "Use --precision fp32 or auto.")
    if not possible:
        logger.info("TensorRT computes in FP32: %s", why_not)
    return "fp16" if possible else "fp32"
