"""FerNet has the size that it says, and gives what its users expect."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from fer_edge.zoo.count import count_multiply_accumulates, count_parameters_keras_style  # noqa: E402
from fer_edge.zoo.fernet import FerNet  # noqa: E402


def test_fernet_has_the_published_number_of_parameters() -> None:
    assert count_parameters_keras_style(FerNet()) == 2_893_395


def test_dropout_changes_neither_the_parameters_nor_their_names() -> None:
    assert FerNet(dropout=0.5).state_dict().keys() == FerNet().state_dict().keys()
    assert count_parameters_keras_style(FerNet(dropout=0.5)) == 2_893_395


def test_fernet_gives_seven_logits_for_each_picture() -> None:
    assert FerNet().eval()(torch.rand(3, 3, 64, 64)).shape == (3, 7)


def test_multiply_accumulates_of_a_layer_are_those_of_its_formula() -> None:
    convolution = torch.nn.Conv2d(3, 8, 3, padding=1, groups=1)
    assert count_multiply_accumulates(convolution, 64) == 64 * 64 * 8 * 3 * 9
    head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 4 * 4, 5))
    assert count_multiply_accumulates(head, 4) == 48 * 5


def test_counting_leaves_the_network_in_its_mode() -> None:
    network = FerNet().train()
    assert count_multiply_accumulates(network) == 155_058_624
    assert network.training
