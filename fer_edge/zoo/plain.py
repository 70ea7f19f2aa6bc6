"""Networks that are one chain of layers: LeNet, AlexNet and VGG.

Each takes images N x 3 x 64 x 64, pixel values divided by 255, and returns logits N x 7. ``dropout`` is the share set
to zero while training, in [0, 1).
"""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES, INPUT_SIZE
from fer_edge.zoo.layers import initialise

VGG_CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the five blocks (Simonyan and Zisserman, 2015)."""

VGG_BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions of each block, by the depth in the network's name."""


class _Chain(nn.Module):
    """Features, then a head that flattens them."""

    def __init__(self, features: list[nn.Module], head: list[nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.head = nn.Sequential(nn.Flatten(), *head)
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits


def _wide_head(features: int, dropout: float) -> list[nn.Module]:
    """Return two layers of 4096 before the classifier, each followed by dropout as in the originals."""
    return [
        nn.Linear(features, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(4096, CLASSES),
    ]


class LeNet(_Chain):
    """LeNet-5 (LeCun et al., 1998) on 64x64 colour images, with padding that keeps height and width, and ReLU.

    Dropout acts on the 84 features before the classifier.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        side = INPUT_SIZE // 4
        super().__init__(
            [
                nn.Conv2d(3, 6, 5, padding=2),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5, padding=2),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ],
            [
                nn.Linear(16 * side * side, 120),
                nn.ReLU(inplace=True),
                nn.Linear(120, 84),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
                nn.Linear(84, CLASSES),
            ],
        )


class AlexNet(_Chain):
    """The AlexNet whose parameters are as many as the paper's: stride 1, and 1x1 kernels where the original has 3x3.

    Parameters
    ----------
    dropout
        On both layers of 4096.
    batch_norm
        Put BatchNorm behind the three convolutions that a pool follows.
    """

    def __init__(self, dropout: float = 0.0, *, batch_norm: bool = False) -> None:
        # 64 -> 54 -> 27 -> 23 -> 11 -> 5 pixels of height and width.
        layers: list[nn.Module] = []
        inputs = 3
        for outputs, kernel, pooled in (
            (96, 11, True),
            (256, 5, True),
            (384, 1, False),
            (384, 1, False),
            (256, 1, True),
        ):
            layers += [nn.Conv2d(inputs, outputs, kernel), nn.ReLU(inplace=True)]
            if pooled:
                layers += [nn.BatchNorm2d(outputs)] if batch_norm else []
                layers.append(nn.MaxPool2d(2))
            inputs = outputs
        super().__init__(layers, _wide_head(inputs * 5 * 5, dropout))


class Vgg(_Chain):
    """VGG with one BatchNorm at the end of each block, and a global mean before the layers of 4096.

    Parameters
    ----------
    depth
        11, 13, 16 or 19.
    dropout
        On both layers of 4096.
    """

    def __init__(self, depth: int, dropout: float = 0.0) -> None:
        layers: list[nn.Module] = []
        inputs = 3
        for outputs, convolutions in zip(VGG_CHANNELS, VGG_BLOCKS[depth]):
            for _ in range(convolutions):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            layers += [nn.BatchNorm2d(outputs), nn.MaxPool2d(2)]
        layers.append(nn.AdaptiveAvgPool2d(1))
        super().__init__(layers, _wide_head(inputs, dropout))
