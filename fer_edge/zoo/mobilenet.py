"""The three generations of MobileNet at width 1, laid out as ``keras.applications`` does.

Each takes images N x 3 x 64 x 64, pixel values divided by 255, and returns logits N x 7. ``dropout`` is the share of the
features before the classifier set to zero while training, in [0, 1).
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES
from fer_edge.zoo.layers import convolution, initialise

V1_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)) + ((512, 1),) * 5 + ((1024, 2), (1024, 1))
"""Output channels and stride of each block (Howard et al., 2017, Table 1)."""

V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, output channels, blocks and first stride of each stage (Sandler et al., 2018, Table 2)."""


class V3Block(NamedTuple):
    """A row of Howard et al. (2019), Tables 1 and 2."""

    kernel: int
    expanded: int
    outputs: int
    squeeze: bool
    activation: Callable[[], nn.Module]
    stride: int


V3_LARGE = (
    V3Block(3, 16, 16, False, nn.ReLU, 1),
    V3Block(3, 64, 24, False, nn.ReLU, 2),
    V3Block(3, 72, 24, False, nn.ReLU, 1),
    V3Block(5, 72, 40, True, nn.ReLU, 2),
    V3Block(5, 120, 40, True, nn.ReLU, 1),
    V3Block(5, 120, 40, True, nn.ReLU, 1),
    V3Block(3, 240, 80, False, nn.Hardswish, 2),
    V3Block(3, 200, 80, False, nn.Hardswish, 1),
    V3Block(3, 184, 80, False, nn.Hardswish, 1),
    V3Block(3, 184, 80, False, nn.Hardswish, 1),
    V3Block(3, 480, 112, True, nn.Hardswish, 1),
    V3Block(3, 672, 112, True, nn.Hardswish, 1),
    V3Block(5, 672, 160, True, nn.Hardswish, 2),
    V3Block(5, 960, 160, True, nn.Hardswish, 1),
    V3Block(5, 960, 160, True, nn.Hardswish, 1),
)
"""Blocks of MobileNetV3-Large."""

V3_SMALL = (
    V3Block(3, 16, 16, True, nn.ReLU, 2),
    V3Block(3, 72, 24, False, nn.ReLU, 2),
    V3Block(3, 88, 24, False, nn.ReLU, 1),
    V3Block(5, 96, 40, True, nn.Hardswish, 2),
    V3Block(5, 240, 40, True, nn.Hardswish, 1),
    V3Block(5, 240, 40, True, nn.Hardswish, 1),
    V3Block(5, 120, 48, True, nn.Hardswish, 1),
    V3Block(5, 144, 48, True, nn.Hardswish, 1),
    V3Block(5, 288, 96, True, nn.Hardswish, 2),
    V3Block(5, 576, 96, True, nn.Hardswish, 1),
    V3Block(5, 576, 96, True, nn.Hardswish, 1),
)
"""Blocks of MobileNetV3-Small."""


class _Pooled(nn.Module):
    """Features, their global mean, and a head on it."""

    def __init__(self, features: list[nn.Module], head: list[nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits


class MobileNetV1(_Pooled):
    """Depthwise and pointwise convolutions in turn, each with a bias beside its BatchNorm."""

    def __init__(self, dropout: float = 0.0) -> None:
        layers: list[nn.Module] = [convolution(3, 32, stride=2, bias=True, activation=nn.ReLU6)]
        inputs = 32
        for outputs, stride in V1_BLOCKS:
            layers += [
                convolution(inputs, inputs, stride=stride, groups=inputs, bias=True, activation=nn.ReLU6),
                convolution(inputs, outputs, 1, bias=True, activation=nn.ReLU6),
            ]
            inputs = outputs
        super().__init__(layers, [nn.Dropout(dropout), nn.Linear(inputs, CLASSES)])


class _SqueezeExcite(nn.Module):
    """Scale each channel by what the means of all channels say (Hu et al., 2018), with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _divisible_by_8(channels / 4)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled: torch.Tensor = x * self.gate(x)
        return scaled


def _divisible_by_8(channels: float) -> int:
    """Return the nearest multiple of 8 that is not more than a tenth below, as in the MobileNets' published code."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class _Inverted(nn.Module):
    """Widen, filter each channel, narrow; with a shortcut where the shape stays. A block that widens nothing only filters."""

    def __init__(self, inputs: int, block: V3Block) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if block.expanded != inputs:
            layers.append(convolution(inputs, block.expanded, 1, activation=block.activation))
        layers.append(
            convolution(
                block.expanded,
                block.expanded,
                block.kernel,
                block.stride,
                groups=block.expanded,
                activation=block.activation,
            )
        )
        if block.squeeze:
            layers.append(_SqueezeExcite(block.expanded))
        layers.append(convolution(block.expanded, block.outputs, 1, activation=None))
        self.body = nn.Sequential(*layers)
        self.residual = block.stride == 1 and inputs == block.outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrowed: torch.Tensor = self.body(x)
        return x + narrowed if self.residual else narrowed


class MobileNetV2(_Pooled):
    """Inverted residuals with linear bottlenecks.

    Parameters
    ----------
    dropout
        On the 1280 pooled features.
    batch_norm
        Put BatchNorm on the pooled features.
    """

    def __init__(self, dropout: float = 0.0, *, batch_norm: bool = False) -> None:
        layers: list[nn.Module] = [convolution(3, 32, stride=2, activation=nn.ReLU6)]
        inputs = 32
        for expansion, outputs, repeats, first_stride in V2_STAGES:
            for index in range(repeats):
                stride = 1 if index else first_stride
                layers.append(_Inverted(inputs, V3Block(3, expansion * inputs, outputs, False, nn.ReLU6, stride)))
                inputs = outputs
        layers.append(convolution(inputs, 1280, 1, activation=nn.ReLU6))
        normalisation: list[nn.Module] = [nn.BatchNorm1d(1280)] if batch_norm else []
        super().__init__(layers, [*normalisation, nn.Dropout(dropout), nn.Linear(1280, CLASSES)])


class MobileNetV3(_Pooled):
    """Inverted residuals with squeeze-and-excite and hard-swish.

    Parameters
    ----------
    blocks
        ``V3_LARGE`` or ``V3_SMALL``.
    hidden
        Width of the layer between the global mean and the classifier: 1280 or 1024.
    dropout
        On that layer.
    """

    def __init__(self, blocks: tuple[V3Block, ...], hidden: int, dropout: float = 0.0) -> None:
        layers: list[nn.Module] = [convolution(3, 16, stride=2, activation=nn.Hardswish)]
        inputs = 16
        for block in blocks:
            layers.append(_Inverted(inputs, block))
            inputs = block.outputs
        layers.append(convolution(inputs, 6 * inputs, 1, activation=nn.Hardswish))
        super().__init__(
            layers,
            [nn.Linear(6 * inputs, hidden), nn.Hardswish(), nn.Dropout(dropout), nn.Linear(hidden, CLASSES)],
        )
