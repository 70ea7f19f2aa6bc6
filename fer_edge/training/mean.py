"""One network from several runs of it: the mean of their weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fer_edge.errors import CheckpointError
from fer_edge.training.checkpoint import Trained


def mean_of(runs: Sequence[Trained]) -> nn.Module:
    """Return a network with the mean of the averaged weights of ``runs``, ready to evaluate.

    Runs that begin with the same trained weights and differ in little more than their seed stay near enough to each other for
    their mean to be a network too, often a better one, at the cost of one (Wortsman et al., "Model soups", 2022). Runs that
    begin with fresh weights do not: their mean knows nothing.

    Parameters
    ----------
    runs
        One or more of the same network, each of which counts the same.

    Raises
    ------
    CheckpointError
        If they are of different networks, or saw different colours.

    Examples
    --------
    ::

        network = mean_of([load_trained(Path("runs/one/best.pt")), load_trained(Path("runs/two/best.pt"))])
    """
    first = runs[0]
    for run in runs[1:]:
        if (run.entry.name, run.colour) != (first.entry.name, first.colour):
            raise CheckpointError(
                f"{run.path} is of the network {run.entry.name} in {run.colour}, and {first.path} of {first.entry.name} "
                f"in {first.colour}.",
                "Only runs of one network that saw the same colours have a mean; export them apart.",
            )
    states = [run.network.state_dict() for run in runs]
    network = first.entry.build(0.0)
    with torch.no_grad():
        # The counters of batches are whole numbers; nothing reads them in a finished network.
        for name, place in network.state_dict().items():
            place.copy_(sum(state[name].double() for state in states) / len(states))
    return network.eval()
