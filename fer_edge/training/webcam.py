"""What webcams and rooms do to faces, at random and vectorised over a batch of grey or colour pictures.

Each function takes pictures N x C x H x W in [0, 1] and a `Draw`, changes the share of them that it is given, and leaves the
others as they are. A share of 0 draws nothing, so recipes that name none of these get the pictures they always got.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

EYES, MOUTH = (0.26, 0.52, 0.08, 0.92), (0.62, 0.98, 0.20, 0.80)
"""Top, bottom, left and right of what glasses and masks cover, as shares of the side, in the framing of FER2013."""

LARGEST_ROLL = 35.0
"""Degrees."""

COARSE = (18, 40)
"""Smallest and largest side, in pixels, of a face that is far away."""

_SIZES = 3  # a batch of coarse pictures is brought down to so many sizes
_TAPS = 6  # a blur's kernel reaches so many pixels to each side


class Draw:
    """Random numbers for the pictures of one batch.

    Parameters
    ----------
    count, device
        How many pictures, and where they lie.
    generator
        Source of the randomness, on that device.
    calm
        Share of the pictures to which none of `chance`'s changes happen.
    """

    def __init__(self, count: int, device: torch.device, generator: torch.Generator, calm: float = 0.0) -> None:
        self._count, self._device, self._generator = count, device, generator
        self._stressed = self.uniform(0.0, 1.0) >= calm if calm else None

    def uniform(self, low: float, high: float) -> torch.Tensor:
        """Return a number from ``low`` to ``high`` for each picture, N x 1 x 1 x 1."""
        draw = torch.rand(self._count, 1, 1, 1, generator=self._generator, device=self._device)
        return low + (high - low) * draw

    def chance(self, share: float) -> torch.Tensor:
        """Return for each picture, N x 1 x 1 x 1, whether it is among that share, none of the calm ones."""
        drawn = self.uniform(0.0, 1.0) < share
        return drawn if self._stressed is None else drawn & self._stressed

    def normal(self, like: torch.Tensor) -> torch.Tensor:
        """Return normal noise of the shape of ``like``."""
        return torch.randn(like.shape, generator=self._generator, device=self._device)

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high`` for the batch."""
        return int(torch.randint(low, high + 1, (1,), generator=self._generator, device=self._device))


def covered(x: torch.Tensor, share: float, draw: Draw) -> torch.Tensor:
    """Cover the eyes or the mouth by one shade."""
    if not share:
        return x
    chosen, mouth = draw.chance(share), draw.uniform(0.0, 1.0) < 0.5
    across, down = draw.uniform(-0.06, 0.06), draw.uniform(-0.06, 0.06)
    height, width = x.shape[2:]
    rows = ((torch.arange(height, device=x.device) + 0.5) / height).view(1, 1, height, 1) - down
    columns = ((torch.arange(width, device=x.device) + 0.5) / width).view(1, 1, 1, width) - across

    def inside(part: tuple[float, float, float, float]) -> torch.Tensor:
        top, bottom, left, right = part
        return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)

    return torch.where(chosen & torch.where(mouth, inside(MOUTH), inside(EYES)), draw.uniform(0.0, 1.0), x)


def rolled(share: float, draw: Draw) -> torch.Tensor | float:
    """Return by how much each picture's head is tilted further, in radians, N."""
    if not share:
        return 0.0
    angle = draw.uniform(-LARGEST_ROLL, LARGEST_ROLL) * (math.pi / 180.0)
    return torch.where(draw.chance(share), angle, torch.zeros_like(angle)).flatten()


def turned(grid: torch.Tensor, share: float, draw: Draw) -> torch.Tensor:
    """Turn heads away: change where pictures are sampled, N x H x W x 2 in [-1, 1], by homographies."""
    if not share:
        return grid
    chosen = draw.chance(share)
    aside = torch.cat([draw.uniform(-0.3, 0.3), draw.uniform(-0.2, 0.2)], dim=3)
    narrower = torch.cat([draw.uniform(1.0, 1.3), draw.uniform(1.0, 1.1)], dim=3)
    depth = 1 + (grid * aside).sum(dim=3, keepdim=True)
    return torch.where(chosen, grid * narrower / depth, grid)


def coarse(x: torch.Tensor, share: float, draw: Draw) -> torch.Tensor:
    """Bring pictures down to the few pixels of a face far away, and up again."""
    if not share:
        return x
    rows = draw.chance(share).flatten().nonzero().flatten()
    x = x.clone()
    for part in torch.tensor_split(rows, _SIZES):
        side = draw.whole(*COARSE)
        if len(part):
            small = functional.interpolate(x[part], size=(side, side), mode="area")
            x[part] = functional.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False)
    return x


def blurred(x: torch.Tensor, share: float, draw: Draw) -> torch.Tensor:
    """Blur by a Gaussian: as wide both ways where the focus is off, wider one way where something moved."""
    if not share:
        return x
    chosen = draw.chance(share).flatten()
    wide, narrow = draw.uniform(0.6, 2.4).flatten(), draw.uniform(0.2, 0.6).flatten()
    way = draw.uniform(0.0, 1.0).flatten()
    down, across = torch.where(way < 0.25, narrow, wide)[chosen], torch.where(way > 0.75, narrow, wide)[chosen]
    if not len(down):
        return x
    channels = x.shape[1]
    # Each picture has its own kernel: pictures become the groups of one convolution.
    some = x[chosen].flatten(0, 1).unsqueeze(0)
    for sigma, column in ((down, True), (across, False)):
        kernel = _gaussian(sigma).repeat_interleave(channels, dim=0)
        kernel = kernel[:, None, :, None] if column else kernel[:, None, None, :]
        padding = (0, 0, _TAPS, _TAPS) if column else (_TAPS, _TAPS, 0, 0)
        some = functional.pad(some, padding, mode="replicate")
        with torch.autocast(x.device.type, enabled=False):  # a picture has more than eight bits of light
            some = functional.conv2d(some, kernel, groups=some.shape[1])
    x = x.clone()
    x[chosen] = some.reshape(-1, channels, *x.shape[2:])
    return x


def _gaussian(sigma: torch.Tensor) -> torch.Tensor:
    reach = torch.arange(-_TAPS, _TAPS + 1, device=sigma.device)
    kernel = torch.exp(-0.5 * (reach / sigma[:, None]).square())
    return kernel / kernel.sum(dim=1, keepdim=True)


def flattened(x: torch.Tensor, share: float, draw: Draw) -> torch.Tensor:
    """Take most of the contrast, as haze, back light or a greasy lens do."""
    if not share:
        return x
    mean = x.mean(dim=(2, 3), keepdim=True)
    return torch.where(draw.chance(share), (x - mean) * draw.uniform(0.12, 0.6) + mean, x)


def grainy(x: torch.Tensor, share: float, draw: Draw) -> torch.Tensor:
    """Add the noise of a small sensor: stronger where the picture is brighter, but for what is always there."""
    if not share:
        return x
    strength = draw.chance(share) * draw.uniform(0.03, 0.14) * (0.3 + x.mean(dim=(1, 2, 3), keepdim=True))
    return x + strength * draw.normal(x)
