"""Pictures as webcams give them: each change by itself, in the share it is given, and never without."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fer_edge.training import webcam
from fer_edge.training.augment import augment, to_network_size
from fer_edge.training.mixing import mixed
from fer_edge.training.recipe import Augmentation
from fer_edge.training.recipe_file import load_recipe
from fer_edge.training.webcam import Draw

NOTHING = Augmentation(rotation=0, scale=(1, 1), shift=0, contrast=0, brightness=0, gamma=0, detail=0, noise=0, erase=0)
CHANGES = ["cover", "roll", "turn", "coarse", "flat", "low_light", "blur", "grain", "jpeg"]


def faces(count: int = 64, channels: int = 1) -> torch.Tensor:
    """Give blocks of 6 x 6 pixels: detail that a blur or few pixels take."""
    stream = torch.Generator().manual_seed(3)
    blocks = torch.randint(0, 256, (count, 8, 8, channels), generator=stream).to(torch.uint8)
    return blocks.repeat_interleave(6, dim=1).repeat_interleave(6, dim=2)


def changed(how: Augmentation, images: torch.Tensor) -> torch.Tensor:
    """Tell of each picture whether it is more than resized and mirrored."""
    plain = to_network_size(images, 64)
    after = augment(images, 64, how, torch.Generator().manual_seed(1))
    assert after.shape == plain.shape
    assert after.min() >= 0
    assert after.max() <= 1
    apart = torch.stack([(after - plain).abs(), (after - plain.flip(-1)).abs()]).amax(dim=(2, 3, 4)).amin(dim=0)
    return apart > 1e-3


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_comes_to_the_share_of_the_pictures_that_it_is_given(change: str) -> None:
    images = faces()
    assert changed(replace(NOTHING, **{change: 1.0}), images).float().mean() > 0.95
    assert 0.2 < changed(replace(NOTHING, **{change: 0.5}), images).float().mean() < 0.8
    assert not changed(NOTHING, images).any()


def test_calm_pictures_are_spared_from_every_change() -> None:
    every = replace(NOTHING, calm=1.0, erase=1.0, detail=1.0, **dict.fromkeys(CHANGES, 1.0))
    assert not changed(every, faces()).any()
    assert 0.2 < changed(replace(every, calm=0.5), faces()).float().mean() < 0.8


def test_pictures_in_colour_are_changed_too() -> None:
    every = replace(NOTHING, **dict.fromkeys(CHANGES, 1.0))
    assert changed(every, faces(channels=3)).all()


def test_a_blur_keeps_the_light_and_takes_the_detail() -> None:
    x = to_network_size(faces(), 64)[:, :1]
    after = webcam.blurred(x, 1.0, Draw(len(x), x.device, torch.Generator().manual_seed(1)))
    assert torch.allclose(after.mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=0.02)
    assert (after.std(dim=(2, 3)) < x.std(dim=(2, 3))).all()


def test_a_share_of_nothing_draws_nothing_so_old_recipes_get_their_old_pictures() -> None:
    x, stream = torch.rand(4, 1, 64, 64), torch.Generator().manual_seed(1)
    draw = Draw(4, x.device, stream)
    for change in (webcam.covered, webcam.coarse, webcam.blurred, webcam.flattened, webcam.grainy):
        assert change(x, 0.0, draw) is x
    assert webcam.rolled(0.0, draw) == 0.0
    assert torch.equal(torch.rand(1, generator=stream), torch.rand(1, generator=torch.Generator().manual_seed(1)))


def test_mixed_targets_are_shares_and_a_heavy_face_keeps_its_weight() -> None:
    torch.manual_seed(2)
    images, soft, weights = torch.rand(8, 1, 4, 4), torch.eye(7)[torch.arange(8) % 7], torch.ones(8)
    weights[0] = 9.0
    mixture, target, both = mixed(images, soft, weights, share=1.0)
    assert not torch.equal(mixture, images)
    assert torch.allclose(target.sum(dim=1), torch.ones(8))
    # What the targets ask for altogether is what they asked for before.
    assert torch.allclose((target * both[:, None]).sum(dim=0), (soft * weights[:, None]).sum(dim=0), atol=1e-5)
    assert mixed(images, soft, weights, share=0.0)[0] is images


def test_the_recipe_of_webcams_uses_them_all() -> None:
    how = load_recipe("fernet_r_webcam").augmentation
    assert all(getattr(how, name) > 0 for name in (*CHANGES, "calm", "mixup", "detector_cut"))
