"""A network on the CPU, in FP32 or in INT8: INT8 where the processor has what makes it faster, and where it is."""

from __future__ import annotations

import logging
import os
import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Callable, List, Optional, Tuple

import numpy as np

from fer_edge.board.instructions import int8_instructions
from fer_edge.board.kernel_file import Root
from fer_edge.board.machine import cpu_name
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.int8_file import INT8, int8_path, open_int8
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.remembered_timing import RememberedTimings, Timing, TimingKey
from fer_edge.classify.request import Request
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import ModelError, UsageError
from fer_edge.inference.model_files import sha256_of
from fer_edge.inference.onnx_session import import_runtime
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

LEAST_GAIN = 1.1
"""How many times faster INT8 has to be: for less, FP32's answers are worth more."""

MOST_ROUNDS, LEAST_ROUNDS = 15, 3
"""How often both are timed, and how often they must have been for the times to tell something."""

MOST_SECONDS = 0.5
"""After which no round begins; the processors that are timed take a few milliseconds for one."""

Measure = Callable[[ExpressionClassifier, ExpressionClassifier], Optional[Timing]]


@dataclass(frozen=True)
class Outlook:
    """What ``--precision auto`` comes to on the CPU.

    Attributes
    ----------
    precision : str
        ``fp32`` or ``int8``; empty where both must be timed.
    reason : str
        Why, for people.
    key : TimingKey, optional
        Under which the times are kept; None where they play no part.
    """

    precision: str
    reason: str
    key: Optional[TimingKey] = None


def outlook_of(model: Path, threads: int, timings: RememberedTimings, root: Root = "/") -> Outlook:
    """Return what ``--precision auto`` comes to on the CPU, as far as it is known without running anything.

    Parameters
    ----------
    model : Path
        The network in FP32.
    threads : int
        Inference threads.
    timings : RememberedTimings
        What was measured before.
    root : str or Path
        Of the file system, in which the processor is described.
    """
    if not os.path.isfile(int8_path(model)):
        return Outlook("fp32", f"{model.name} has no file in INT8")
    instructions = int8_instructions(root)
    if instructions is None:
        return Outlook("fp32", "this system does not say whether the processor has instructions for INT8")
    if not instructions:
        return Outlook(
            "fp32", "this processor has no instructions for INT8 (AVX-512 VNNI, AVX-VNNI, Arm dot product or i8mm)"
        )
    processor = f"{cpu_name(root) or 'unknown'}, {platform.machine()}, {', '.join(instructions)}"
    release = import_runtime().__version__
    try:
        key = TimingKey(processor, release, sha256_of(model), sha256_of(int8_path(model)), threads)
    except OSError as error:
        return Outlook("fp32", f"the files of {model.stem} cannot be read: {error.strerror}")
    timing = timings.load(key)
    if timing is None:
        return Outlook("", f"this processor has {' and '.join(instructions)}; the first run times both", key)
    return _decided(timing, key, ", as measured before")


def timings_beside(cache: EngineCache) -> RememberedTimings:
    """Return what was measured before, which lies beside the engines."""
    return RememberedTimings(cache.folder.parent / "precision")


def time_both(
    fp32: ExpressionClassifier, int8: ExpressionClassifier, clock: Clock = time.perf_counter
) -> Optional[Timing]:
    """Time both on one face, in turn, so that what else the machine does meets both alike.

    Returns
    -------
    Timing or None
        None where `MOST_SECONDS` do not suffice for `LEAST_ROUNDS`.
    """
    size = fp32.spec.input_size
    crops = np.full((1, size, size, 3), 128, np.uint8)
    rounds: List[Tuple[float, float]] = []
    begun = clock()
    while len(rounds) < MOST_ROUNDS and clock() - begun < MOST_SECONDS:
        start = clock()
        fp32.classify(crops)
        middle = clock()
        int8.classify(crops)
        rounds.append((middle - start, clock() - middle))
    if len(rounds) < LEAST_ROUNDS:
        return None
    # A clock that stands still for a moment gives no ratio.
    return Timing(*(max(1e-6, median(times)) * 1e3 for times in zip(*rounds)))


def open_on_cpu(request: Request, root: Root = "/", measure: Measure = time_both) -> ExpressionClassifier:
    """Open a network on the CPU in the precision that is asked for, or the better one, and log which and why.

    Raises
    ------
    ModelNotFound
        INT8 is asked for, and there is no such file.
    ModelError
        A file is damaged, or no expression network. Where INT8 is only a choice, the log has it, and FP32 is taken.
    UsageError
        FP32 is asked for, of a file in INT8.
    """
    model, threads = request.model, request.threads
    if request.precision == INT8:
        return _int8_itself(model, threads) or open_int8(model, threads)
    timings = timings_beside(request.cache)
    offered = request.precision == "auto" and os.path.isfile(int8_path(model))
    outlook = outlook_of(model, threads, timings, root) if offered else Outlook("fp32", "")
    if outlook.precision == "fp32":
        return _fp32(request, outlook.reason)
    int8 = _int8_if_sound(model, threads)
    if int8 is None or outlook.precision == INT8:
        if int8 is not None:
            logger.info("precision: int8, since %s", outlook.reason)
        return int8 or _fp32(request, "")
    with ExitStack() as opened:
        opened.callback(int8.close)
        fp32 = OnnxClassifier(model, threads=threads)
        opened.callback(fp32.close)
        timing = measure(fp32, int8)
        decided = Outlook("fp32", "the machine is too busy to time both; the next start does")
        if timing is not None and outlook.key is not None:
            timings.store(outlook.key, timing)
            decided = _decided(timing, outlook.key, "")
        logger.info("precision: %s, since %s", decided.precision, decided.reason)
        opened.pop_all()
    kept, other = (int8, fp32) if decided.precision == INT8 else (fp32, int8)
    other.close()
    return kept


def _decided(timing: Timing, key: TimingKey, when: str) -> Outlook:
    """Return what two times come to."""
    times = f"{timing.fp32_ms:.2f} ms and {timing.int8_ms:.2f} ms for one face in FP32 and INT8{when}"
    precision = INT8 if timing.gain >= LEAST_GAIN else "fp32"
    return Outlook(precision, f"it takes {times}", key)


def _fp32(request: Request, reason: str) -> ExpressionClassifier:
    classifier = OnnxClassifier(request.model, threads=request.threads)
    if request.precision == "fp32" and classifier.precision != "fp32":
        classifier.close()
        raise UsageError(
            f"{request.model} computes in {classifier.precision.upper()}, whatever --precision says.",
            f"Give the file in FP32 that it was made from, or ask for {classifier.precision}: --precision "
            f"{classifier.precision}, or with evaluate --backend onnx:cpu:{classifier.precision}.",
        )
    if reason:
        logger.info("precision: %s, since %s", classifier.precision, reason)
    return classifier


def _int8_if_sound(model: Path, threads: int) -> Optional[ExpressionClassifier]:
    try:
        return open_int8(model, threads)
    except ModelError as error:
        logger.warning("precision: fp32, since INT8 cannot be had: %s", error.message)
        return None


def _int8_itself(model: Path, threads: int) -> Optional[ExpressionClassifier]:
    """Open a model that is in INT8 itself; None where it is not."""
    if os.path.isfile(int8_path(model)):
        return None
    classifier = OnnxClassifier(model, threads=threads)
    if classifier.precision == INT8:
        return classifier
    classifier.close()
    return None
