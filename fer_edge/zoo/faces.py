"""MobileNetV1 as one that was trained on faces has it: a teacher, too slow for the program."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from fer_edge.zoo.fernet import CLASSES
from fer_edge.zoo.layers import initialise
from fer_edge.zoo.mobilenet import V1_BLOCKS

SIDE = 128
"""What a picture is enlarged to. Each of the five halvings then has an even side, which TensorFlow pads at one end alone."""

GREY = 113.0
"""Is taken away from pixels of 0 to 255: the mean of the pictures that the weights were trained on."""


class MobileNetV1Faces(nn.Module):
    """Depthwise and pointwise convolutions in turn, padded as TensorFlow does: at stride 2 to the right and below alone.

    Parameters
    ----------
    dropout
        Share of the pooled features set to zero while training, in [0, 1).

    Notes
    -----
    The construction is that of Howard et al. (2017) at width 1, without biases beside the BatchNorms. With other padding the
    pretrained kernels would look a pixel aside at each of their five halvings.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        layers = [*_convolution(3, 32, 3, 2)]
        inputs = 32
        for outputs, stride in V1_BLOCKS:
            layers += [*_convolution(inputs, inputs, 3, stride, groups=inputs), *_convolution(inputs, outputs, 1, 1)]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(inputs, CLASSES)
        )
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64 in [0, 1]."""
        enlarged = functional.interpolate(image, (SIDE, SIDE), mode="bilinear", align_corners=False)
        logits: torch.Tensor = self.head(self.features(255.0 * enlarged - GREY))
        return logits

    def convolutions(self) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Yield each convolution and the BatchNorm after it, in their order."""
        layers = list(self.features)
        for layer, after in zip(layers, layers[1:]):
            if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                yield layer, after


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    around = kernel // 2 if stride == 1 else 0
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=around, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    ]
    return layers if stride == 1 else [nn.ZeroPad2d((0, 1, 0, 1)), *layers]
