"""ONNX Runtime on a GPU: with TensorRT or with CUDA."""

from __future__ import annotations

import importlib
import io
import logging
import shutil
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Iterator, Optional, Sequence

from fer_edge.classify import providers
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.int8_file import refuse_on_gpu
from fer_edge.classify.onnx import OnnxClassifier, read_contract
from fer_edge.classify.request import Request
from fer_edge.classify.tensorrt.engine_build import MOST_FACES
from fer_edge.errors import BackendUnavailable, ModelCorrupt
from fer_edge.inference.model_files import sha256_of
from fer_edge.inference.onnx_session import Provider, provider_failures
from fer_edge.system.libraries import in_short
from fer_edge.system.progress import ticking

logger = logging.getLogger("fer_edge")


def open_on_cuda(request: Request) -> ExpressionClassifier:
    """Open a network with ONNX Runtime's CUDA provider.

    Raises
    ------
    BackendUnavailable
        It does not start, or does not run.
    ModelError
        The file is no expression network.
    """
    # A file that is no network must not look like a provider that does not start.
    spec, _ = read_contract(request.model)
    refuse_on_gpu(spec, request.model)
    release = importlib.import_module("onnxruntime").__version__
    return _on_gpu(request.model, request.threads, providers.CUDA, providers.cuda(release), "fp32")


def open_on_tensorrt(request: Request) -> ExpressionClassifier:
    """Open a network with ONNX Runtime's TensorRT provider, its engines in a folder of this very model.

    ONNX Runtime's own names for its engines tell no weights apart: https://github.com/LeelaChessZero/lc0/issues/2214.

    Raises
    ------
    BackendUnavailable
        It does not start, or does not run.
    ModelError
        The file is no expression network.
    """
    model, threads, cache = request.model, request.threads, request.cache
    # A file that is no network must not look like a provider that does not start.
    spec, input_name = read_contract(model)
    refuse_on_gpu(spec, model)
    fp16 = request.precision != "fp32"
    precision = "fp16" if fp16 else "fp32"
    release = importlib.import_module("onnxruntime").__version__
    name = f"{model.stem}-onnxruntime{release}-{precision}-{sha256_of(model)[:16]}"
    folder: Optional[Path] = None
    try:
        folder = cache.subfolder(name)
    except OSError as error:
        logger.warning(
            "the engine is not kept, and will be built again: %s cannot be written: %s", cache.folder, error.strerror
        )
    options = providers.tensorrt(fp16, folder, input_name, spec.input_size, release)
    with cache.lock(name, request.progress), ticking(request.progress, "building ONNX Runtime's TensorRT engine"):
        try:
            return _on_gpu(model, threads, providers.TENSORRT, options, precision)
        except BackendUnavailable as error:
            if folder is None or not any(folder.iterdir()):
                raise
            logger.warning("%s Building its engine again.", error.message)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
            return _on_gpu(model, threads, providers.TENSORRT, options, precision)


@contextmanager
def _printed_lines_logged() -> Iterator[None]:
    """Log what ONNX Runtime prints of a provider: the standard output may belong to the results, the other to a log of JSON."""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            yield
    finally:
        for line in filter(None, map(str.strip, said.getvalue().splitlines())):
            logger.warning("a library says: %s", line, extra={"event": "library"})


def _on_gpu(
    model: Path, threads: int, provider: str, options: Sequence[Provider], precision: str
) -> ExpressionClassifier:
    """Open a session there, and refuse one that ONNX Runtime has quietly put on another provider."""
    runtime = importlib.import_module("onnxruntime")
    with _printed_lines_logged():
        if hasattr(runtime, "preload_dlls"):
            # CUDA's libraries may come as Python packages, where the loader does not look by itself.
            runtime.preload_dlls()
        try:
            # The widest batch: older releases of TensorRT's provider learn its range from what they are given.
            classifier = OnnxClassifier(model, threads, providers=options, precision=precision, warm_up=MOST_FACES)
        except ModelCorrupt as error:
            raise BackendUnavailable(
                f"{provider} does not start: {in_short(error.__cause__ or error)}", "See fer-edge doctor."
            ) from error
        except provider_failures() as error:
            raise BackendUnavailable(f"{provider} does not run: {in_short(error)}", "See fer-edge doctor.") from error
    if classifier.provider == provider:
        return classifier
    classifier.close()
    raise BackendUnavailable(
        f"{provider} does not start, for want of a GPU, a driver or a library", "See fer-edge doctor."
    )
