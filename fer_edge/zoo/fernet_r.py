"""FerNet-R: residual blocks in place of FerNet's compressing modules, at less cost; and FerNet-S, at half of that."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fer_edge.zoo.fernet import CLASSES

WIDTHS = (32, 64, 128, 256)
"""Channels of the four stages; each stage but the first halves height and width."""


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
    blocks
        Residual blocks of each stage.

    Notes
    -----
    A ResNet of half the width of ResNet-18 on a stem that halves the image at once: faces are rarely sharper than
    32x32 here, and FerNet spends a quarter of its multiply-accumulates at 64x64. The last 4x4 map is pooled by one
    learned weight per place and channel (as MobileFaceNet does: Chen et al., 2018), because on an aligned face the
    place tells mouth from eyes.
    """

    def __init__(self, dropout: float = 0.0, blocks: Sequence[int] = (2, 2, 2, 2)) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.BatchNorm2d(3), *_convolution(3, WIDTHS[0], 2), nn.ReLU(inplace=True)]
        inputs = WIDTHS[0]
        for outputs, count in zip(WIDTHS, blocks, strict=True):
            stages.append(_Block(inputs, outputs, 1 if inputs == outputs else 2))
            stages += [_Block(outputs, outputs, 1) for _ in range(count - 1)]
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


class FerNetS(FerNetR):
    """FerNet-R with one block a stage: under half of its multiply-accumulates.

    Parameters
    ----------
    dropout
        Share of the pooled features set to zero while training, in [0, 1).

    Notes
    -----
    The second block of a stage only refines what the first gives, and a residual network answers without some of its
    blocks (Veit et al., 2016). So FerNet-S can begin with FerNet-R's weights, see `shorten`, and learns in a few epochs
    what fresh weights need a long run for.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__(dropout, (1, 1, 1, 1))

    def shorten(self, whole: FerNetR) -> None:
        """Take the weights of ``whole`` but for the second block of each stage."""
        first = {outputs: block for block in reversed(list(whole.features)) for outputs in [_outputs(block)]}
        for name, module in self.features.named_children():
            own = _outputs(module)
            module.load_state_dict((first[own] if own else whole.features[int(name)]).state_dict())
        self.head.load_state_dict(whole.head.state_dict())


def _outputs(module: nn.Module) -> int:
    """Return the channels that a block gives; 0 of what is none."""
    return module.body[0].out_channels if isinstance(module, _Block) else 0  # type: ignore[return-value]
