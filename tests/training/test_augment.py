"""Augmentation changes pictures within bounds, the same way for the same seed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fer_edge.training.augment import augment, to_network_size
from fer_edge.training.recipe import Augmentation

NOTHING = Augmentation(rotation=0, scale=(1, 1), shift=0, contrast=0, brightness=0, gamma=0, detail=0, noise=0, erase=0)


def pictures(count: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (count, 48, 48, 1), generator=torch.Generator().manual_seed(3)).to(torch.uint8)


def stream(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_pictures_become_three_equal_channels_between_black_and_white() -> None:
    x = augment(pictures(), 64, Augmentation(), stream())
    assert x.shape == (16, 3, 64, 64)
    assert x.min() >= 0
    assert x.max() <= 1
    assert torch.equal(x[:, 0], x[:, 2])


def test_the_same_seed_gives_the_same_pictures_and_another_seed_others() -> None:
    first, again, other = (augment(pictures(), 64, Augmentation(), stream(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_any_strength_a_picture_is_only_resized_or_mirrored() -> None:
    plain = to_network_size(pictures(), 64)
    changed = augment(pictures(), 64, NOTHING, stream())
    mirrored = 0
    for before, after in zip(plain, changed):
        if torch.allclose(before, after, atol=2e-4):
            continue
        assert torch.allclose(before.flip(-1), after, atol=2e-4)
        mirrored += 1
    assert 0 < mirrored < 16


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rotation", 12.0),
        ("scale", (0.8, 0.9)),
        ("shift", 0.08),
        ("contrast", 0.3),
        ("brightness", 0.2),
        ("gamma", 0.3),
        ("detail", 1.0),
        ("noise", 0.05),
        ("erase", 1.0),
    ],
)
def test_each_strength_changes_the_pictures_by_itself(field: str, value: object) -> None:
    with_it = augment(pictures(), 64, replace(NOTHING, **{field: value}), stream())
    plain = to_network_size(pictures(), 64)
    same = [
        torch.allclose(after, before, atol=2e-4) or torch.allclose(after, before.flip(-1), atol=2e-4)
        for before, after in zip(plain, with_it)
    ]
    assert sum(same) <= 2
