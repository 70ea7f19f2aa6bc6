"""A process that opens files with the program's own readers, and may die of it without ending the tests.

As a module it is the tests' side; as a program, the victim: it reads a kind and a path from each line of its standard input.
"""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Callable, Dict, Optional, Type

MEMORY = 4 << 30
"""Of address space: libraries alone take half of it."""

PATIENCE = 120.0
"""Seconds for one file; it takes a hundredth of that where nothing hangs."""


class Victim:
    """Gives files to the process, which is started anew when it died or hung of one.

    Attributes
    ----------
    peak : int
        Megabytes of memory that it had at most.
    """

    def __init__(self) -> None:
        self._process: Optional[subprocess.Popen[bytes]] = None
        self.peak = 0

    def __enter__(self) -> Victim:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self._end()

    def open(self, kind: str, path: Path) -> str:
        """Give what came of it: ``taken``, the name of an error of ours, or ``fault:`` and what happened instead."""
        if self._process is None:
            self._process = self._start()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{kind} {path}\n".encode())
        stdin.flush()
        ready, _, _ = select.select([stdout], [], [], PATIENCE)
        line = stdout.readline().decode().strip() if ready else ""
        if not line:
            status = self._process.poll() if ready else "it hangs"
            self._end()
            return f"fault: the process ended or hangs ({status})"
        answer, _, peak = line.rpartition(" ")
        self.peak = int(peak)
        return answer

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "-X", "faulthandler", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _model(path: str) -> None:
    import numpy as np

    from fer_edge.classify.onnx import OnnxClassifier

    classifier = OnnxClassifier(path)
    try:
        size = classifier.spec.input_size
        classifier.classify(np.full((2, size, size, 3), 200, np.uint8))
    finally:
        classifier.close()


def _source(path: str) -> None:
    from fer_edge.capture.open import open_source

    with open_source(path) as source:
        for _ in range(20):
            if not source.grab():
                break
            source.retrieve()


def _detector(path: str) -> None:
    import numpy as np

    from fer_edge.detect.blazeface import BlazeFaceDetector

    detector = BlazeFaceDetector(model=path)
    try:
        detector.detect(np.full((48, 64, 3), 200, np.uint8))
    finally:
        detector.close()


def _peak() -> int:
    # The kernel's ru_maxrss begins with that of the process that started this one, which may be far larger.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def _serve() -> None:
    from fer_edge.errors import FerEdgeError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    readers: Dict[str, Callable[[str], None]] = {"model": _model, "source": _source, "detector": _detector}
    output = os.fdopen(os.dup(1), "w", 1)
    os.dup2(2, 1)
    for line in sys.stdin:
        kind, _, path = line.rstrip("\n").partition(" ")
        try:
            readers[kind](path)
            answer = "taken"
        except FerEdgeError as error:
            answer = type(error).__name__
        except BaseException as error:  # noqa: BLE001 - whatever it is, the tests' side must learn of it
            answer = f"fault: {error!r}"[:500].replace("\n", " ")
        output.write(f"{answer} {_peak()}\n")


if __name__ == "__main__":
    _serve()
