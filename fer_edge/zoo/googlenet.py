"""GoogLeNet (Szegedy et al., 2015) without its auxiliary heads, BatchNorm in place of local response normalisation."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.classic import initialise
from fer_edge.zoo.fernet import CLASSES

MODULES = (
    (192, 64, 96, 128, 16, 32, 32),
    (256, 128, 128, 192, 32, 96, 64),
    (480, 192, 96, 208, 16, 48, 64),
    (512, 160, 112, 224, 24, 64, 64),
    (512, 128, 128, 256, 24, 64, 64),
    (512, 112, 144, 288, 32, 64, 64),
    (528, 256, 160, 320, 32, 128, 128),
    (832, 256, 160, 320, 32, 128, 128),
    (832, 384, 192, 384, 48, 128, 128),
)
"""Inputs, 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection: table 1 of the GoogLeNet paper, 3a to 5b."""


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2), nn.ReLU(inplace=True))


class _Inception(nn.Module):
    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pooled: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                _convolution(inputs, one, 1),
                nn.Sequential(_convolution(inputs, reduce3, 1), _convolution(reduce3, three, 3)),
                nn.Sequential(_convolution(inputs, reduce5, 1), _convolution(reduce5, five, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, padding=1), _convolution(inputs, pooled, 1)),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class GoogLeNet(nn.Module):
    """Seven logits from a 64x64 picture."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        inceptions = [_Inception(*widths) for widths in MODULES]
        self.layers = nn.Sequential(
            _convolution(3, 64, 7, 2),
            nn.MaxPool2d(3, 2, padding=1),
            nn.BatchNorm2d(64),
            _convolution(64, 64, 1),
            _convolution(64, 192, 3),
            nn.BatchNorm2d(192),
            nn.MaxPool2d(3, 2, padding=1),
            *inceptions[:2],
            nn.MaxPool2d(3, 2, padding=1),
            *inceptions[2:7],
            nn.MaxPool2d(3, 2, padding=1),
            *inceptions[7:],
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(1024, CLASSES),
        )
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits N x 7 of pictures N x 3 x 64 x 64."""
        logits: torch.Tensor = self.layers(image)
        return logits
