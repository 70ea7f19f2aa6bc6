"""Chooses what a network runs on: the best that is really there, or what the user wants."""

from __future__ import annotations

import importlib
import io
import logging
import shutil
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from fer_edge.classify import providers
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import DEFAULT_THREADS, OnnxClassifier, read_contract
from fer_edge.classify.progress import Progress, ticking
from fer_edge.classify.tensorrt.engine_build import MOST_FACES
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import BackendUnavailable, EngineError, MissingExtra, ModelCorrupt, StageFailed, UsageError
from fer_edge.inference.model_files import sha256_of
from fer_edge.inference.onnx_session import Provider, provider_failures
from fer_edge.system.libraries import LOAD_FAILURES, in_short, is_missing

logger = logging.getLogger("fer_edge")


@dataclass(frozen=True)
class Wanted:
    """What the user wants a network to run on.

    Attributes
    ----------
    backend : str
        ``tensorrt``, ``onnx`` or ``auto``.
    device : str
        ``cpu``, ``gpu`` or ``auto``.
    precision : str
        ``fp32``, ``fp16``, or ``auto``: half precision where it is fast.
    """

    backend: str = "auto"
    device: str = "auto"
    precision: str = "auto"

    def check(self) -> None:
        """Raise UsageError for wishes that exclude each other."""
        if self.backend == "tensorrt" and self.device == "cpu":
            raise UsageError("TensorRT does not run on the CPU.", "Use --backend onnx, or --device gpu.")
        if self.precision == "fp16" and self.device == "cpu":
            raise UsageError("The CPU computes in FP32.", "Use --precision fp32, or --device gpu.")


@dataclass(frozen=True)
class Candidate:
    """One way to run a network.

    Attributes
    ----------
    name : str
        For people.
    available : bool
        Whether its packages are here. Whether it starts is known only when it is tried.
    reason : str
        Why it is not available.
    """

    name: str
    available: bool
    reason: str = ""


ENGINE = "TensorRT engine"
ONNX_TENSORRT = "ONNX Runtime with TensorRT"
ONNX_CUDA = "ONNX Runtime with CUDA"
ONNX_CPU = "ONNX Runtime on the CPU"


def candidates() -> Tuple[Candidate, ...]:
    """List the ways to run a network, the best first, with what is missing for those that cannot be tried."""
    missing = [package for package in ("tensorrt", "pycuda") if find_spec(package) is None]
    plural = "are" if len(missing) > 1 else "is"
    engine = Candidate(ENGINE, not missing, f"{' and '.join(missing)} {plural} not installed" if missing else "")
    return (
        engine,
        _with_provider(ONNX_TENSORRT, providers.TENSORRT),
        _with_provider(ONNX_CUDA, providers.CUDA),
        _with_provider(ONNX_CPU, providers.CPU),
    )


def open_classifier(
    model: Path,
    wanted: Wanted = Wanted(),
    threads: int = DEFAULT_THREADS,
    cache: Optional[EngineCache] = None,
    progress: Progress = lambda line: None,
) -> ExpressionClassifier:
    """Open a network on the best that is there.

    Parameters
    ----------
    model : Path
        The ONNX file.
    wanted : Wanted
        What to choose among.
    threads : int
        Inference threads on the CPU.
    cache : EngineCache, optional
        Where TensorRT's engines are kept.
    progress : callable
        Gets a line to show while an engine is built.

    Raises
    ------
    UsageError
        The wishes exclude each other.
    BackendUnavailable
        Nothing that is wanted is there; the message says what each lacks.
    ModelError
        The file is no expression network.
    StageFailed
        It gives no numbers.
    """
    wanted.check()
    why_not: Dict[str, str] = {}
    for candidate in candidates():
        if not _is_wanted(candidate.name, wanted):
            continue
        if not candidate.available and candidate.name != ONNX_CPU:
            why_not[candidate.name] = candidate.reason
            continue
        try:
            classifier = _open(candidate.name, model, wanted, threads, cache or EngineCache(), progress)
        except (BackendUnavailable, EngineError, MissingExtra, StageFailed) as error:
            if candidate.name == ONNX_CPU:
                raise
            why_not[candidate.name] = error.message.rstrip(".")
            continue
        logger.info("classification: %s%s", candidate.name, f" ({_listed(why_not)})" if why_not else "")
        return classifier
    raise BackendUnavailable(
        f"Nothing can run {model.name} as wanted: {_listed(why_not)}.",
        "Install what is missing, or take what is there: --backend auto --device auto --precision auto",
    )


def _listed(why_not: Mapping[str, str]) -> str:
    by_reason: Dict[str, List[str]] = {}
    for name, reason in why_not.items():
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _with_provider(name: str, provider: str) -> Candidate:
    try:
        present = importlib.import_module("onnxruntime").get_available_providers()
    except LOAD_FAILURES as error:
        installed = not is_missing(error, "onnxruntime")
        reason = f"onnxruntime does not load: {in_short(error)}" if installed else "onnxruntime is not installed"
        return Candidate(name, False, reason)
    if provider not in present:
        return Candidate(name, False, "not in this build")
    return Candidate(name, True)


def _is_wanted(name: str, wanted: Wanted) -> bool:
    if wanted.backend != "auto" and (wanted.backend == "tensorrt") != (name == ENGINE):
        return False
    if wanted.device != "auto" and (wanted.device == "cpu") != (name == ONNX_CPU):
        return False
    return wanted.precision != "fp16" or name in (ENGINE, ONNX_TENSORRT)


def _open(
    name: str, model: Path, wanted: Wanted, threads: int, cache: EngineCache, progress: Progress
) -> ExpressionClassifier:
    if name == ENGINE:
        from fer_edge.classify.tensorrt.classifier import TensorRTClassifier

        return TensorRTClassifier(model, wanted.precision, cache, progress)
    if name == ONNX_CPU:
        return OnnxClassifier(model, threads=threads)
    # A file that is no network must not look like a provider that does not start.
    spec, input_name = read_contract(model)
    if name == ONNX_CUDA:
        release = importlib.import_module("onnxruntime").__version__
        return _on_gpu(model, threads, providers.CUDA, providers.cuda(release), "fp32")
    return _on_tensorrt(model, wanted.precision != "fp32", threads, spec.input_size, input_name, cache, progress)


def _on_tensorrt(
    model: Path, fp16: bool, threads: int, size: int, input_name: str, cache: EngineCache, progress: Progress
) -> ExpressionClassifier:
    """Open ONNX Runtime's TensorRT provider with its engines in a folder of this very model.

    ONNX Runtime's own names for its engines tell no weights apart: https://github.com/LeelaChessZero/lc0/issues/2214.
    """
    release = importlib.import_module("onnxruntime").__version__
    precision = "fp16" if fp16 else "fp32"
    name = f"{model.stem}-onnxruntime{release}-{precision}-{sha256_of(model)[:16]}"
    folder: Optional[Path] = None
    try:
        folder = cache.subfolder(name)
    except OSError as error:
        logger.warning(
            "the engine is not kept, and will be built again: %s cannot be written: %s", cache.folder, error.strerror
        )
    options = providers.tensorrt(fp16, folder, input_name, size, release)
    with cache.lock(name, progress), ticking(progress, "building ONNX Runtime's TensorRT engine"):
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
