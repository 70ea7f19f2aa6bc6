"""Training pictures are cut as the running program cuts them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.detect import open_detector
from fer_edge.errors import UsageError
from fer_edge.training.cuts import Cuts, cut_by_detector
from fer_edge.training.data import FaceSet
from fer_edge.training.module import ExpressionTraining
from fer_edge.training.recipe import Augmentation, TargetRules, TrainSettings
from fer_edge.training.targets import build_targets

STILL = Augmentation(
    rotation=0, scale=(1, 1), shift=0, contrast=0, brightness=0, gamma=0, detail=0, noise=0, erase=0, detector_cut=0.5
)


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """The face of the demo as a data set would hold it, with more around it than the program cuts: 96 x 96 grey."""
    with open_source("demo", CaptureSettings(paced=False)) as source:
        source.grab()
        image = source.retrieve()
    detector = open_detector("blazeface")
    x, y, width, height = (round(value) for value in detector.detect(image)[0].box)
    detector.close()
    around = image[y - height // 2 : y + height * 3 // 2, x - width // 2 : x + width * 3 // 2]
    return cv2.resize(cv2.cvtColor(around, cv2.COLOR_BGR2GRAY), (96, 96), interpolation=cv2.INTER_AREA)[:, :, None]


def test_a_face_is_cut_closer_than_its_picture_and_a_picture_without_one_is_not_cut(portrait: np.ndarray) -> None:
    cuts = cut_by_detector(np.stack([portrait, np.full_like(portrait, 90)]), "blazeface")
    assert cuts.images.shape == (2, 64, 64, 1)
    assert cuts.found.tolist() == [True, False]
    picture, cut = portrait[:, :, 0], cuts.images[0, :, :, 0]
    best = max(
        cv2.matchTemplate(picture, cv2.resize(cut, (side, side)), cv2.TM_CCOEFF_NORMED).max()
        for side in range(40, 90, 2)
    )
    assert best > 0.8


def test_a_colour_picture_is_cut_in_the_same_colours(portrait: np.ndarray) -> None:
    reddish = np.concatenate([portrait, portrait // 2, portrait // 4], axis=2)
    (cut,) = cut_by_detector(reddish[None], "blazeface").images
    red, green, blue = cut.reshape(-1, 3).mean(axis=0)
    assert red > 1.5 * green > 2 * blue


def test_an_unknown_detector_is_refused(portrait: np.ndarray) -> None:
    with pytest.raises(UsageError, match="nobody"):
        cut_by_detector(portrait[None], "nobody")


def test_the_share_that_the_recipe_says_is_cut_where_a_face_was_found(small_set: FaceSet) -> None:
    count = len(small_set.images)
    black = replace(small_set, images=np.zeros_like(small_set.images))
    white = Cuts(np.full((count, 64, 64, 1), 255, np.uint8), np.arange(count) % 4 != 0)
    settings = TrainSettings(network="lenet", batch_size=8, augmentation=STILL)
    module = ExpressionTraining(settings, black, build_targets(black, TargetRules()), small_set, white)
    module._generator = torch.Generator().manual_seed(1)
    rows = torch.arange(count).repeat(50)
    cut = module._changed(rows).mean(dim=(1, 2, 3)) > 0.5
    assert not cut[rows % 4 == 0].any()
    assert 0.45 < cut[rows % 4 != 0].float().mean() < 0.55
