"""The pictures are real ones, of the size they are said to have, and show what they were given."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from fer_edge.classify import FakeClassifier
from fer_edge.errors import MissingExtra, OutputNotWritable
from fer_edge.training import pictures
from fer_edge.training.data import FaceSet
from fer_edge.training.evaluate import Evaluation, evaluate

BLUE, ORANGE = (43, 108, 163), (217, 130, 43)


@pytest.fixture
def figures(small_set: FaceSet) -> Evaluation:
    return evaluate(FakeClassifier((0, 0, 0, 0.6, 0.4, 0, 0)), small_set, "50 $ of faces_{x$")


def pixels_of(path: Path, colour: tuple[int, int, int]) -> int:
    with Image.open(path) as picture:
        return int((np.asarray(picture.convert("RGB")) == colour).all(axis=2).sum())


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        return picture.size


def test_every_picture_of_an_evaluation_has_its_stated_size(figures: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "made" / "picture.png"
    pictures.draw_confusion(path, figures)
    assert size_of(path) == pictures.CONFUSION_SIZE
    pictures.draw_reliability(path, figures)
    assert size_of(path) == pictures.RELIABILITY_SIZE
    pictures.draw_coverage(path, figures)
    assert size_of(path) == pictures.COVERAGE_SIZE
    assert [each.name for each in path.parent.iterdir()] == ["picture.png"]


def test_a_classifier_that_is_never_sure_has_pictures_too(small_set: FaceSet, tmp_path: Path) -> None:
    figures = evaluate(FakeClassifier((1 / 7,) * 7), small_set, "made up")
    pictures.draw_coverage(tmp_path / "coverage.png", figures)
    pictures.draw_reliability(tmp_path / "reliability.png", figures)
    assert pixels_of(tmp_path / "coverage.png", BLUE) > 0
    assert pixels_of(tmp_path / "reliability.png", BLUE) > 0


def test_curves_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    both, one, none = (tmp_path / f"{name}.png" for name in ("both", "one", "none"))
    pictures.draw_curves(both, "a run", [1, 2, 3], [2.0, 1.0, 0.5], [2.1, 1.5, 1.2], [0.2, 0.4, 0.6], [0.2, 0.3, 0.4])
    pictures.draw_curves(one, "a run", [1, 2, 3], validation_accuracy=[0.2, math.nan, 0.4], validation_loss=[3, 2, 1])
    pictures.draw_curves(none, "a run", [])
    assert {size_of(path) for path in (both, one, none)} == {pictures.CURVES_SIZE}
    assert pixels_of(both, BLUE) > 0
    assert pixels_of(both, ORANGE) > 0
    assert pixels_of(one, BLUE) == 0
    assert pixels_of(one, ORANGE) > 0
    assert pixels_of(none, ORANGE) == 0


def test_a_run_of_one_epoch_can_be_seen(tmp_path: Path) -> None:
    pictures.draw_curves(tmp_path / "one.png", "a run", [1], train_loss=[2.0])
    assert pixels_of(tmp_path / "one.png", BLUE) > 20


def test_a_picture_that_cannot_be_written_is_told_by_its_name(figures: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputNotWritable, match=r"confusion\.png"):
        pictures.draw_confusion(tmp_path / "file" / "confusion.png", figures)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("matplotlib", "matplotlib.figure", "matplotlib.ticker", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"matplotlib[^$]*\[train\]"):
        pictures.draw_curves(tmp_path / "curves.png", "a run", [1])
    with pytest.raises(MissingExtra):
        pictures.check_pictures()
