"""``fer-edge export --triton``: its arguments, and what it does."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from fer_edge.errors import UsageError
from fer_edge.system.libraries import needing
from fer_edge.training.triton.config import GPU, RUNS_ON

_log = logging.getLogger(__name__)

MOST_INSTANCES = 64


def add_triton_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a model repository is asked for."""
    triton = parser.add_argument_group("for a server of many boards")
    triton.add_argument(
        "--triton",
        type=Path,
        metavar="FOLDER",
        help="write the network, given by its name or ONNX file, into this model repository of NVIDIA Triton; nothing is "
        "trained or measured, and no OUTPUT is given",
    )
    triton.add_argument(
        "--triton-name", default="", metavar="NAME", help="what boards ask for (default: the name of the file)"
    )
    triton.add_argument(
        "--triton-input",
        choices=("pixels", "float"),
        default="pixels",
        help="pixels: a byte for each grey pixel travels, and the server computes the rest; float: what the ONNX file itself "
        "takes, twelve times as much (%(default)s)",
    )
    triton.add_argument(
        "--triton-runs-on",
        choices=RUNS_ON,
        default=GPU,
        help="gpu: ONNX Runtime with CUDA; tensorrt: with TensorRT in FP16 (%(default)s)",
    )
    triton.add_argument(
        "--triton-instances", type=int, default=2, metavar="N", help="batches that run at once (%(default)s)"
    )


def run_triton(args: argparse.Namespace) -> int:
    """Write a network into a model repository."""
    if args.output is not None or args.validation is not None or args.int8:
        raise UsageError(
            "--triton writes a finished network into FOLDER, and takes no OUTPUT, --validation or --int8.",
            "For example:  fer-edge export --triton repository fernet_r",
        )
    if not 1 <= args.triton_instances <= MOST_INSTANCES:
        raise UsageError(f"--triton-instances must be from 1 to {MOST_INSTANCES}.", "One to four do for a GPU.")
    from fer_edge.inference.model_files import find_model

    with needing("train", "Export", "onnx"):
        from fer_edge.training.triton.repository import TritonOptions, write_repository

    options = TritonOptions(args.triton_name, args.triton_input == "pixels", args.triton_runs_on, args.triton_instances)
    written = write_repository(find_model(str(args.checkpoint)), args.triton, options)
    network = written.network
    _log.info(
        "wrote %s, version %d: it takes %s [N, %d, %d, %d], and boards ask for --remote-model %s",
        written.folder,
        written.version,
        network.datatype,
        network.channels,
        network.size,
        network.size,
        network.name,
    )
    return 0
