"""What a network is fed, and what its answer means, are what its file says."""

from __future__ import annotations

import numpy as np
import pytest

from fer_edge.classify.spec import ModelSpec
from fer_edge.classify.tensors import NetworkTensors
from fer_edge.errors import StageFailed
from fer_edge.types import LABELS

BLUE_GREEN_RED = np.zeros((1, 8, 8, 3), np.uint8)
BLUE_GREEN_RED[:] = (10, 100, 200)


def test_a_network_for_colours_gets_red_first_scaled_and_shifted_channel_by_channel() -> None:
    spec = ModelSpec("x", input_size=8, colour="rgb", scale=0.5, mean=(1, 2, 3), std=(1, 2, 4))
    fed = NetworkTensors(spec).feed(BLUE_GREEN_RED)
    assert fed.shape == (1, 3, 8, 8)
    assert fed.dtype == np.float32
    assert [np.unique(plane).tolist() for plane in fed[0]] == [[99.0], [24.0], [0.5]]


def test_a_network_for_grey_gets_the_same_grey_three_times_and_each_crop_its_own() -> None:
    crops = np.concatenate([BLUE_GREEN_RED, np.full((1, 8, 8, 3), 40, np.uint8)])
    fed = NetworkTensors(ModelSpec("x", input_size=8, scale=1.0)).feed(crops)
    assert (fed[:, 0] == fed[:, 1]).all()
    assert (fed[:, 0] == fed[:, 2]).all()
    # 0.299 R + 0.587 G + 0.114 B
    assert [np.unique(one).tolist() for one in fed] == [[120.0], [40.0]]


def test_a_network_for_grey_may_want_each_channel_shifted_otherwise() -> None:
    spec = ModelSpec("x", input_size=8, scale=1.0, mean=(1, 2, 3))
    fed = NetworkTensors(spec).feed(BLUE_GREEN_RED)
    assert [np.unique(plane).tolist() for plane in fed[0]] == [[119.0], [118.0], [117.0]]


def test_what_is_fed_is_written_where_the_caller_wants_it() -> None:
    out = np.full((1, 3, 8, 8), -1, np.float32)
    tensors = NetworkTensors(ModelSpec("x", input_size=8, scale=1.0))
    assert tensors.feed(BLUE_GREEN_RED, out=out) is out
    np.testing.assert_array_equal(out, tensors.feed(BLUE_GREEN_RED))


def test_probabilities_are_the_softmax_of_the_logits_by_the_temperature_in_the_order_of_our_labels() -> None:
    theirs = ("surprise", *LABELS[:-1])
    logits = np.array([[3, 1, 0, -1, 2, 0.5, 0]], np.float32)
    (answer,) = NetworkTensors(ModelSpec("x", labels=theirs, temperature=2.0)).expressions(logits)
    powers = np.exp(logits[0] / 2.0)
    for index, label in enumerate(theirs):
        share = powers[index] / powers.sum()
        assert answer.probabilities[LABELS.index(label)] == pytest.approx(share, abs=1e-6)
    assert answer.label == "surprise"
    assert answer.confidence == pytest.approx(powers[0] / powers.sum(), abs=1e-6)


@pytest.mark.parametrize(("limit", "uncertain"), [(0.99, True), (0.01, False)])
def test_an_answer_under_the_networks_threshold_is_uncertain(limit: float, uncertain: bool) -> None:
    spec = ModelSpec("x", uncertain_below=limit)
    (answer,) = NetworkTensors(spec).expressions(np.array([[0, 0, 0, 2, 0, 0, 0]], np.float32))
    assert answer.uncertain is uncertain
    assert answer.doubt == (("low confidence",) if uncertain else ())


def test_logits_of_any_size_overflow_nothing() -> None:
    (answer,) = NetworkTensors(ModelSpec("x", temperature=0.01)).expressions(
        np.array([[3e38, 0, 0, 0, 0, 0, -3e38]], np.float32)
    )
    assert answer.probabilities.tolist() == [1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_logit_that_is_no_number_makes_a_fault_of_the_whole_batch(value: float) -> None:
    logits = np.zeros((3, 7), np.float32)
    logits[1, 6] = value
    with pytest.raises(StageFailed, match="x gave no numbers"):
        NetworkTensors(ModelSpec("x")).expressions(logits)
