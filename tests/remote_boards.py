"""What tests of classification on a server share: how it is asked, what goes wrong with it, and who answers something else."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import numpy as np
from certificates import Pair
from kserve_server import NETWORK, Behaviour

from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.remote.access import ServerAccess, context_for
from fer_edge.classify.remote.address import parse_server
from fer_edge.errors import ServerError, ServerGarbled, ServerRefused, ServerUnfit, ServerUnreachable
from fer_edge.system.credentials import TlsFiles

PATIENT = 5.0
"""Seconds for an answer that is expected, which a busy machine may delay."""

CROPS = np.random.default_rng(7).integers(0, 256, (4, 64, 64, 3), np.uint8)


def access(url: str, **changes: Any) -> ServerAccess:
    return replace(ServerAccess(parse_server(url), deadline=PATIENT), **changes)


def opened(asked: ServerAccess) -> ExpressionClassifier:
    return open_classifier(NETWORK, Wanted("kserve", precision="fp32"), server=asked)


def probabilities(classifier: ExpressionClassifier, crops: Any = CROPS) -> Any:
    return np.array([one.probabilities for one in classifier.classify(crops)])


Fault = Callable[[Behaviour], None]


def change(**values: Any) -> Fault:
    return lambda behaviour: behaviour.__dict__.update(values)


FAULTS = {
    "slow": (change(delay=1.0), ServerUnreachable, "late"),
    "failing": (change(status=500), ServerError, "failed"),
    "busy": (change(status=503), ServerError, "unreachable"),
    "garbage": (change(body=b"\0<html>hello"), ServerGarbled, "garbled"),
    "wide": (change(width=6), ServerGarbled, "garbled"),
    "no number": (change(worth=float("nan")), ServerGarbled, "garbled"),
    "token": (change(token="sesame"), ServerRefused, "refused"),
    "gone": (change(name="other"), ServerUnfit, "unfit"),
}
BY_GRPC = ("slow", "failing", "wide", "no number", "token", "gone")
EACH_FAULT = [("http", fault) for fault in FAULTS] + [("grpc", fault) for fault in BY_GRPC]


class speaking:  # noqa: N801 - used as a function
    """Answers every connection with the same bytes; a context manager that gives the port."""

    def __init__(self, says: bytes) -> None:
        self._says = says
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(8)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._listening.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.recv(65536)
                    peer.sendall(self._says)
                except OSError:
                    pass


def safe(url: str, ca: Path | None = None, pair: Pair | None = None) -> ServerAccess:
    files = TlsFiles(str(ca or ""), str(pair.cert) if pair else "", str(pair.key) if pair else "", "server")
    asked = access(url, files=files)
    return replace(asked, tls=context_for(asked.address, files))
