"""What the networks of the zoo share: a convolution with BatchNorm, and the weights that a network starts from."""

from __future__ import annotations

from typing import Callable

from torch import nn


def convolution(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    *,
    groups: int = 1,
    bias: bool = False,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Return a convolution, BatchNorm, and an activation unless it is None; at stride 1, height and width stay.

    ``kernel`` is odd: half of it is padded on each side.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=bias),
        nn.BatchNorm2d(outputs),
    ]
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


def initialise(network: nn.Module) -> None:
    """Draw every weight as He et al. (2015) do for ReLU, and set every bias to zero.

    The variance follows the inputs of a layer, not its outputs: several networks here have long parts without
    BatchNorm, where narrow layers after wide ones would otherwise blow the values up.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
