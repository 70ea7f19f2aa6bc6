"""The figures of merit agree with their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.classify.softmax import softmax
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
    drawn = (softmax(honest).cumsum(axis=1) > random.random((4000, 1))).argmax(axis=1)
    fitted = metrics.fit_temperature(honest * temperature, drawn)
    assert fitted == pytest.approx(temperature, rel=0.08)
    assert metrics.negative_log_likelihood(honest * temperature, drawn, fitted) <= (
        metrics.negative_log_likelihood(honest * temperature, drawn) + 1e-9
    )


def test_bins_without_answers_have_no_accuracy() -> None:
    bins = metrics.reliability(np.log(np.array([[0.95, 0.05], [0.9, 0.1], [0.55, 0.45]])), np.array([0, 1, 0]), bins=4)
    assert [each.answers for each in bins] == [0, 0, 1, 2]
    assert [each.accuracy for each in bins] == [None, None, 1, 0.5]
    assert bins[3].confidence == pytest.approx(0.925)


def test_an_answer_as_sure_as_the_threshold_is_given() -> None:
    points = metrics.coverage_curve(np.array([0.4, 0.5, 0.9]), np.array([True, False, True]), (0.5, 0.95))
    assert (points[0].coverage, points[0].accuracy) == (pytest.approx(2 / 3), 0.5)
    assert (points[1].coverage, points[1].accuracy) == (0, None)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.lists(st.floats(0, 1), max_size=8),
)
def test_coverage_falls_as_the_threshold_rises_and_is_whole_at_0(
    answers: list[tuple[float, bool]], thresholds: list[float]
) -> None:
    confidence = np.array([each for each, _ in answers])
    right = np.array([each for _, each in answers])
    points = metrics.coverage_curve(confidence, right, [0.0, *sorted(thresholds)])
    coverage = [point.coverage for point in points]
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[0] == 1
    assert points[0].accuracy == pytest.approx(right.mean())
    for point in points:
        assert (point.accuracy is None) == (point.coverage == 0)
        # What is right and given can never be more than what is right.
        assert point.coverage * (point.accuracy or 0) <= right.mean() + 1e-9


def test_no_answer_has_a_lower_cross_entropy_to_shares_than_the_shares_themselves() -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    entropy = -(shares * np.log(shares)).sum(axis=1).mean()
    assert metrics.cross_entropy(np.log(shares), shares) == pytest.approx(entropy)
    assert metrics.cross_entropy(np.log(np.roll(shares, 1, axis=1)), shares) > entropy


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_votes_want_is_found(temperature: float) -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    assert metrics.fit_temperature_to(temperature * np.log(shares), shares) == pytest.approx(temperature, rel=1e-3)
