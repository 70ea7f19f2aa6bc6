"""Every network of the catalogue has the size that it states, and works as training and export need it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fer_edge.errors import UsageError  # noqa: E402
from fer_edge.zoo.catalogue import NETWORKS, build_network, find_network  # noqa: E402
from fer_edge.zoo.listing import describe_networks, measure_network, networks_as_json  # noqa: E402
from fer_edge.zoo.network import Network  # noqa: E402

PAPER_ORDER = [
    "lenet",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v2_bn",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "alexnet",
    "resnet18",
    "resnet34",
    "googlenet",
    "resnet50",
    "alexnet_bn",
    "fernet",
]

# The wide heads of the VGGs and the AlexNets are slow to draw and to write; vgg11 and alexnet_bn stand for them.
SLOW = {"vgg13", "vgg16", "vgg19", "alexnet"}
RUN = [name for name in NETWORKS if name not in SLOW]

_IN_PAPER = [pytest.param(network, id=network.name) for network in NETWORKS.values() if network.paper]


def _sample(size: int = 2) -> torch.Tensor:
    return torch.rand(size, 3, 64, 64, generator=torch.Generator().manual_seed(5))


def test_the_paper_s_rows_come_first_and_in_its_order() -> None:
    assert list(NETWORKS)[: len(PAPER_ORDER)] == PAPER_ORDER
    assert all(NETWORKS[name].paper for name in PAPER_ORDER)
    assert all(network.match == "ours" for name, network in NETWORKS.items() if name not in PAPER_ORDER)


@pytest.mark.parametrize("network", _IN_PAPER)
def test_the_count_differs_from_the_paper_s_by_what_the_catalogue_states(network: Network) -> None:
    size = measure_network(network)
    if network.match == "nearest":
        assert size.difference != 0
        assert f"{size.difference:+,} parameters" in network.note
    else:
        assert network.match in ("exact", "reconstruction")
        assert size.difference == 0


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_a_guessed_head_is_called_a_guess(name: str) -> None:
    assert "guess" in NETWORKS[name].note


def test_multiply_accumulates_are_those_counted_on_a_real_network() -> None:
    from fer_edge.zoo.count import count_multiply_accumulates

    for name in ("lenet", "mobilenet_v3_small", "fernet"):
        assert measure_network(NETWORKS[name]).multiply_accumulates == count_multiply_accumulates(build_network(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_dropout_adds_no_weight(name: str) -> None:
    with torch.device("meta"):
        plain, dropping = build_network(name), build_network(name, 0.5)
    shapes = [[(key, value.shape) for key, value in net.state_dict().items()] for net in (plain, dropping)]
    assert shapes[0] == shapes[1]
    rates = [[layer.p for layer in net.modules() if isinstance(layer, torch.nn.Dropout)] for net in (plain, dropping)]
    assert set(rates[0]) == {0.0}
    assert set(rates[1]) == {0.5}


@pytest.mark.parametrize("name", RUN)
def test_a_step_of_training_reaches_every_weight(name: str) -> None:
    torch.manual_seed(3)
    network = build_network(name, 0.1).to(memory_format=torch.channels_last).train()
    image = _sample(4).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(image)
    assert logits.shape == (4, 7)
    torch.nn.functional.cross_entropy(logits.float(), torch.tensor([0, 2, 4, 6])).backward()
    for key, weight in network.named_parameters():
        assert weight.grad is not None, key
        assert bool(torch.isfinite(weight.grad).all()), key


@pytest.mark.parametrize("name", RUN)
def test_onnx_runtime_gives_the_logits_of_pytorch(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    torch.manual_seed(3)
    network = build_network(name).eval()
    image = _sample()
    with torch.no_grad():
        expected = network(image).numpy()
    assert expected.shape == (2, 7)
    assert np.abs(expected[0] - expected[1]).max() > 0, "the logits do not depend on the picture"
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # PyTorch calls this exporter deprecated; the newer one writes no opset 13.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 64, 64),),
            buffer,
            opset_version=13,
            dynamo=False,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        )
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": image.numpy()})
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", sorted(SLOW))
def test_a_wide_network_gives_seven_logits_too(name: str) -> None:
    with torch.device("meta"):
        assert build_network(name).eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


def test_the_table_has_a_line_and_a_note_for_each_network() -> None:
    lines = describe_networks().splitlines()
    for name, network in NETWORKS.items():
        row, note = (line for line in lines if line.split(" ")[0] == name)
        assert network.title in row
        assert network.match in row
        assert note.endswith(network.note)
        if network.paper:
            assert f"{network.paper.parameters:,}" in row


def test_the_json_holds_the_table_and_the_paper_s_figures() -> None:
    entries = {entry["name"]: entry for entry in json.loads(networks_as_json())}
    assert list(entries) == list(NETWORKS)
    assert entries["fernet"]["parameters"] == 2_893_395
    assert entries["fernet"]["multiply_accumulates"] == 155_058_624
    assert entries["lenet"]["difference"] == -23_040
    assert entries["vgg13"]["paper"]["fps_detection"] == 92.49
    assert entries["mobilenet_v3_large"]["paper"]["fps_total"] is None


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="resnet51") as caught:
        find_network("resnet51")
    assert all(name in caught.value.remedy for name in NETWORKS)


def test_the_catalogue_can_be_read_without_pytorch() -> None:
    code = "import sys; import fer_edge.zoo.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
