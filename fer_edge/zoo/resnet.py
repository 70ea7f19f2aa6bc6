"""ResNets of basic blocks (He et al., 2016), with the biases that Keras gives a convolution."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.classic import initialise
from fer_edge.zoo.fernet import CLASSES


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2), nn.BatchNorm2d(outputs)]


class _BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(inputs, outputs, 3, stride), nn.ReLU(inplace=True), *_convolution(outputs, outputs, 3)
        )
        self.shortcut = nn.Sequential(*([] if inputs == outputs else [nn.Conv2d(inputs, outputs, 1, stride)]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Seven logits from a 64x64 picture.

    Parameters
    ----------
    depths
        Blocks in each of the four stages.

    Notes
    -----
    Projections without BatchNorm and a BatchNorm on the seven logits give the paper's three counts to the unit. That is
    a guess: other small differences may give them too.
    """

    def __init__(self, depths: tuple[int, ...], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_convolution(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1)]
        inputs = 64
        for depth, outputs in zip(depths, (64, 128, 256, 512), strict=True):
            for index in range(depth):
                layers.append(_BasicBlock(inputs, outputs, 2 if index == 0 and outputs > 64 else 1))
                inputs = outputs
        self.layers = nn.Sequential(
            *layers,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(inputs, CLASSES),
            nn.BatchNorm1d(CLASSES),
        )
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits N x 7 of pictures N x 3 x 64 x 64."""
        logits: torch.Tensor = self.layers(image)
        return logits
