"""``fer-edge build-engine``: build a TensorRT engine before it is needed."""

from __future__ import annotations

import argparse
import sys
import time

from fer_edge.classify.engine_cache import EngineCache
from fer_edge.classify.tensorrt import TensorRTClassifier
from fer_edge.errors import OutputNotWritable
from fer_edge.model_files import DEFAULT_MODEL, Progress, find_model


def add_build_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fer-edge build-engine``."""
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME|FILE", help="which network (%(default)s)")
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "fp16"),
        default="auto",
        help="auto is half precision where the GPU is fast at it (%(default)s)",
    )
    parser.add_argument("--rebuild", action="store_true", help="build it even where there is one")


def run_build_engine(options: argparse.Namespace, progress: Progress) -> int:
    """Carry out ``fer-edge build-engine``; the engine's file goes to the standard output.

    Raises
    ------
    MissingExtra, BackendUnavailable, EngineError, ModelError
        As `TensorRTClassifier` does.
    OutputNotWritable
        The engine was built, but cannot be kept.
    """
    model, cache = find_model(options.model), EngineCache()
    started = time.monotonic()
    classifier = TensorRTClassifier(model, options.precision, cache, progress, options.rebuild)
    file, provider = classifier.engine_file, classifier.provider
    classifier.close()
    if file is None:
        raise OutputNotWritable(
            f"The engine was built, but {cache.folder} cannot be written.", "Make it writable, or set XDG_CACHE_HOME."
        )
    sys.stderr.write(f"ready in {time.monotonic() - started:.0f} s: {provider}, {classifier.precision}\n")
    sys.stdout.write(f"{file}\n")
    return 0
