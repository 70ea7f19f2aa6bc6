"""BatchNorms that were folded into the layers before them, and come back.

Evaluated, a convolution with a BatchNorm folded into it and one with a BatchNorm that changes nothing are the same
network; trained, they are not, because a BatchNorm then divides by what it sees. So the statistics are measured anew on
faces, and the factor and offset of each BatchNorm chosen to give back what it takes away.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

_BATCH = 128


def put_offset(norm: nn.BatchNorm2d, offset: torch.Tensor) -> None:
    """Make ``norm`` one that adds ``offset`` and does nothing else, until `measure` tells it what it sees."""
    with torch.no_grad():
        nn.init.zeros_(norm.running_mean)  # type: ignore[arg-type]
        nn.init.ones_(norm.running_var)  # type: ignore[arg-type]
        nn.init.constant_(norm.weight, (1 + norm.eps) ** 0.5)
        norm.bias.copy_(offset)


def measure(network: nn.Module, norms: Sequence[nn.BatchNorm2d], faces: torch.Tensor) -> None:
    """Give every BatchNorm the statistics of what it sees; the network's answers stay, so one pass is enough.

    Parameters
    ----------
    network
        With the weights that it is to begin with.
    norms
        Those of its BatchNorms that `put_offset` made.
    faces
        N x 3 x H x W, as the network takes them.
    """
    sums = {norm: [torch.zeros(norm.num_features, dtype=torch.float64) for _ in range(2)] for norm in norms}
    counts = dict.fromkeys(norms, 0)

    def see(norm: nn.BatchNorm2d, taken: tuple[torch.Tensor, ...]) -> None:
        values = taken[0].double()
        sums[norm][0] += values.sum(dim=(0, 2, 3))
        sums[norm][1] += values.square().sum(dim=(0, 2, 3))
        counts[norm] += values.numel() // values.shape[1]

    hooks = [norm.register_forward_pre_hook(see) for norm in norms]
    evaluated(network, faces)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        for norm in norms:
            mean = sums[norm][0] / counts[norm]
            variance = (sums[norm][1] / counts[norm] - mean.square()).clamp_min(0.0)
            norm.bias.add_(mean)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            norm.running_var.copy_(variance)  # type: ignore[union-attr]


def evaluated(network: nn.Module, images: torch.Tensor) -> None:
    """Run ``network`` over ``images`` as it runs when it does not learn, for what watches its layers."""
    training = network.training
    network.eval()
    with torch.inference_mode():
        for part in torch.split(images, _BATCH):
            network(part.contiguous(memory_format=torch.channels_last))
    network.train(training)
