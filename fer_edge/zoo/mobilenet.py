"""MobileNet V1 (Howard et al., 2017), V2 (Sandler et al., 2018) and V3 (Howard et al., 2019)."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.classic import initialise
from fer_edge.zoo.fernet import CLASSES


def _unit(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    bias: bool = False,
    activation: type[nn.Module] | None = nn.ReLU6,
) -> list[nn.Module]:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=bias),
        nn.BatchNorm2d(outputs),
    ]
    return [*layers, activation(inplace=True)] if activation else layers


class _Network(nn.Module):
    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits N x 7 of pictures N x 3 x 64 x 64."""
        logits: torch.Tensor = self.layers(image)
        return logits


class MobileNetV1(_Network):
    """Seven logits from a 64x64 picture; every convolution has a bias beside its BatchNorm."""

    def __init__(self, dropout: float = 0.0) -> None:
        layers = _unit(3, 32, 3, 2, bias=True)
        inputs = 32
        steps = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
        for outputs, stride in steps:
            layers += _unit(inputs, inputs, 3, stride, groups=inputs, bias=True)
            layers += _unit(inputs, outputs, bias=True)
            inputs = outputs
        pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(inputs, CLASSES)]
        super().__init__([*layers, *pooled])


class _Residual(nn.Module):
    """A body whose output is added to its input where their shapes agree."""

    def __init__(self, body: list[nn.Module], added: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        self.added = added

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.body(x)
        return x + result if self.added else result


class MobileNetV2(_Network):
    """Seven logits from a 64x64 picture.

    Parameters
    ----------
    normalised
        One more BatchNorm, on the pooled features.
    """

    def __init__(self, dropout: float = 0.0, normalised: bool = False) -> None:
        layers = _unit(3, 32, 3, 2)
        inputs = 32
        stages = (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        )
        for factor, outputs, repeats, first in stages:
            for index in range(repeats):
                stride, wide = first if index == 0 else 1, inputs * factor
                body = _unit(inputs, wide) if factor > 1 else []
                body += _unit(wide, wide, 3, stride, groups=wide) + _unit(wide, outputs, activation=None)
                layers.append(_Residual(body, stride == 1 and inputs == outputs))
                inputs = outputs
        pooled: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        if normalised:
            pooled.append(nn.BatchNorm1d(1280))
        super().__init__([*layers, *_unit(inputs, 1280), *pooled, nn.Dropout(dropout), nn.Linear(1280, CLASSES)])


class _SqueezeExcite(nn.Module):
    """Scales every channel by what its mean and the others' say (Hu et al., 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Widths are multiples of eight and lose no more than a tenth by that (the paper's own code).
        narrow = max(8, (channels // 4 + 4) // 8 * 8)
        narrow += 8 if narrow < 0.9 * channels / 4 else 0
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, narrow, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(narrow, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled: torch.Tensor = x * self.scale(x)
        return scaled


_RE, _HS = nn.ReLU, nn.Hardswish
_LARGE = (
    (3, 16, 16, False, _RE, 1),
    (3, 64, 24, False, _RE, 2),
    (3, 72, 24, False, _RE, 1),
    (5, 72, 40, True, _RE, 2),
    (5, 120, 40, True, _RE, 1),
    (5, 120, 40, True, _RE, 1),
    (3, 240, 80, False, _HS, 2),
    (3, 200, 80, False, _HS, 1),
    (3, 184, 80, False, _HS, 1),
    (3, 184, 80, False, _HS, 1),
    (3, 480, 112, True, _HS, 1),
    (3, 672, 112, True, _HS, 1),
    (5, 672, 160, True, _HS, 2),
    (5, 960, 160, True, _HS, 1),
    (5, 960, 160, True, _HS, 1),
)
_SMALL = (
    (3, 16, 16, True, _RE, 2),
    (3, 72, 24, False, _RE, 2),
    (3, 88, 24, False, _RE, 1),
    (5, 96, 40, True, _HS, 2),
    (5, 240, 40, True, _HS, 1),
    (5, 240, 40, True, _HS, 1),
    (5, 120, 48, True, _HS, 1),
    (5, 144, 48, True, _HS, 1),
    (5, 288, 96, True, _HS, 2),
    (5, 576, 96, True, _HS, 1),
    (5, 576, 96, True, _HS, 1),
)
# Kernel, expanded width, output width, squeeze-and-excitation, activation, stride: tables 1 and 2 of the V3 paper.


class MobileNetV3(_Network):
    """Seven logits from a 64x64 picture.

    Parameters
    ----------
    large
        The Large network; otherwise the Small one.
    """

    def __init__(self, dropout: float = 0.0, large: bool = False) -> None:
        layers = _unit(3, 16, 3, 2, activation=_HS)
        inputs = 16
        for kernel, wide, outputs, excited, activation, stride in _LARGE if large else _SMALL:
            body = _unit(inputs, wide, activation=activation) if wide != inputs else []
            body += _unit(wide, wide, kernel, stride, groups=wide, activation=activation)
            body += [_SqueezeExcite(wide)] if excited else []
            body += _unit(wide, outputs, activation=None)
            layers.append(_Residual(body, stride == 1 and inputs == outputs))
            inputs = outputs
        wide, last = (960, 1280) if large else (576, 1024)
        pooled = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, last, 1), nn.Hardswish(inplace=True), nn.Flatten()]
        super().__init__(
            [*layers, *_unit(inputs, wide, activation=_HS), *pooled, nn.Dropout(dropout), nn.Linear(last, CLASSES)]
        )
