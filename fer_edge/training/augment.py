"""Random changes of training pictures, all vectorised over the batch, and the plain resize for evaluation.

The changes imitate what a camera and a face detector do: a box that sits a little off, a tilted head,
light, focus, noise, and something in front of the face.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional

from fer_edge.training import webcam
from fer_edge.training.recipe import Augmentation
from fer_edge.training.webcam import Draw

_Uniform = Callable[[float, float], torch.Tensor]

_LUMINANCE_STEPS = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)
"""Quantisation of luminance at quality 50: ITU-T T.81 (JPEG), table K.1."""

_COSINES = torch.tensor(
    [[(0.5 if k else math.sqrt(0.125)) * math.cos((2 * n + 1) * k * math.pi / 16) for n in range(8)] for k in range(8)]
)
"""The orthonormal discrete cosine transform of eight values."""


def to_network_size(images: torch.Tensor, size: int) -> torch.Tensor:
    """Return images N x H x W x C uint8, C 1 or 3, as N x 3 x size x size float in [0, 1], bilinear, without any change."""
    scaled = functional.interpolate(
        images.permute(0, 3, 1, 2).float() / 255.0, size=(size, size), mode="bilinear", align_corners=False
    )
    return scaled.expand(-1, 3, -1, -1)


def augment(images: torch.Tensor, size: int, how: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Return every image changed at random.

    Parameters
    ----------
    images
        N x H x W x C, uint8; C is 1 (grey) or 3 (RGB).
    size
        Side of the result, in pixels.
    how
        Strength of the changes.
    generator
        Source of all the randomness, on the device of ``images``.

    Returns
    -------
    torch.Tensor
        N x 3 x size x size, float32 in [0, 1]; grey is copied to three channels.
    """
    draw = Draw(len(images), images.device, generator, how.calm)
    uniform, chance = draw.uniform, draw.chance

    x = webcam.covered(images.permute(0, 3, 1, 2).float() / 255.0, how.cover, draw)
    x = webcam.coarse(_moved(x, size, how, draw), how.coarse, draw)

    mean = x.mean(dim=(2, 3), keepdim=True)
    x = (x - mean) * uniform(1 - how.contrast, 1 + how.contrast) + mean
    x = (x + uniform(-how.brightness, how.brightness)).clamp(1e-4, 1.0)
    x = x ** uniform(1 - how.gamma, 1 + how.gamma)
    x = webcam.flattened(x, how.flat, draw)
    if how.low_light:
        x = torch.where(chance(how.low_light), x * uniform(0.125, 0.5), x)

    # One formula for both: minus one leaves the coarse image only, above zero adds detail back.
    coarse = functional.interpolate(
        functional.avg_pool2d(x, 2), size=(size, size), mode="bilinear", align_corners=False
    )
    x = x + (x - coarse) * uniform(-1.0, 0.8) * chance(how.detail)
    x = webcam.blurred(x, how.blur, draw)

    x = x + draw.normal(x) * uniform(0.0, how.noise)
    x = webcam.grainy(x, how.grain, draw)
    if how.jpeg:
        x = torch.where(chance(how.jpeg), _jpeg(x, uniform(15.0, 75.0)), x)
    x = _erase(x, size, mean, uniform, chance(how.erase))
    return x.clamp(0.0, 1.0).expand(-1, 3, -1, -1)


def _moved(x: torch.Tensor, size: int, how: Augmentation, draw: Draw) -> torch.Tensor:
    uniform = draw.uniform
    angle = uniform(-how.rotation, how.rotation).flatten() * (math.pi / 180.0) + webcam.rolled(how.roll, draw)
    zoom = 1.0 / uniform(*how.scale).flatten()
    mirror = torch.where(uniform(0.0, 1.0).flatten() < 0.5, -1.0, 1.0)
    theta = torch.zeros(len(x), 2, 3, device=x.device)
    theta[:, 0, 0] = zoom * angle.cos() * mirror
    theta[:, 0, 1] = -zoom * angle.sin()
    theta[:, 1, 0] = zoom * angle.sin() * mirror
    theta[:, 1, 1] = zoom * angle.cos()
    # affine_grid's coordinates span [-1, 1], so a share of the side is twice that.
    theta[:, 0, 2] = 2 * uniform(-how.shift, how.shift).flatten()
    theta[:, 1, 2] = 2 * uniform(-how.shift, how.shift).flatten()
    grid = functional.affine_grid(theta, [len(x), 1, size, size], align_corners=False)
    grid = webcam.turned(grid, how.turn, draw)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _jpeg(x: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Quantise the cosine transform of every 8 x 8 block, as a JPEG encoder of that quality (1 to 100) does."""
    count, channels, height, width = x.shape
    transform = _COSINES.to(x.device)
    scale = torch.where(quality < 50, 50.0 / quality, 2.0 - quality / 50.0)
    steps = (_LUMINANCE_STEPS.to(x.device) * scale[..., None, None]).clamp(1.0, 255.0)
    blocks = (x * 255.0 - 128.0).reshape(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = transform @ blocks @ transform.T
    restored = transform.T @ ((coefficients / steps).round() * steps) @ transform
    return (restored.transpose(3, 4).reshape(x.shape) + 128.0) / 255.0


def _erase(x: torch.Tensor, size: int, fill: torch.Tensor, uniform: _Uniform, chosen: torch.Tensor) -> torch.Tensor:
    height, width = uniform(0.1, 0.4) * size, uniform(0.1, 0.4) * size
    top, left = uniform(0.0, 1.0) * (size - height), uniform(0.0, 1.0) * (size - width)
    rows = torch.arange(size, device=x.device).view(1, 1, size, 1)
    columns = torch.arange(size, device=x.device).view(1, 1, 1, size)
    inside = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    return torch.where(inside & chosen, fill, x)
