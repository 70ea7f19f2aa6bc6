"""Writes a network into a model repository of Triton, in a folder for each version."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnx

from fer_edge.classify.int8_file import INT8
from fer_edge.classify.onnx import read_contract
from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.inference.model_files import sha256_of
from fer_edge.system.new_file import make_folders
from fer_edge.training.atomic import check_writable, write_atomically, writing
from fer_edge.training.triton.config import CPU, FACES, GPU, ServedNetwork, config_text
from fer_edge.training.triton.network import compare, takes_pixels

OURS = re.compile(rb"# Made by fer-edge export --triton|(angry|disgust|fear|happy|neutral|sad|surprise)\n")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class TritonOptions:
    """How a network is to be served.

    Attributes
    ----------
    name
        What boards ask for; empty for the name of the file.
    pixels
        Whether it takes bytes and computes the rest itself; else the numbers that the file takes.
    runs_on
        One of `fer_edge.training.triton.config.RUNS_ON`.
    instances
        How many batches run at once.
    """

    name: str = ""
    pixels: bool = True
    runs_on: str = GPU
    instances: int = 2


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    folder
        Of the network.
    version
        Of it, from 1 on.
    network
        What its configuration says.
    """

    folder: Path
    version: int
    network: ServedNetwork


def write_repository(model: Path, repository: Path, options: TritonOptions = TritonOptions()) -> Written:
    """Add a network to a model repository, as its first or its next version.

    Each file is written whole, and the configuration last, so that a server that looks meanwhile serves the old version.

    Parameters
    ----------
    model
        An ONNX file that fer-edge classifies with.
    repository
        Its folder; made where it is missing.
    options
        How it is to be served.

    Raises
    ------
    ModelError
        The file is no expression network.
    UsageError
        A name that cannot be, or a network in INT8 for a GPU.
    OutputNotWritable, DiskFull
        It cannot be written, or a folder of that name is there which this command has not made.
    TrainingError
        What a server would compute differs from what the file computes.
    """
    spec, image = read_contract(model)
    name = options.name or model.stem
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise UsageError(
            f"A network cannot be called '{name}' on a server.",
            "Take letters, digits, _, - and . for --triton-name.",
        )
    if spec.precision == INT8 and options.runs_on != CPU:
        raise UsageError(
            f"{model} is in INT8, which is for the CPU.",
            "Give the FP32 file that it was made from, or --triton-runs-on cpu.",
        )
    folder = repository / name
    version = _next_version(folder)
    for text in ("labels.txt", "config.pbtxt"):
        check_writable(folder / text, OURS)
    proto = onnx.load(str(model))
    pixels = options.pixels
    content = takes_pixels(proto, spec).SerializeToString() if pixels else model.read_bytes()
    if pixels:
        compare(content, model, spec)
    network = ServedNetwork(
        name,
        "UINT8" if pixels else "FP32",
        1 if pixels and spec.colour == "gray" else 3,
        spec.input_size,
        FACES if pixels else image,
        proto.graph.output[0].name,
        sha256_of(model),
        options.runs_on,
        options.instances,
    )
    with writing(folder):
        _add_version(folder, version, content)
    labels = "".join(f"{label}\n" for label in spec.labels)
    write_atomically(folder / "labels.txt", labels.encode(), OURS)
    write_atomically(folder / "config.pbtxt", config_text(network).encode(), OURS)
    return Written(folder, version, network)


def _next_version(folder: Path) -> int:
    """Return the version to write. Raises OutputNotWritable for a folder that is not ours."""
    if not folder.exists():
        return 1
    config = folder / "config.pbtxt"
    entries = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    unfinished = not config.exists() and all(name.isdecimal() for name in entries) and folder.is_dir()
    try:
        ours = unfinished or OURS.match(config.read_bytes()) is not None
    except OSError:
        ours = False
    if not ours:
        raise OutputNotWritable(
            f"{folder} is there, and not a network that this command has written.",
            "Name another folder, or another network with --triton-name.",
        )
    return 1 + max((int(name) for name in entries if name.isdecimal()), default=0)


def _add_version(folder: Path, version: int, content: bytes) -> None:
    make_folders(folder)
    # Servers pass over folders whose names are no numbers.
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    try:
        draft.chmod(0o755)  # mkdtemp's is for its maker alone, and the server is somebody else
        with open(draft / "model.onnx", "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, folder / str(version))
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
