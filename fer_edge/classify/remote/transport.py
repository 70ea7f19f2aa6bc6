"""The seam between the remote classifier and a way to speak to a server, and a server that is made up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import ServerError
from fer_edge.types import LABELS

DATATYPES: Mapping[str, Any] = {
    "UINT8": np.dtype("u1"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""What of the protocol's types a network for expressions takes and gives, as they stand in a message."""

LARGEST_ANSWER = 1 << 20
"""Bytes; seven numbers for each face take far less."""


@dataclass(frozen=True)
class Tensor:
    """An input or an output, as a server describes it.

    Attributes
    ----------
    name : str
        On the server.
    datatype : str
        In the protocol's words, such as ``FP32``.
    shape : tuple of int
        -1 where any size is taken.
    """

    name: str
    datatype: str
    shape: Tuple[int, ...]


@dataclass(frozen=True)
class ServerModel:
    """What a server says of a network.

    Attributes
    ----------
    name : str
        There.
    inputs, outputs : tuple of Tensor
        What it takes and gives.
    versions : tuple of str
        Those that are served.
    parameters : mapping of str to str
        What else is said, such as the sha256 of its file.
    """

    name: str
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Tensor, ...]
    versions: Tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


class Transport(ABC):
    """Speaks to a server; from several threads at once, each waiting for its own answer."""

    @abstractmethod
    def describe(self, deadline: float) -> ServerModel:
        """Ask what the network takes and gives.

        Parameters
        ----------
        deadline : float
            Seconds for each question.

        Raises
        ------
        ServerError
            What went wrong.
        """

    @abstractmethod
    def infer(self, takes: Tensor, batch: NDArray[Any], gives: Tensor, deadline: float) -> NDArray[Any]:
        """Run a batch.

        Parameters
        ----------
        takes, gives : Tensor
            As `describe` gave them.
        batch : NDArray
            N x ..., of the type that the input has.
        deadline : float
            Seconds, for everything together.

        Raises
        ------
        ServerError
            What went wrong.
        """

    def renew(self) -> None:  # noqa: B027 - what keeps no connection has none to drop
        """Drop connections that may be dead."""

    @abstractmethod
    def close(self) -> None:
        """Drop everything. May be called twice."""


class FakeTransport(Transport):
    """A server that takes grey crops and finds everybody equally happy, until `fault` is set.

    Parameters
    ----------
    model : ServerModel
        What it says of itself.
    """

    def __init__(self, model: ServerModel) -> None:
        self.model = model
        self.fault: Optional[ServerError] = None
        self.batches = 0

    def describe(self, deadline: float) -> ServerModel:  # noqa: ARG002 - it answers at once
        """Return `model`."""
        if self.fault is not None:
            raise self.fault
        return self.model

    def infer(
        self,
        takes: Tensor,  # noqa: ARG002 - it knows its own
        batch: NDArray[Any],
        gives: Tensor,  # noqa: ARG002
        deadline: float,  # noqa: ARG002
    ) -> NDArray[Any]:
        """Return logits of a happy face for each crop."""
        if self.fault is not None:
            raise self.fault
        self.batches += 1
        logits = np.zeros((len(batch), len(LABELS)), np.float32)
        logits[:, LABELS.index("happy")] = 5
        return logits

    def close(self) -> None:
        """Do nothing."""
