"""Residual networks of basic blocks (He et al., 2016), as the paper's parameter counts give them away."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES
from fer_edge.zoo.layers import convolution, initialise

WIDTHS = (64, 128, 256, 512)
"""Channels of the four stages; each stage but the first halves height and width."""


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a bare 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(inputs, outputs, stride=stride, bias=True),
            convolution(outputs, outputs, bias=True, activation=None),
        )
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Seven logits from a 64x64 image.

    Parameters
    ----------
    blocks
        Basic blocks of each of the four stages.
    dropout
        Share of the 512 pooled features set to zero while training, in [0, 1).

    Notes
    -----
    All convolutions have a bias beside BatchNorm. The paper's counts exceed that of the layers up to the global mean,
    with BatchNorm on the projections, by 35: fewer than a classifier of 512 features needs. Bare projections (3,584
    less) with a classifier (3,591) and BatchNorm on the seven logits (28) give exactly that, and are a guess.
    """

    def __init__(self, blocks: tuple[int, ...], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            convolution(3, WIDTHS[0], 7, stride=2, bias=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        ]
        inputs = WIDTHS[0]
        for outputs, repeats in zip(WIDTHS, blocks):
            layers.append(_Block(inputs, outputs, 1 if inputs == outputs else 2))
            layers += [_Block(outputs, outputs, 1) for _ in range(repeats - 1)]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(inputs, CLASSES),
            nn.BatchNorm1d(CLASSES),
        )
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits
