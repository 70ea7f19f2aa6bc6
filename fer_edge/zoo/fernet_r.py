"""FerNet-R: residual blocks in place of FerNet's compressing modules, at less cost."""

from __future__ import annotations

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES

WIDTHS = (32, 64, 128, 256)
"""Channels of the four stages, two blocks each; each stage but the first halves height and width."""


def _convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs)]


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016).

    The shortcut of a shrinking block averages before its 1x1 convolution, so that no pixel is skipped (He et al., 2019).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(inputs, outputs, stride), nn.ReLU(inplace=True), *_convolution(outputs, outputs)
        )
        shortcut: list[nn.Module] = []
        if stride == 2:
            shortcut.append(nn.AvgPool2d(2))
        if inputs != outputs:
            shortcut += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class FerNetR(nn.Module):
    """Seven logits from a 64x64 image.

    Parameters
    ----------
    dropout
        Share of the pooled features set to zero while training, in [0, 1).

    Notes
    -----
    A ResNet of half the width of ResNet-18 on a stem that halves the image at once: faces are rarely sharper than
    32x32 here, and FerNet spends a quarter of its multiply-accumulates at 64x64. The last 4x4 map is pooled by one
    learned weight per place and channel (as MobileFaceNet does: Chen et al., 2018), because on an aligned face the
    place tells mouth from eyes.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.BatchNorm2d(3), *_convolution(3, WIDTHS[0], 2), nn.ReLU(inplace=True)]
        inputs = WIDTHS[0]
        for outputs in WIDTHS:
            stages += [_Block(inputs, outputs, 1 if inputs == outputs else 2), _Block(outputs, outputs, 1)]
            inputs = outputs
        self.features = nn.Sequential(*stages)
        self.head = nn.Sequential(
            nn.Conv2d(inputs, inputs, 4, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(inputs, CLASSES),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, _Block):
                # Each block starts as its shortcut (Goyal et al., 2017).
                nn.init.zeros_(module.body[-1].weight)  # type: ignore[arg-type]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits N x 7 of images N x 3 x 64 x 64."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits
