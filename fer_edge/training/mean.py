"""One network from several runs of it: the mean of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from fer_edge.errors import CheckpointError
from fer_edge.training.checkpoint import colour_of, load_network
from fer_edge.zoo.network import Network


def load_mean(checkpoints: Sequence[Path]) -> tuple[Network, nn.Module]:
    """Build the network of ``checkpoints`` with the mean of their averaged weights, ready to evaluate; say which one it is.

    Runs that begin with the same trained weights and differ in little more than their seed stay near enough to each other for
    their mean to be a network too, often a better one, at the cost of one (Wortsman et al., "Model soups", 2022). Runs that
    begin with fresh weights do not: their mean knows nothing.

    Parameters
    ----------
    checkpoints
        One or more ``best.pt`` of the same network, each of which counts the same.

    Raises
    ------
    CheckpointError
        If one is missing or damaged, or they are of different networks or saw different colours.

    Examples
    --------
    ::

        entry, network = load_mean([Path("runs/one/best.pt"), Path("runs/two/best.pt")])
    """
    entry, network = load_network(checkpoints[0])
    sums = {name: value.double() for name, value in network.state_dict().items()}
    for checkpoint in checkpoints[1:]:
        other, its = load_network(checkpoint)
        kinds = ((entry.name, colour_of(checkpoints[0])), (other.name, colour_of(checkpoint)))
        if kinds[0] != kinds[1]:
            raise CheckpointError(
                f"{checkpoint} is of the network {' in '.join(kinds[1])}, and {checkpoints[0]} of {' in '.join(kinds[0])}.",
                "Only runs of one network have a mean; export them apart.",
            )
        for name, value in its.state_dict().items():
            sums[name] += value
    # The counters of batches are whole numbers; nothing reads them in a finished network.
    with torch.no_grad():
        for name, place in network.state_dict().items():
            place.copy_(sums[name] / len(checkpoints))
    return entry, network
