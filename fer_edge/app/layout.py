"""How the work of a frame is laid over the cores: how many threads detect, classify, and compute in one call."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Optional

import cv2

from fer_edge.board.cores import usable_cores
from fer_edge.settings import Settings

logger = logging.getLogger("fer_edge")

MOST_WORKERS = 8
"""Threads that classify, each on frames of its own; more threads than that share a frame. Each holds a frame, and the tensors
of its faces."""


@dataclass(frozen=True)
class Layout:
    """Which threads work at once.

    Attributes
    ----------
    classify : int
        Threads that classify, each on other frames.
    threads : int
        Inference threads of each of these.
    detect : int
        Threads that detect, each for cameras of its own.
    """

    classify: int = 1
    threads: int = 1
    detect: int = 1


ONE_OF_EACH = Layout()
"""One thread for each stage."""


def layout_of(settings: Settings, cores: Optional[int] = None) -> Layout:
    """Return the layout for a number of cores; without one, for those that this process may use.

    Examples
    --------
    >>> layout_of(Settings.of(camera="demo"), cores=2)
    Layout(classify=2, threads=1, detect=1)
    >>> layout_of(Settings.of(camera="demo", threads=1), cores=2)
    Layout(classify=1, threads=1, detect=1)
    >>> layout_of(Settings.of(camera=("demo", "demo:3")), cores=4)
    Layout(classify=4, threads=1, detect=2)
    """
    cores = usable_cores() if cores is None else cores
    threads = settings.analysis.threads or min(cores, MOST_WORKERS)
    workers = min(threads, MOST_WORKERS)
    # Every second core at most: where faces are found, classifying them takes several times as long.
    return Layout(workers, threads // workers, max(1, min(cores // 2, len(settings.cameras))))


def one_opencv_thread() -> None:
    """Have OpenCV compute in the thread that calls it.

    Its pool splits what takes a tenth of a millisecond over all cores, for which the stages have work already: with one face
    that took a tenth more processor time (docs/performance.md). It holds for the process, so a program calls this, not the
    library.
    """
    cv2.setNumThreads(1)


def warn_of_too_many_threads(settings: Settings, cores: Optional[int] = None) -> None:
    """Log that more threads are asked for than there are cores, which share the cores then."""
    cores = usable_cores() if cores is None else cores
    for name, asked in (
        ("--threads", settings.analysis.threads),
        ("--detect-threads", settings.analysis.detect_threads),
    ):
        if asked is not None and asked > cores:
            logger.warning(
                "%s %d is more than the %d core%s that this process may use; more threads than cores bring nothing",
                name,
                asked,
                cores,
                "s" if cores > 1 else "",
                extra={"event": "too_many_threads", "setting": name, "threads": asked, "cores": cores},
            )
