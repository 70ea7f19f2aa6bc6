"""The networks have the paper's size where that is said, work, and survive export."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from fer_edge.errors import UsageError  # noqa: E402
from fer_edge.zoo.catalogue import NETWORKS, build_network, find_network  # noqa: E402
from fer_edge.zoo.count import count_parameters_keras_style  # noqa: E402
from fer_edge.zoo.listing import describe_networks, network_sizes, networks_as_json  # noqa: E402

SMALL = [
    "lenet",
    "mobilenet_v1",
    "mobilenet_v2_bn",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "googlenet",
    "fernet_r",
]


def test_the_paper_has_seventeen_rows() -> None:
    assert sum(entry.paper is not None for entry in NETWORKS.values()) == 17
    assert all(name == entry.name for name, entry in NETWORKS.items())


def test_a_row_said_to_be_exact_has_the_papers_count_and_another_has_not() -> None:
    for row in network_sizes():
        if row.paper_parameters is not None:
            same = row.parameters == row.paper_parameters
            assert same == (row.match in ("exact", "reconstruction")), row


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("lenet", 505_271),
        ("mobilenet_v2", 2_266_951),
        ("mobilenet_v3_large", 4_235_399),
        ("mobilenet_v3_small", 1_537_143),
    ],
)
def test_the_nearest_networks_have_their_published_size(name: str, count: int) -> None:
    assert count_parameters_keras_style(build_network(name)) == count


@pytest.mark.parametrize("name", [*SMALL, "resnet18"])
def test_a_network_learns_in_either_precision_and_gives_seven_logits(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(name, 0.2).to(memory_format=torch.channels_last)
    images = torch.rand(4, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    assert logits.shape == (4, 7)
    torch.nn.functional.cross_entropy(logits.float(), torch.arange(4)).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_an_exported_network_answers_as_pytorch_does(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from fer_edge.training.export import to_onnx

    torch.manual_seed(0)
    network = build_network(name).eval()
    images = torch.rand(3, 3, 64, 64)
    session = onnxruntime.InferenceSession(to_onnx(network).SerializeToString(), providers=["CPUExecutionProvider"])
    (by_onnx,) = session.run(["logits"], {"image": images.numpy()})
    with torch.inference_mode():
        assert np.abs(by_onnx - network(images).numpy()).max() < 1e-3


def test_the_list_names_every_network_and_states_every_difference() -> None:
    text = describe_networks()
    for row in network_sizes():
        assert row.name in text
        assert f"{row.parameters:,}" in text
    assert "-23,040" in text
    assert [row["name"] for row in json.loads(networks_as_json())] == list(NETWORKS)


def test_an_unknown_network_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match="mobilenet_v1"):
        find_network("resnext")
