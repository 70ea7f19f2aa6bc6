"""FerNet: a small VGG-like network for facial expressions.

It is a reconstruction, consistent with the text and exact in the parameter count (2,893,395) of the network that Robot,
Lolowang and Putro propose in "Lightweight Convolutional Neural Network Architecture For Facial Expression Recognition"
(2024). They print neither its layers nor its weights, so this is not that network.
"""

from __future__ import annotations

import torch
from torch import nn

INPUT_SIZE = 64
"""Height and width, in pixels, of the image that the network takes."""

CLASSES = 7
"""Number of expressions."""


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 3x3 convolution without bias, BatchNorm, ReLU; height and width stay."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _compress_module(inputs: int, channels: int) -> nn.Sequential:
    """Return three 3x3 convolutions, the middle one with an eighth of the channels."""
    squeezed = channels // 8
    return nn.Sequential(
        _convolution(inputs, channels),
        _convolution(channels, squeezed),
        _convolution(squeezed, channels),
    )


class FerNet(nn.Module):
    """Seven logits from a 64x64 image.

    Parameters
    ----------
    dropout
        Share of the flattened features set to zero while training, in [0, 1). It adds no parameter and
        leaves the exported graph unchanged.

    Notes
    -----
    ``forward`` takes float tensors of shape N x 3 x 64 x 64, pixel values divided by 255, and returns
    logits of shape N x 7 in the order of ``fer_edge.types.LABELS``.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.BatchNorm2d(3),
            _convolution(3, 32),
            _convolution(32, 32),
            nn.MaxPool2d(2),
            _compress_module(32, 64),
            nn.MaxPool2d(2),
            _compress_module(64, 128),
            nn.MaxPool2d(2),
            _compress_module(128, 256),
            nn.MaxPool2d(2),
            _compress_module(256, 512),
        )
        side = INPUT_SIZE // 16
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(512 * side * side, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, CLASSES),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits
