"""Two backends are compared on the same crops, and a share of agreement can be demanded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_edge.classify import FakeClassifier
from fer_edge.classify.backend_choice import Wanted
from fer_edge.cli.main import main
from fer_edge.errors import BackendUnavailable, GateMissed, UsageError
from fer_edge.training.data import FaceSet
from fer_edge.training.evaluate import evaluate
from fer_edge.training.evaluation_report import to_markdown
from fer_edge.training.parity import ComparedClassifier, check_agreement, wanted_from

HAPPY = (0, 0, 0, 0.6, 0.4, 0, 0)
NEUTRAL = (0, 0, 0, 0.4, 0.6, 0, 0)
HAPPIER = (0, 0, 0, 0.7, 0.3, 0, 0)
CROPS = np.zeros((3, 64, 64, 3), np.uint8)


def test_labels_and_probabilities_are_compared_face_by_face() -> None:
    alike = ComparedClassifier(FakeClassifier(HAPPY), FakeClassifier(HAPPIER))
    answers = alike.classify(CROPS)
    alike.classify(CROPS[:1])
    assert [answer.label for answer in answers] == ["happy"] * 3
    parity = alike.parity()
    assert (parity.faces, parity.agreement) == (4, 1.0)
    assert parity.largest_difference == pytest.approx(0.1)
    unlike = ComparedClassifier(FakeClassifier(HAPPY), FakeClassifier(NEUTRAL))
    unlike.classify(CROPS)
    assert unlike.parity().agreement == 0


def test_a_share_of_agreement_can_be_demanded(small_set: FaceSet) -> None:
    result = evaluate(ComparedClassifier(FakeClassifier(HAPPY), FakeClassifier(NEUTRAL)), small_set, "small")
    assert result.parity is not None
    with pytest.raises(GateMissed, match=r"0\.00%.*99\.50%"):
        check_agreement(result.parity, 0.995)
    check_agreement(result.parity, 0.0)
    assert "| label as on none, fp32 | 0.00% of 56 faces |" in to_markdown(result)


def test_an_evaluation_says_what_it_ran_on_and_how_alike_another_backend_answers(
    small_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report"
    data = ["--data", str(small_file), "--report", str(report), "--threads", "2"]
    assert main(["evaluate", "fernet", *data, "--against", "onnx:cpu:fp32", "--min-agreement", "0.995"]) == 0
    assert "Run on CPUExecutionProvider, fp32" in capsys.readouterr().out
    parity = json.loads(report.with_suffix(".json").read_text())["parity"]
    assert parity["agreement"] == 1.0
    assert parity["faces"] == 56


def test_a_backend_that_is_not_there_is_told_before_the_set_is_read(small_file: Path) -> None:
    with pytest.raises(BackendUnavailable, match="tensorrt"):
        main(["evaluate", "fernet", "--data", "/nowhere", "--against", "tensorrt:gpu:fp16"])
    with pytest.raises(UsageError, match="'gpu' is no backend"):
        main(["evaluate", "fernet", "--data", "/nowhere", "--against", "gpu"])
    with pytest.raises(UsageError, match="--against"):
        main(["evaluate", "fernet", "--data", str(small_file), "--min-agreement", "0.9"])


def test_a_backend_is_named_by_one_to_three_words() -> None:
    assert wanted_from("onnx:cpu:fp32") == Wanted("onnx", "cpu", "fp32")
    assert wanted_from("tensorrt") == Wanted("tensorrt", "auto", "auto")
    for text in ("", "onnx:cpu:fp32:more", "onnx::fp32", "tensorrt:cpu"):
        with pytest.raises(UsageError):
            wanted_from(text)
