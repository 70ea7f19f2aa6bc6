"""LeNet, AlexNet and VGG as the paper's parameter counts give them away."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES, INPUT_SIZE


def initialise(network: nn.Module) -> None:
    """Draw weights for ReLU (He et al., 2015); biases start at zero."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _dense_head(features: int, dropout: float) -> list[nn.Module]:
    """Two hidden layers of 4096, as AlexNet and VGG have them."""
    return [
        nn.Flatten(),
        nn.Linear(features, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(4096, CLASSES),
    ]


class _Chain(nn.Module):
    """Layers one after the other."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits N x 7 of pictures N x 3 x 64 x 64."""
        logits: torch.Tensor = self.layers(image)
        return logits


class LeNet(_Chain):
    """LeNet-5 (LeCun et al., 1998) on three channels, its convolutions padded, with ReLU and max-pooling."""

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
                nn.Flatten(),
                nn.Linear(16 * side * side, 120),
                nn.ReLU(inplace=True),
                nn.Linear(120, 84),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
                nn.Linear(84, CLASSES),
            ]
        )


class AlexNet(_Chain):
    """AlexNet (Krizhevsky et al., 2012) for small pictures: stride 1, and 1x1 kernels in the last three convolutions.

    Parameters
    ----------
    normalised
        BatchNorm after the first, second and last convolution.
    """

    def __init__(self, dropout: float = 0.0, normalised: bool = False) -> None:
        def convolution(inputs: int, outputs: int, kernel: int, norm: bool = False) -> list[nn.Module]:
            norms: list[nn.Module] = [nn.BatchNorm2d(outputs)] if normalised and norm else []
            return [nn.Conv2d(inputs, outputs, kernel), *norms, nn.ReLU(inplace=True)]

        super().__init__(
            [
                *convolution(3, 96, 11, norm=True),
                nn.MaxPool2d(2),
                *convolution(96, 256, 5, norm=True),
                nn.MaxPool2d(2),
                *convolution(256, 384, 1),
                *convolution(384, 384, 1),
                *convolution(384, 256, 1, norm=True),
                nn.MaxPool2d(2),
                *_dense_head(256 * 5 * 5, dropout),
            ]
        )


class Vgg(_Chain):
    """VGG (Simonyan and Zisserman, 2015) with one BatchNorm at the end of each block, and 512 pooled features.

    Parameters
    ----------
    depths
        Convolutions in each of the five blocks.
    """

    def __init__(self, depths: tuple[int, ...], dropout: float = 0.0) -> None:
        layers: list[nn.Module] = []
        inputs = 3
        for depth, outputs in zip(depths, (64, 128, 256, 512, 512), strict=True):
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            layers += [nn.BatchNorm2d(outputs), nn.MaxPool2d(2)]
        super().__init__([*layers, nn.AdaptiveAvgPool2d(1), *_dense_head(512, dropout)])
