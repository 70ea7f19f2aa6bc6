"""Chooses what a network runs on: the best that is really there, or what the user wants."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import DEFAULT_THREADS
from fer_edge.classify.registry import BACKENDS, BackendEntry
from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.request import Request
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import BackendUnavailable, EngineError, MissingExtra, StageFailed, UsageError
from fer_edge.system.progress import Progress

logger = logging.getLogger("fer_edge")


@dataclass(frozen=True)
class Wanted:
    """What the user wants a network to run on.

    Attributes
    ----------
    backend : str
        ``tensorrt``, ``onnx``, ``kserve`` or ``auto``.
    device : str
        ``cpu``, ``gpu`` or ``auto``.
    precision : str
        ``fp32``, ``fp16``, ``int8``, or ``auto``: less than FP32 where that is faster.
    """

    backend: str = "auto"
    device: str = "auto"
    precision: str = "auto"

    def instead_of_a_server(self) -> Wanted:
        """Return what steps in for a server: the CPU, unless a GPU is asked for, whose engine takes minutes to build."""
        backend, device = ("auto", "gpu") if self.device == "gpu" else ("onnx", "cpu")
        return Wanted(backend, device, self.precision)

    def check(self) -> None:
        """Raise UsageError for wishes that exclude each other."""
        if any(entry.by_name_only and entry.backend == self.backend for entry in BACKENDS.values()):
            self.instead_of_a_server().check()
        if self.backend == "tensorrt" and self.device == "cpu":
            raise UsageError("TensorRT does not run on the CPU.", "Use --backend onnx, or --device gpu.")
        if self.precision == "fp16" and self.device == "cpu":
            raise UsageError("The CPU computes in FP32 or INT8.", "Use --precision fp32 or int8, or --device gpu.")
        if self.precision == "int8" and (self.backend == "tensorrt" or self.device == "gpu"):
            raise UsageError(
                "INT8 is for the CPU: on a GPU the FP32 file is run, by TensorRT with FP16 where that is fast.",
                "Use --precision auto, or --backend onnx --device cpu.",
            )


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


def candidates() -> Tuple[Candidate, ...]:
    """Return the ways to run a network, the best first, with what is missing for those that cannot be tried."""
    reasons = {name: entry.missing() for name, entry in BACKENDS.items() if not entry.by_name_only}
    return tuple(Candidate(name, not reason, reason) for name, reason in reasons.items())


def open_classifier(
    model: Path,
    wanted: Wanted = Wanted(),
    threads: int = DEFAULT_THREADS,
    cache: Optional[EngineCache] = None,
    progress: Progress = lambda line: None,
    server: Optional[ServerAccess] = None,
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
        Where TensorRT's engines are kept; what was measured of FP32 and INT8 is kept beside it.
    progress : callable
        Gets a line to show while an engine is built.
    server : ServerAccess, optional
        For the backend ``kserve``: which server, and how it is spoken to.

    Raises
    ------
    UsageError
        The wishes exclude each other.
    ServerError
        A server is wanted, and is not there or not fit.
    BackendUnavailable
        Nothing that is wanted is there; the message says what each lacks.
    ModelError
        The file is no expression network.
    StageFailed
        It gives no numbers.
    """
    wanted.check()
    cache = cache or EngineCache()

    instead = wanted.instead_of_a_server()

    def local() -> ExpressionClassifier:
        return _open(Request(model, instead.precision, threads, cache, progress), instead, "in reserve")

    return _open(Request(model, wanted.precision, threads, cache, progress, server, local), wanted, "classification")


def _open(request: Request, wanted: Wanted, role: str) -> ExpressionClassifier:
    why_not: Dict[str, str] = {}
    for name, entry in BACKENDS.items():
        if not _is_wanted(entry, wanted):
            continue
        reason = "" if entry.everywhere else entry.missing()
        if reason:
            why_not[name] = reason
            continue
        try:
            classifier = entry.build(request)
        except (BackendUnavailable, EngineError, MissingExtra, StageFailed) as error:
            if entry.everywhere:
                raise
            why_not[name] = error.message.rstrip(".")
            continue
        logger.info("%s: %s%s", role, name, f" ({_listed(why_not)})" if why_not else "")
        return classifier
    raise BackendUnavailable(
        f"Nothing can run {request.model.name} as wanted: {_listed(why_not)}.",
        "Install what is missing, or take what is there: --backend auto --device auto --precision auto",
    )


def _listed(why_not: Mapping[str, str]) -> str:
    by_reason: Dict[str, List[str]] = {}
    for name, reason in why_not.items():
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _is_wanted(entry: BackendEntry, wanted: Wanted) -> bool:
    if entry.by_name_only:
        return wanted.backend == entry.backend
    return (
        wanted.backend in ("auto", entry.backend)
        and wanted.device in ("auto", entry.device)
        and wanted.precision in ("auto", *entry.precisions)
    )
