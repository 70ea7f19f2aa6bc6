"""What the catalogue says of a network: how to build it, and the paper's figures. Importing this imports no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PaperRow:
    """What the paper prints of a network.

    ``accuracy`` (as a share) and ``loss`` are of its validation set after 100 epochs; the frames per second are of its
    whole application, of classification alone and of detection alone. None where it prints a dash.
    """

    parameters: int
    accuracy: Optional[float]
    loss: Optional[float]
    fps_total: Optional[float]
    fps_classification: Optional[float]
    fps_detection: Optional[float]


@dataclass(frozen=True)
class Network:
    """A network that can be built.

    Parameters
    ----------
    name
        What the command line calls it.
    title
        What the paper calls it.
    paper
        The paper's figures, or None for a network of our own.
    match
        ``exact``: its parameter count is the paper's. ``nearest``: the known network of that name, with another count.
        ``reconstruction``: the proposed network, from its description and its count. ``ours``: not in the paper.
    note
        How far it is the paper's network.
    build
        From the dropout share, in [0, 1), to the network: N x 3 x 64 x 64 in [0, 1] to logits N x 7.
    """

    name: str
    title: str
    paper: Optional[PaperRow]
    match: str
    note: str
    build: Callable[[float], nn.Module]
