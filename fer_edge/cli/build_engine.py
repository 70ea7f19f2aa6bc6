"""``fer-edge build-engine``: build a TensorRT engine before it is needed."""

from __future__ import annotations

import argparse
import sys
import time

from fer_edge.classify.backend_choice import Wanted
from fer_edge.classify.registry import DEFAULT_MODEL, PRECISION_NAMES
from fer_edge.classify.tensorrt.classifier import TensorRTClassifier
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.errors import OutputNotWritable
from fer_edge.inference.model_files import find_model
from fer_edge.settings import load_settings, settings_file
from fer_edge.system.progress import Progress


def add_build_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fer-edge build-engine``."""
    parser.add_argument(
        "--model", metavar="NAME|FILE", help=f"which network (default: the one to be watched with, {DEFAULT_MODEL})"
    )
    parser.add_argument(
        "--precision",
        choices=PRECISION_NAMES,
        help="auto is half precision where the GPU is fast at it (default: the one to be watched with, auto)",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="a TOML file with settings, of which model and precision count"
    )
    parser.add_argument("--rebuild", action="store_true", help="build it even where there is one")


def run_build_engine(options: argparse.Namespace, progress: Progress) -> int:
    """Carry out ``fer-edge build-engine``; the engine's file goes to the standard output.

    Raises
    ------
    UsageError
        The precision is not to be had of TensorRT.
    MissingExtra, BackendUnavailable, EngineError, ModelError
        As `TensorRTClassifier` does.
    SettingsError
        A settings file or variable is wrong.
    OutputNotWritable
        The engine cannot be kept.
    """
    given = {name: getattr(options, name) for name in ("model", "precision") if getattr(options, name) is not None}
    settings = load_settings(given, file=settings_file(options.config), watching=False)
    Wanted("tensorrt", precision=settings.analysis.precision).check()
    model, cache = find_model(settings.analysis.model), EngineCache(must_keep=True)
    started = time.monotonic()
    classifier = TensorRTClassifier(model, settings.analysis.precision, cache, progress, options.rebuild)
    file, provider = classifier.engine_file, classifier.provider
    classifier.close()
    if file is None:
        raise OutputNotWritable(
            f"The engine was built, but could not be written to {cache.folder}.",
            "Make room there, or set XDG_CACHE_HOME.",
        )
    sys.stderr.write(f"ready in {time.monotonic() - started:.0f} s: {provider}, {classifier.precision}\n")
    sys.stdout.write(f"{file}\n")
    return 0
