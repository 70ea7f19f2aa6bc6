"""GoogLeNet without its auxiliary heads, and with BatchNorm in place of its two local response normalisations."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES
from fer_edge.zoo.layers import initialise

INCEPTIONS = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Inceptions 3, 4 and 5 of Szegedy et al. (2015), Table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection."""


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """Return a biased convolution and ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2), nn.ReLU(inplace=True)]


def _halve() -> nn.Module:
    return nn.MaxPool2d(3, stride=2, padding=1)


class _Inception(nn.Module):
    """Four branches side by side; height and width stay."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        single, reduce3, outputs3, reduce5, outputs5, projected = widths
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*_convolution(inputs, single, 1)),
                nn.Sequential(*_convolution(inputs, reduce3, 1), *_convolution(reduce3, outputs3, 3)),
                nn.Sequential(*_convolution(inputs, reduce5, 1), *_convolution(reduce5, outputs5, 5)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *_convolution(inputs, projected, 1)),
            ]
        )
        self.outputs = single + outputs3 + outputs5 + projected

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class GoogleNet(nn.Module):
    """Seven logits from a 64x64 image.

    Parameters
    ----------
    dropout
        Share of the 1024 pooled features set to zero while training, in [0, 1).
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        layers = [
            *_convolution(3, 64, 7, stride=2),
            _halve(),
            nn.BatchNorm2d(64),
            *_convolution(64, 64, 1),
            *_convolution(64, 192, 3),
            nn.BatchNorm2d(192),
        ]
        channels = 192
        for stage in INCEPTIONS:
            layers.append(_halve())
            for widths in stage:
                inception = _Inception(channels, widths)
                layers.append(inception)
                channels = inception.outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, CLASSES)
        )
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits
