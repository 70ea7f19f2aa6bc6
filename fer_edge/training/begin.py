"""What a run begins with: fresh weights, a checkpoint's, those of an exported ONNX file, such as a shipped one, or a folder's.

An exported file has each BatchNorm folded into the convolution before it; `fer_edge.training.norms` brings it back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from fer_edge.errors import CheckpointError, FerEdgeError
from fer_edge.inference.model_files import find_model, known_models
from fer_edge.inference.onnx_file import read_onnx
from fer_edge.training.augment import to_network_size
from fer_edge.training.checkpoint import load_trained
from fer_edge.training.norms import evaluated, measure, put_offset
from fer_edge.training.pretrained import begin_with_folder, no_folder
from fer_edge.training.recipe import TrainSettings
from fer_edge.zoo.catalogue import build_network
from fer_edge.zoo.faces import MobileNetV1Faces
from fer_edge.zoo.fernet import INPUT_SIZE
from fer_edge.zoo.fernet_r import FerNetR, FerNetS

FACES = 2048
"""How many faces tell the statistics."""

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_KINDS = {"Conv": (nn.Conv2d,), "Gemm": (nn.Linear,), "BatchNormalization": _NORMS}
_LAYERS = (nn.Conv2d, nn.Linear, *_NORMS)


def begin(network: nn.Module, settings: TrainSettings, images: npt.NDArray[np.uint8]) -> None:
    """Give ``network`` the weights that ``settings.start`` names; without a start it keeps its own.

    Parameters
    ----------
    network
        The one of ``settings``, freshly built.
    settings
        The run.
    images
        Training faces, N x H x W x C uint8; an exported file or a folder needs them.

    Raises
    ------
    ModelNotFound, ModelCorrupt
        If there is no such file, or it is no ONNX file that may be read.
    CheckpointError
        If the checkpoint is missing or damaged, or it, the file or the folder is of another network.
    """
    name, known = settings.start, settings.start in known_models()
    if not name:
        return
    if not known and (os.path.isdir(name) or name.endswith(".json")):
        if not isinstance(network, MobileNetV1Faces):
            raise CheckpointError(
                f"{name} is a folder or a JSON file, and {settings.network} begins with neither.",
                "Give a best.pt or an ONNX file, or --network mobilenet_v1_faces for a folder of pretrained weights.",
            )
        begin_with_folder(network, Path(name), _spread(images))
    elif known or name.endswith(".onnx") or not (Path(name).suffix or os.path.isfile(name)):
        if isinstance(network, MobileNetV1Faces) and not os.path.exists(name):
            raise no_folder(name)
        begin_with_file(network, name, images)
    else:
        _begin_with_checkpoint(network, settings)


def _begin_with_checkpoint(network: nn.Module, settings: TrainSettings) -> None:
    trained = load_trained(Path(settings.start))
    if trained.entry.name != settings.network:
        raise CheckpointError(
            f"{settings.start} is of the network {trained.entry.name}, and {settings.network} is to be trained.",
            f"Give --network {trained.entry.name}, or another --start.",
        )
    network.load_state_dict(trained.network.state_dict())


def check_begin(settings: TrainSettings) -> None:
    """Raise what `begin` would, before anything that takes long."""
    if settings.start:
        begin(build_network(settings.network), settings, np.zeros((1, INPUT_SIZE, INPUT_SIZE, 1), np.uint8))


def begin_with_file(network: nn.Module, name: str, images: npt.NDArray[np.uint8]) -> None:
    """Give ``network`` the weights of an exported file of the same construction.

    Parameters
    ----------
    network
        Freshly built; gives the file's logits afterwards, and goes on learning from them.
    name
        A shipped model's name, or the path of an ONNX file that ``fer-edge export`` wrote in FP32. FerNet-S may begin with
        a FerNet-R, and then takes the first block of each stage.
    images
        Training faces, N x H x W x C uint8; up to `FACES` of them, evenly spread, tell the statistics.

    Raises
    ------
    ModelNotFound, ModelCorrupt
        If there is no such file, or it is no ONNX file that may be read.
    CheckpointError
        If the file is another network, or in INT8.

    Examples
    --------
    ::

        network = build_network("fernet_r", dropout=0.1)
        begin_with_file(network, "fernet_r", faces.images)
    """
    path = find_model(name)
    try:
        graph = onnx.load_model_from_string(read_onnx(path)).graph
    except FerEdgeError:
        raise
    except Exception as error:  # protobuf's own errors have no common base
        raise CheckpointError(f"{path} cannot be read as ONNX: {error}", "Give another --start.") from error
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        raise CheckpointError(
            f"{path} is in INT8, and a run begins in FP32.", "Give the FP32 file that it was made from."
        )
    faces = _spread(images)
    if isinstance(network, FerNetS) and _convolutions(graph) > _convolutions_of(network):
        whole = FerNetR()
        measure(whole, _fill(path, graph, _in_order(whole, faces[:1])), faces)
        network.shorten(whole)
        return
    measure(network, _fill(path, graph, _in_order(network, faces[:1])), faces)


def _spread(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Return up to `FACES` of the images as a network takes them."""
    chosen = np.unique(np.linspace(0, len(images) - 1, FACES).astype(np.int64))
    return to_network_size(torch.from_numpy(images[chosen]), INPUT_SIZE)


def _convolutions(graph: onnx.GraphProto) -> int:
    return sum(node.op_type == "Conv" for node in graph.node)


def _convolutions_of(network: nn.Module) -> int:
    return sum(isinstance(layer, nn.Conv2d) for layer in network.modules())


def _in_order(network: nn.Module, image: torch.Tensor) -> list[nn.Module]:
    """Return the layers with weights in the order in which they are used, which is the order of a file's nodes."""
    used: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda layer, _taken, _given: used.append(layer))
        for layer in network.modules()
        if isinstance(layer, _LAYERS)
    ]
    evaluated(network, image)
    for hook in hooks:
        hook.remove()
    return used


def _held(
    nodes: list[onnx.NodeProto], layers: list[nn.Module]
) -> Iterator[tuple[onnx.NodeProto, nn.Module, nn.BatchNorm2d | None]]:
    """Yield what each node of a file holds: a layer, and with a convolution the BatchNorm that is folded into it.

    Ends early, or with layers left over, where the two are not of the same network.
    """
    rest = iter(layers)
    for index, node in enumerate(nodes):
        layer = next(rest, None)
        if layer is None or not isinstance(layer, _KINDS[node.op_type]):
            return
        folded = None
        if isinstance(layer, nn.Conv2d) and [each.op_type for each in nodes[index + 1 :][:1]] != ["BatchNormalization"]:
            after = next(rest, None)
            if isinstance(after, nn.BatchNorm2d):
                folded = after
            elif after is not None:
                rest = chain([after], rest)
        yield node, layer, folded


def _fill(path: Path, graph: onnx.GraphProto, layers: list[nn.Module]) -> list[nn.BatchNorm2d]:
    """Give the layers the weights of the file; return the BatchNorms that were folded away."""
    held = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in _KINDS]
    pairs = list(_held(nodes, layers))
    norms = [norm for _, _, norm in pairs if norm is not None]
    whole = len(pairs) == len(nodes) and len(pairs) + len(norms) == len(layers)
    if not whole or not all(name in held for node in nodes for name in node.input[1:]):
        raise _other(path)
    for node, layer, norm in pairs:
        weights = [torch.from_numpy(numpy_helper.to_array(held[name]).copy()) for name in node.input[1:]]
        _put(path, layer.weight, weights[0])
        if isinstance(layer, _NORMS):
            for place, value in zip((layer.bias, layer.running_mean, layer.running_var), weights[1:], strict=True):
                _put(path, place, value)
        elif norm is not None:
            if norm.bias.shape != weights[1].shape:
                raise _other(path)
            put_offset(norm, weights[1])
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        elif layer.bias is not None:
            _put(path, layer.bias, weights[1])
    return norms


def _put(path: Path, place: Any, value: torch.Tensor) -> None:
    if place.shape != value.shape:
        raise _other(path)
    with torch.no_grad():
        place.copy_(value)


def _other(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} is another network than the one to be trained.",
        "Give --network as the file has it, or another --start.",
    )
