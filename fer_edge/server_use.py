"""What a run has had of a server that classifies for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from fer_edge.distribution import Distribution

REASONS = ("unreachable", "late", "refused", "unfit", "garbled", "failed")
"""Why a request fails: nobody is there, no answer in time, no access, another network, an answer without sense, or else."""

_NOTHING = Distribution((), 0, 0.0)


@dataclass(frozen=True)
class ServerUse:
    """What was asked of a server since the run began, and what came of it.

    Attributes
    ----------
    answers : bool
        Whether it answers, as far as is known.
    requests : int
        Batches of faces that it was asked to classify.
    failures : mapping of str to int
        How many of these failed, by reason of `REASONS`.
    fallbacks : int
        Batches of faces that the local network classified in its place.
    sent, received : int
        Bytes of all that was said to it and by it, without those of TLS and TCP; of gRPC the messages alone.
    latency : Distribution
        Of the requests that succeeded, from the crops to the answer.
    """

    answers: bool
    requests: int
    failures: Mapping[str, int] = field(default_factory=dict)
    fallbacks: int = 0
    sent: int = 0
    received: int = 0
    latency: Distribution = _NOTHING
