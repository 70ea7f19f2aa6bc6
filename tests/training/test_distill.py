"""What teachers answer gets its share of the targets."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_edge.classify import FakeClassifier
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.errors import ModelNotFound, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.training.data import FaceSet
from fer_edge.training.distill import answers_of, taught
from fer_edge.training.metrics import cross_entropy
from fer_edge.training.recipe import TargetRules, TrainSettings
from fer_edge.training.targets import build_targets

ONE = TrainSettings(distill=0.25, teacher="fernet")


def test_a_teachers_answer_gets_the_share_that_the_recipe_says(small_set: FaceSet) -> None:
    targets = build_targets(small_set, TargetRules())
    with_teacher = taught(targets, small_set, ONE)
    alone = taught(targets, small_set, replace(ONE, distill=1.0))
    assert np.allclose(with_teacher.soft, 0.75 * targets.soft + 0.25 * alone.soft, atol=1e-6)
    assert np.allclose(with_teacher.soft.sum(axis=1), 1, atol=1e-5)
    assert not np.allclose(alone.soft, targets.soft, atol=0.1)


def test_a_picture_and_its_mirror_image_are_answered_alike(small_set: FaceSet) -> None:
    teacher = OnnxClassifier(find_model("fernet"))
    images = small_set.images[:7]
    assert np.allclose(answers_of(teacher, images), answers_of(teacher, images[:, :, ::-1]), atol=1e-5)
    teacher.close()


def test_a_teacher_can_be_heard_at_the_temperature_that_the_votes_want(small_set: FaceSet) -> None:
    targets = build_targets(small_set, TargetRules())
    alone = replace(ONE, distill=1.0)
    plain, fitted = (taught(targets, small_set, replace(alone, teacher_voice=how)).soft for how in ("labels", "votes"))
    # It has never seen such stripes: fitted on their votes it is nearer to them, and its answers are the same.
    assert cross_entropy(np.log(fitted), targets.soft) < cross_entropy(np.log(plain), targets.soft) - 0.01
    assert np.array_equal(fitted.argmax(axis=1), plain.argmax(axis=1))
    with pytest.raises(UsageError, match="no teacher_voice 'shouting'"):
        taught(targets, small_set, replace(alone, teacher_voice="shouting"))


def test_several_teachers_are_heard_alike(small_set: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.onnx", "other.onnx"):
        shutil.copy(find_model("fernet"), tmp_path / name)
    said = {"one.onnx": (1, 0, 0, 0, 0, 0, 0), "other.onnx": (0, 0, 0, 0.5, 0.5, 0, 0)}
    monkeypatch.setattr(
        "fer_edge.training.distill.OnnxClassifier", lambda path, threads: FakeClassifier(said[path.name])
    )
    teachers = f"{tmp_path / 'one.onnx'}, {tmp_path / 'other.onnx'}"
    targets = build_targets(small_set, TargetRules())
    soft = taught(targets, small_set, replace(ONE, distill=1.0, teacher=teachers)).soft
    assert np.allclose(soft, (0.5, 0, 0, 0.25, 0.25, 0, 0))


def test_a_teacher_that_is_not_there_is_named_before_anybody_is_asked(small_set: FaceSet) -> None:
    targets = build_targets(small_set, TargetRules())
    with pytest.raises(ModelNotFound, match=r"nobody\.onnx"):
        taught(targets, small_set, replace(ONE, teacher="fernet, nobody.onnx"))
    with pytest.raises(UsageError, match="names no teacher"):
        taught(targets, small_set, replace(ONE, teacher=""))
