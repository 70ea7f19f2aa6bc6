"""A classifier whose network runs on a server, with the local one in reserve."""

from __future__ import annotations

import logging
import time
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.remote.contract import RemoteTensors, agreed
from fer_edge.classify.remote.link import FIRST_PAUSE, LONGEST_PAUSE, Link
from fer_edge.classify.remote.transport import Transport
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import ServerError, ServerLate
from fer_edge.server_use import ServerUse
from fer_edge.types import Expression

logger = logging.getLogger("fer_edge")

LEAST_PATIENCE = 2.0
"""Seconds that each question may take which holds up no frame, as when the program starts: a server that is just starting
compiles its network in the first one."""


class RemoteClassifier(ExpressionClassifier):
    """Asks a server. Where it fails, the local network answers for the same faces, and for all until the server is back.

    Parameters
    ----------
    transport : Transport
        Speaks to the server; closed with this.
    spec : ModelSpec
        Of the local file.
    sha256 : str
        Of the local file.
    access : ServerAccess
        Where the server is, and how long it may take.
    local : ExpressionClassifier or None
        Answers where the server does not, closed with this; without it, the server's error is raised.
    first_pause, longest_pause : float
        Seconds, as `Link` takes them.

    Raises
    ------
    ServerError
        The server is not there, or not fit, and `access` says that this is not to be waited for.
    """

    def __init__(
        self,
        transport: Transport,
        spec: ModelSpec,
        sha256: str,
        access: ServerAccess,
        local: Optional[ExpressionClassifier],
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self.spec = spec
        self.provider = f"KServe server {access.address}"
        self.precision = "as the server has it"
        # What belongs to one thread, as a GPU's context does, is asked by one.
        self.concurrent = local is None or local.concurrent
        self._transport = transport
        self._sha256 = sha256
        self._access = access
        self._server = str(access.address)
        self._local = local
        self._tensors: Optional[RemoteTensors] = None
        instead = "nothing is read" if local is None else "the local network answers"
        self._link = Link(
            self._server,
            self._probe,
            instead,
            access.tally,
            first_pause=first_pause,
            longest_pause=longest_pause,
            quoted=access.quoted,
        )
        try:
            self._probe()
        except ServerError as error:
            if local is None or not (access.patient or access.tally.opened):
                self.close()
                access.tally.answers = False
                raise
            self._link.failed(error)

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Name the expression of each crop, all in one request; see `ExpressionClassifier.classify`.

        Raises
        ------
        ServerError
            The server failed, and there is no local network.
        """
        if not len(crops):
            return ()
        error = self._link.error
        if error is None:
            try:
                expressions = self._asked(crops)
                self._link.succeeded()
                return expressions
            except ServerError as failure:
                error = failure
                self._access.tally.failed(error)
                self._link.failed(error)
        if self._local is None:
            raise error
        self._access.tally.fell_back()
        return self._local.classify(crops)

    def trouble(self) -> str:
        """Return what is wrong with the server, for people; empty while it answers."""
        return self._link.trouble()

    def server_use(self) -> Optional[ServerUse]:
        """Return what was asked of the server in this run."""
        return self._access.tally.use()

    def close(self) -> None:
        """Leave the server, and close the local network."""
        self._link.close()
        self._transport.close()
        if self._local is not None:
            self._local.close()

    def _asked(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        tensors = self._tensors
        if tensors is None:
            raise ServerError(f"{self._server} was not asked yet what it takes.")
        started = time.monotonic()
        expressions = self._run(tensors, crops, self._access.deadline)
        self._access.tally.answered(time.monotonic() - started)
        return expressions

    def _run(self, tensors: RemoteTensors, crops: NDArray[np.uint8], deadline: float) -> Tuple[Expression, ...]:
        contract = tensors.contract
        answer = self._transport.infer(contract.takes, tensors.batch(crops), contract.gives, deadline)
        return tensors.expressions(answer, len(crops), self._server)

    def _probe(self) -> None:
        """Hold the server's network against the local file, and let it read one face."""
        patience = max(LEAST_PATIENCE, self._access.deadline)
        self._transport.renew()
        told = self._transport.describe(patience)
        contract = agreed(told, self.spec, self._sha256, self._server, self._access.quoted)
        tensors = RemoteTensors(contract, self.spec)
        size = self.spec.input_size
        face = np.zeros((1, size, size, 3), np.uint8)
        self._run(tensors, face, patience)
        # One that is always late must not be taken for one that is back.
        try:
            self._run(tensors, face, self._access.deadline)
        except ServerLate:
            self._run(tensors, face, self._access.deadline)
        if self._tensors is None or self._tensors.contract != contract:
            self._tell(tensors)
        self._tensors = tensors
        self._access.tally.opened = True

    def _tell(self, tensors: RemoteTensors) -> None:
        contract = tensors.contract
        same = {
            True: "its network is that of the local file, by its sha256",
            None: "it does not tell the sha256 of its network, so that nobody knows whether that is the local file's",
        }[contract.same_network or None]
        logger.info(
            "%s takes %s crops of %d bytes a face; %s",
            self._server,
            contract.form,
            contract.bytes_for_a_face(self.spec),
            same,
            extra={
                "event": "server_accepted",
                "server": self._server,
                "form": contract.form,
                "bytes_a_face": contract.bytes_for_a_face(self.spec),
                "same_network": contract.same_network,
            },
        )
