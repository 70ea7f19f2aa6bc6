"""A teacher begins with weights that others trained on faces, read from a folder of TensorFlow.js."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from fer_edge.errors import CheckpointError
from fer_edge.training.augment import to_network_size
from fer_edge.training.begin import begin, check_begin
from fer_edge.training.data import FaceSet
from fer_edge.training.pretrained import read_tensors
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.recipe_file import load_recipe
from fer_edge.training.train import train
from fer_edge.zoo.catalogue import build_network
from fer_edge.zoo.mobilenet import V1_BLOCKS

NAME = "mobilenet_v1_faces"
Weights = dict[str, np.ndarray[Any, Any]]


def random_weights() -> Weights:
    """Give weights of the right names and shapes, large enough that ReLU6 cuts at both ends."""
    random = np.random.default_rng(3)

    def drawn(*shape: int) -> np.ndarray[Any, Any]:
        inputs = shape[0] * shape[1] * (1 if shape[3] == 1 else shape[2])
        return (random.normal(0, 1, shape) * (2 / inputs) ** 0.5).astype(np.float32)

    def offset(count: int) -> np.ndarray[Any, Any]:
        return random.normal(0.2, 0.3, count).astype(np.float32)

    weights = {"conv1/convolution/merged_input": drawn(3, 3, 3, 32) / 60, "conv1_bn/batchnorm_1/sub": offset(32)}
    inputs = 32
    for block, (outputs, _) in enumerate(V1_BLOCKS, 1):
        weights[f"conv_dw_{block}/depthwise_kernel"] = drawn(3, 3, inputs, 1)
        weights[f"conv_dw_{block}_bn/batchnorm_1/mul"] = random.normal(1, 0.3, inputs).astype(np.float32)
        weights[f"conv_dw_{block}_bn/batchnorm_1/sub"] = offset(inputs)
        weights[f"conv_pw_{block}/convolution/merged_input"] = drawn(1, 1, inputs, outputs)
        weights[f"conv_pw_{block}_bn/batchnorm_1/sub"] = offset(outputs)
        inputs = outputs
    weights["age_pred/kernel"] = np.zeros((1024, 100), np.float32)
    return {name: value.astype(np.float16) for name, value in weights.items()}


def write(folder: Path, weights: Weights, parts: int = 2) -> Path:
    """Write a folder as TensorFlow.js does, with the values in so many files."""
    folder.mkdir(exist_ok=True)
    held = b"".join(value.tobytes() for value in weights.values())
    names = [f"faces{index}.bin" for index in range(parts)]
    step = -(-len(held) // parts)
    for index, name in enumerate(names):
        (folder / name).write_bytes(held[index * step : (index + 1) * step])
    listed = [
        {"name": name, "shape": list(value.shape), "dtype": "float32", "quantization": {"dtype": str(value.dtype)}}
        for name, value in weights.items()
    ]
    manifest = [{"paths": names, "weights": listed}]
    (folder / "faces.json").write_text(json.dumps({"format": "graph-model", "weightsManifest": manifest}))
    return folder


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights()


@pytest.fixture(scope="module")
def folder(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pretrained") / "faces", weights)


def settings(folder: Path) -> TrainSettings:
    return TrainSettings(network=NAME, start=str(folder))


def as_tensorflow_computes(weights: Weights, images: torch.Tensor) -> torch.Tensor:
    """Give the mean features of images N x 3 x 128 x 128: padded as much as needed, one more to the right and below."""

    def layer(
        x: torch.Tensor, kernel: torch.Tensor, stride: int, groups: int, added: np.ndarray[Any, Any]
    ) -> torch.Tensor:
        size, side = x.shape[-1], kernel.shape[-1]
        missing = max((-(-size // stride) - 1) * stride + side - size, 0)
        x = functional.pad(x, (missing // 2, missing - missing // 2) * 2)
        x = functional.conv2d(x, kernel, torch.from_numpy(added.astype(np.float32)), stride, groups=groups)
        return x.clamp(0, 6)

    def kernel(name: str, *axes: int) -> torch.Tensor:
        return torch.from_numpy(weights[name].astype(np.float32)).permute(*axes)

    first = kernel("conv1/convolution/merged_input", 3, 2, 0, 1)
    x = layer(images, first, 2, 1, weights["conv1_bn/batchnorm_1/sub"])
    for block, (_, stride) in enumerate(V1_BLOCKS, 1):
        factor = torch.from_numpy(weights[f"conv_dw_{block}_bn/batchnorm_1/mul"].astype(np.float32))
        own = kernel(f"conv_dw_{block}/depthwise_kernel", 2, 3, 0, 1) * factor[:, None, None, None]
        x = layer(x, own, stride, x.shape[1], weights[f"conv_dw_{block}_bn/batchnorm_1/sub"])
        own = kernel(f"conv_pw_{block}/convolution/merged_input", 3, 2, 0, 1)
        x = layer(x, own, 1, 1, weights[f"conv_pw_{block}_bn/batchnorm_1/sub"])
    return x.mean(dim=(2, 3))


def test_the_features_are_those_that_tensorflow_computes(weights: Weights, folder: Path, small_set: FaceSet) -> None:
    network = build_network(NAME).eval()
    begin(network, settings(folder), small_set.images)
    faces = to_network_size(torch.from_numpy(small_set.images[:3]), 64)
    enlarged = functional.interpolate(faces, (128, 128), mode="bilinear", align_corners=False)
    with torch.inference_mode():
        given = network.features(enlarged * 255 - 113).mean(dim=(2, 3))  # type: ignore[operator]
        wanted = as_tensorflow_computes(weights, enlarged * 255 - 113)
        head = network.head[-1]  # type: ignore[index]
        logits = wanted @ head.weight.T + head.bias
        torch.testing.assert_close(given, wanted, atol=2e-3, rtol=2e-3)
        torch.testing.assert_close(network(faces), logits, atol=5e-3, rtol=5e-3)
    assert float((given > 0).float().mean()) > 0.1
    assert float(given.std(dim=0).mean()) > 0


def test_learning_begins_where_the_pretrained_network_is(folder: Path, small_set: FaceSet) -> None:
    network = build_network(NAME)
    begin(network, settings(folder), small_set.images)
    faces = to_network_size(torch.from_numpy(small_set.images), 64)
    with torch.inference_mode():
        evaluated = network.eval()(faces)
        # In a batch of these very faces a norm finds the mean and the variance that it has.
        trained = network.train()(faces)
    assert (evaluated - trained).abs().max() < 0.1 * evaluated.abs().max()


def test_a_run_begins_with_the_folder_and_its_file_names_it_without_its_place(
    folder: Path, small_set: FaceSet, tmp_path: Path
) -> None:
    run = TrainSettings(
        network=NAME,
        start=str(folder),
        epochs=1,
        batch_size=28,
        threads=1,
        precision="fp32",
        device="cpu",
        recipe="mine",
    )
    train(run, small_set, small_set, tmp_path / "run")
    said = torch.load(tmp_path / "run" / "best.pt", weights_only=True)["origin"]["recipe"]
    assert 'start = "faces"' in said
    assert str(folder.parent) not in said


def test_the_recipe_says_which_folder_it_wants_before_anything_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="no folder faceres") as caught:
        check_begin(load_recipe(NAME))
    assert "--start" in caught.value.remedy


def _without(name: str) -> Callable[[Path, Weights], None]:
    def spoil(folder: Path, weights: Weights) -> None:
        write(folder, {key: value for key, value in weights.items() if key != name})

    return spoil


def _cut_short(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    held = (folder / "faces1.bin").read_bytes()
    (folder / "faces1.bin").write_bytes(held[:-1])


def _one_file_less(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    (folder / "faces1.bin").unlink()


def _too_long(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    with (folder / "faces1.bin").open("ab") as file:
        file.write(b"more")


def _no_end(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    (folder / "faces1.bin").unlink()
    os.mkfifo(folder / "faces1.bin")


def _endless(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    (folder / "faces1.bin").unlink()
    (folder / "faces1.bin").symlink_to("/dev/zero")


def _whole_numbers(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    model = folder / "faces.json"
    listed = json.loads(model.read_text())
    # As many bytes, of half as many numbers.
    for entry in listed["weightsManifest"][0]["weights"]:
        if entry["name"] == "conv_dw_1/depthwise_kernel":
            entry.update(shape=[3, 3, 16, 1], quantization={"dtype": "int32"})
    model.write_text(json.dumps(listed))


def _far_too_large(folder: Path, weights: Weights) -> None:
    spoiled = {**weights}
    for name in ("conv_dw_2/depthwise_kernel", "conv_dw_2_bn/batchnorm_1/mul"):
        spoiled[name] = np.full_like(weights[name], 6e4)
    for name in ("conv_pw_2/convolution/merged_input", "conv_pw_2_bn/batchnorm_1/sub"):
        spoiled[name] = weights[name].astype(np.float32)
    spoiled["conv_pw_2/convolution/merged_input"] = np.full_like(spoiled["conv_pw_2/convolution/merged_input"], 3e38)
    write(folder, spoiled)


def _narrower(folder: Path, weights: Weights) -> None:
    name = "conv_pw_3/convolution/merged_input"
    write(folder, {**weights, name: weights[name][:, :, :, :64]})


def _no_numbers(folder: Path, weights: Weights) -> None:
    name = "conv_dw_2_bn/batchnorm_1/mul"
    write(folder, {**weights, name: np.full_like(weights[name], np.nan)})


def _text(text: str) -> Callable[[Path, Weights], None]:
    def spoil(folder: Path, weights: Weights) -> None:
        folder.mkdir()
        (folder / "faces.json").write_text(text)

    return spoil


def _two_models(folder: Path, weights: Weights) -> None:
    write(folder, weights)
    (folder / "other.json").write_text("{}")


def _empty(folder: Path, weights: Weights) -> None:
    folder.mkdir()


def _manifest(**entry: object) -> str:
    whole = {"name": "a", "shape": [2], "dtype": "float32", **entry}
    return json.dumps({"weightsManifest": [{"paths": ["faces.json"], "weights": [whole]}]})


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_cut_short, "incomplete: age_pred/kernel is not whole"),
        (_one_file_less, r"incomplete: faces1\.bin is missing"),
        (_too_long, "4 bytes more than its model lists"),
        (_no_end, "not a regular file"),
        (_endless, "not a regular file"),
        (_whole_numbers, "another network: it has no conv_dw_1/depthwise_kernel"),
        (_far_too_large, "damaged: what its weights give"),
        (_without("conv_pw_13/convolution/merged_input"), "another network: it has no conv_pw_13/convolution"),
        (_without("conv_dw_4_bn/batchnorm_1/mul"), "another network: it has no conv_dw_4_bn"),
        (_narrower, r"another network: conv_pw_3.*\[64, 128, 1, 1\], and \[128, 128, 1, 1\]"),
        (_no_numbers, "damaged: conv_dw_2_bn.*no number"),
        (_two_models, "2 JSON files"),
        (_empty, "no JSON file"),
        (_text("{"), r"faces\.json is no model"),
        (_text("[" * 100_000), r"faces\.json is no model"),
        (_text("{}"), r"faces\.json is no model"),
        (_text('{"weightsManifest": [7]}'), r"faces\.json is no model"),
        (_text('{"weightsManifest": [{"paths": ["../../secret"], "weights": []}]}'), "outside of its folder"),
        (_text('{"weightsManifest": [{"paths": [7], "weights": []}]}'), "outside of its folder"),
        (_text(_manifest(dtype="uint8")), "a as uint8"),
        (_text('{"weightsManifest": [{"paths": [".."], "weights": []}]}'), "outside of its folder"),
        (_text('{"weightsManifest": [{"paths": ["faces.json", "faces.json"], "weights": []}]}'), "named twice"),
        (_text(_manifest(shape=[-1])), "no model"),
        (_text(_manifest(shape=[10**30])), "incomplete: a is not whole"),
        (_text(_manifest(shape=[1e999])), "no model"),
        (_text(_manifest(shape=[True])), "no model"),
        (_text(_manifest(shape="long")), "no model"),
        (_text(_manifest(shape=[0], name="b" * 1_000_000, dtype="c" * 1_000_000)), "bbb as ccc"),
        (_text(" " * 5_000_000), "more than 4194304 bytes"),
    ],
)
def test_a_folder_that_is_incomplete_damaged_or_another_network_is_refused(
    weights: Weights, tmp_path: Path, spoil: Callable[[Path, Weights], None], says: str
) -> None:
    spoil(tmp_path / "faces", weights)
    with pytest.raises(CheckpointError, match=says) as caught:
        check_begin(settings(tmp_path / "faces"))
    assert "faceres" in caught.value.remedy
    assert len(str(caught.value)) < 1000


def test_its_json_may_be_named_among_others(weights: Weights, tmp_path: Path) -> None:
    folder = write(tmp_path / "models", weights)
    (folder / "another.json").write_text("{}")
    check_begin(settings(folder / "faces.json"))


def test_the_hidden_files_of_a_mac_are_none_of_the_model(weights: Weights, tmp_path: Path) -> None:
    (write(tmp_path / "models", weights) / "._faces.json").write_bytes(b"\0\5\x16\7")
    check_begin(settings(tmp_path / "models"))


def test_another_network_does_not_begin_with_a_folder(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="fernet_r begins with neither") as caught:
        check_begin(TrainSettings(network="fernet_r", start=str(folder)))
    assert NAME in caught.value.remedy


def test_a_folder_in_the_way_does_not_hide_a_shipped_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fernet_r").mkdir()
    monkeypatch.chdir(tmp_path)
    check_begin(TrainSettings(network="fernet_r", start="fernet_r"))


def test_the_real_folder_is_read_where_it_is(shared: Path, small_set: FaceSet) -> None:
    real = shared / "models" / "faceres"
    if not real.is_dir():
        pytest.skip("there is no pretrained folder")
    assert len(read_tensors(real)) == 128
    network = build_network(NAME)
    begin(network, settings(real), small_set.images)
    with torch.inference_mode():
        logits = network.eval()(to_network_size(torch.from_numpy(small_set.images), 64))
    assert bool(torch.isfinite(logits).all())
    assert float(logits.std(dim=0).min()) > 0
