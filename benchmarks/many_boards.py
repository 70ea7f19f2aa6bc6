"""Many boards ask one server for expressions, which is killed and started again in the middle.

    python benchmarks/many_boards.py --boards 32 --rate 2 --seconds 30

Each board is a thread with connections, deadline and fallback of its own, as the program has them, and noise for crops;
each answer is held against that of the local network in FP32. Without --server, the small server of the tests runs here, in a
process of its own and on the CPU: the figures then say how boards share a server, not how fast a GPU is.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.remote.address import parse_server
from fer_edge.classify.remote.open import open_remote
from fer_edge.errors import ServerError
from fer_edge.inference.model_files import find_model
from fer_edge.types import Expression

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4
"""Largest difference of a probability from the local one's that counts as equal."""


class Lent(ExpressionClassifier):
    """The one local network, as every board has it in reserve; closed by none of them."""

    def __init__(self, owner: ExpressionClassifier) -> None:
        self.spec, self.provider, self.precision = owner.spec, owner.provider, owner.precision
        self.concurrent = True
        self._owner = owner

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Return what the local network says."""
        return self._owner.classify(crops)


class Server:
    """The small server of the tests in a process of its own."""

    def __init__(self, scheme: str) -> None:
        self._ports = [_free_port(), _free_port()]
        self.url = f"{scheme}://127.0.0.1:{self._ports[scheme == 'grpc']}"
        self.start()

    def start(self) -> None:
        """Start it, also again."""
        command = [sys.executable, str(ROOT / "tests" / "kserve_server.py"), "--port", str(self._ports[0])]
        command += ["--grpc-port", str(self._ports[1])] if self.url.startswith("grpc") else []
        self._process = subprocess.Popen(command)

    def kill(self) -> None:
        """End it without a word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Board:
    """One board, and what came of its frames.

    Attributes
    ----------
    number : int
        From 0 on.
    seconds : list of float
        How long each frame took, whoever answered.
    unequal : int
        Frames with an answer that is not the local network's.
    late : int
        Frames that began later than the rate wants.
    ended : float
        Monotonic seconds.
    """

    number: int
    seconds: List[float] = field(default_factory=list)
    unequal: int = 0
    late: int = 0
    ended: float = 0.0

    def run(
        self, classifier: ExpressionClassifier, local: ExpressionClassifier, faces: int, rate: float, end: float
    ) -> None:
        """Classify frames until `end`, `rate` a second."""
        crops = np.random.default_rng(self.number).integers(0, 256, (faces, 64, 64, 3), np.uint8)
        wanted = np.array([one.probabilities for one in local.classify(crops)])
        # Boards do not begin their frames at one moment.
        due = time.monotonic() + (self.number % 16) / 16 / rate
        while due < end:
            now = time.monotonic()
            time.sleep(max(0.0, due - now))
            self.late += now > due + 1 / rate
            started = time.monotonic()
            answer = np.array([one.probabilities for one in classifier.classify(crops)])
            self.seconds.append(time.monotonic() - started)
            self.unequal += not np.allclose(answer, wanted, atol=TOLERANCE)
            due = max(due + 1 / rate, started)
        self.ended = time.monotonic()


def opened(model: Path, access: ServerAccess, local: ExpressionClassifier) -> ExpressionClassifier:
    """Open a board's classifier; the server may still be starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return open_remote(model, access, lambda: Lent(local))
        except ServerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def main() -> None:
    asked = _asked()
    model = find_model(asked.model)
    local = open_classifier(model, Wanted("onnx", "cpu", "fp32"))
    server: Optional[Server] = None if asked.server else Server(asked.scheme)
    url = asked.server or (server.url if server else "")
    accesses = [ServerAccess(parse_server(url), asked.remote_model, asked.deadline / 1000) for _ in range(asked.boards)]
    classifiers = [opened(model, access, local) for access in accesses]
    boards = [Board(number) for number in range(asked.boards)]
    begun = time.monotonic()
    end = begun + asked.seconds
    threads = [
        threading.Thread(target=board.run, args=(classifier, local, asked.faces, asked.rate, end))
        for board, classifier in zip(boards, classifiers)
    ]
    for thread in threads:
        thread.start()
    back = restart(server, begun + asked.seconds / 2, accesses) if server and not asked.no_restart else None
    for thread in threads:
        thread.join()
    took = max(board.ended for board in boards) - begun
    uses = [access.tally.use() for access in accesses]
    answered = [use.latency.count for use in uses]
    times = np.array([seconds for board in boards for seconds in board.seconds])
    frames = len(times)
    told = {
        "boards": asked.boards,
        "faces_a_frame": asked.faces,
        "frames_asked_per_second": asked.boards * asked.rate,
        "frames_per_second": round(frames / took, 1),
        "faces_per_second": round(frames * asked.faces / took, 1),
        "latency_ms": {
            name: round(float(np.percentile(times, at)) * 1e3, 1) for name, at in (("p50", 50), ("p99", 99))
        },
        "latency_ms_worst": round(float(times.max()) * 1e3, 1),
        "frames_by_the_server": sum(answered),
        "frames_by_the_local_network": sum(use.fallbacks for use in uses),
        "frames_lost": frames - sum(answered) - sum(use.fallbacks for use in uses),
        "least_and_most_of_a_board": [min(answered), max(answered)],
        "fairness_least_over_most": round(min(answered) / max(1, *answered), 3),
        "frames_unequal_to_the_local_network": sum(board.unequal for board in boards),
        "frames_begun_late": sum(board.late for board in boards),
        "bytes_sent_a_face": round(sum(use.sent for use in uses) / max(1, sum(answered) * asked.faces)),
        "seconds_until_every_board_was_back": None if back is None else round(back, 1),
    }
    print(json.dumps(told, indent=2))
    for classifier in classifiers:
        classifier.close()
    local.close()
    if server is not None:
        server.kill()


def restart(server: Server, at: float, accesses: List[ServerAccess]) -> Optional[float]:
    """Kill the server, start it again, and return how long after that every board asks it again; None where one does not."""
    time.sleep(max(0.0, at - time.monotonic()))
    server.kill()
    time.sleep(1)
    server.start()
    started = time.monotonic()
    while time.monotonic() < started + 60:
        if all(access.tally.answers for access in accesses):
            return time.monotonic() - started
        time.sleep(0.05)
    return None


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", type=int, default=32)
    parser.add_argument("--faces", type=int, default=1, help="in each frame (%(default)s)")
    parser.add_argument("--rate", type=float, default=2, help="frames per second of a board (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="(%(default)s)")
    parser.add_argument("--deadline", type=float, default=200, help="milliseconds (%(default)s)")
    parser.add_argument("--model", default="fernet_r")
    parser.add_argument("--scheme", choices=("http", "grpc"), default="http", help="of the server of the tests")
    parser.add_argument("--server", help="a server that runs already; it is not killed")
    parser.add_argument("--remote-model", default="", help="what the network is called there")
    parser.add_argument("--no-restart", action="store_true", help="let the server of the tests run through")
    return parser.parse_args()


if __name__ == "__main__":
    main()
