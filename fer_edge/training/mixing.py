"""Mixup: pictures laid over each other, and their targets with them (Zhang et al., 2018)."""

from __future__ import annotations

import torch

ALPHA = 0.4
"""Of the beta distribution that says how much of the second picture there is: mostly little, or nearly all."""


def mixed(
    images: torch.Tensor, soft: torch.Tensor, weights: torch.Tensor, share: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mix each picture of a batch with another one of it, in that share of the calls.

    Parameters
    ----------
    images, soft, weights
        N x C x H x W pictures, N x 7 targets with rows that sum to 1, N weights.
    share
        Of the calls in which something is mixed; the others return what they are given.

    Notes
    -----
    All draws come from PyTorch's global generators, which a run seeds at the start of each epoch. A target is mixed by
    weight: a rare face keeps its importance against a common one.
    """
    if torch.rand(()) >= share:
        return images, soft, weights
    first = torch.distributions.Beta(ALPHA, ALPHA).sample().to(images.device)
    other = torch.randperm(len(images)).to(images.device)
    both = first * weights + (1 - first) * weights[other]
    target = (first * weights)[:, None] * soft + ((1 - first) * weights[other])[:, None] * soft[other]
    return first * images + (1 - first) * images[other], target / both[:, None], both
