"""The figures of merit agree with their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.training import metrics


def test_figures_of_a_small_confusion_matrix() -> None:
    truth, answers = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    confusion = metrics.confusion_matrix(truth, answers, 3)
    assert confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert metrics.accuracy(confusion) == pytest.approx(4 / 6)
    assert metrics.recall(confusion) == pytest.approx([2 / 3, 1, 0])
    assert metrics.precision(confusion) == pytest.approx([2 / 3, 2 / 3, 0])
    assert metrics.f1(confusion) == pytest.approx([2 / 3, 4 / 5, 0])


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    logits = np.log(np.array([[0.8, 0.2]] * 10))
    truth = np.array([0] * 5 + [1] * 5)
    assert metrics.expected_calibration_error(logits, truth) == pytest.approx(0.3)


@given(st.floats(0.4, 2.5))
def test_the_fitted_temperature_undoes_a_known_one(temperature: float) -> None:
    random = np.random.default_rng(5)
    honest = random.normal(0, 2, (4000, 7))
    drawn = (metrics.softmax(honest).cumsum(axis=1) > random.random((4000, 1))).argmax(axis=1)
    fitted = metrics.fit_temperature(honest * temperature, drawn)
    assert fitted == pytest.approx(temperature, rel=0.08)
    assert metrics.negative_log_likelihood(honest * temperature, drawn, fitted) <= (
        metrics.negative_log_likelihood(honest * temperature, drawn) + 1e-9
    )
