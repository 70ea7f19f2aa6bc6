"""``fer-edge export``: a checkpoint as an ONNX file, and such a file in INT8, with other logits, or for a server."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import UsageError
from fer_edge.system.libraries import needing
from fer_edge.training.atomic import check_writable
from fer_edge.training.triton.command import run_triton

_log = logging.getLogger(__name__)


def run_export(args: argparse.Namespace) -> int:
    """Write a checkpoint as an ONNX file, a network in FP32 as one in INT8, or any into a model repository of Triton."""
    if args.mean and (args.triton is not None or args.int8 or args.calibration or args.offset):
        raise UsageError(
            "--mean is of checkpoints, and --int8, --offset and --triton take a finished network.",
            "Export the mean in FP32 first, and give that file.",
        )
    if args.triton is not None:
        return run_triton(args)
    if args.output is None or args.validation is None:
        missing = "the ONNX file to write" if args.output is None else "--validation"
        raise UsageError(
            f"A network is exported to an ONNX file, and checked on a set; {missing} is missing.",
            "For example:  fer-edge export runs/ours/best.pt mine.onnx --validation val.parquet",
        )
    if args.int8 or args.calibration:
        return _run_quantise(args)
    if args.offset:
        return _run_offsets(args)
    with needing("train", "Export", "torch"):
        from fer_edge.training.data import DataSource, load_faces, measured_part
        from fer_edge.training.export import OURS, ExportOptions, export

    check_writable(args.output, OURS)
    texts = {key: getattr(args, key) for key in ("training_data", "licence") if getattr(args, key)}
    options = ExportOptions(
        name=args.name,
        crop_margin=args.crop_margin,
        crop_centre=args.crop_centre,
        alignment=args.alignment,
        uncertain_below=args.uncertain_below,
        **texts,
    )
    # A set takes long to read: what is wrong with the runs is told first.
    checkpoints = [args.checkpoint, *args.mean]
    _refuse_twice(checkpoints)
    source = measured_part(DataSource(args.validation, colour=_colour_of(checkpoints)))
    name = args.validation_name or source.title
    result = export(args.checkpoint, args.output, load_faces(source), name, options, args.mean)
    _log.info(
        "wrote %s: accuracy %.2f %% on %s, temperature %.3f, logits within %.1e of PyTorch's",
        args.output,
        100 * result.accuracy,
        name,
        result.spec.temperature,
        result.largest_difference,
    )
    for checkpoint, accuracy in zip(checkpoints, result.apart):
        _log.info("%s alone: %.2f %%", checkpoint, 100 * accuracy)
    if result.accuracy < max(result.apart, default=0.0):
        _log.warning(
            "One of them alone is better than their mean. Runs that began with fresh or different weights have no good one."
        )
    return 0


def _colour_of(checkpoints: Sequence[Path]) -> str:
    """Return what runs that have a mean were trained to see; their weights need no room while the set is read."""
    from fer_edge.training.checkpoint import load_trained
    from fer_edge.training.mean import mean_of

    runs = [load_trained(each) for each in checkpoints]
    mean_of(runs)
    return runs[0].colour


def _refuse_twice(checkpoints: Sequence[Path]) -> None:
    seen: set[str] = set()
    for checkpoint in checkpoints:
        place = os.path.realpath(checkpoint)
        if place in seen:
            raise UsageError(f"{checkpoint} is given twice, and would count double in the mean.", "Give each run once.")
        seen.add(place)


def _run_quantise(args: argparse.Namespace) -> int:
    if not args.int8 or not args.calibration:
        raise UsageError("--int8 and --calibration go together.", "Give both, or neither.")
    with needing("train", "Export", "torch"):
        from fer_edge.training.data import DataSource, cutting_detector, load_pair, measured_part
        from fer_edge.training.export import OURS
        from fer_edge.training.quantise import quantise
    from fer_edge.classify.onnx import read_contract
    from fer_edge.inference.model_files import find_model

    _refuse_words(args, "A network in INT8")
    _refuse_checkpoint(args.checkpoint)
    if args.offset:
        raise UsageError("--int8 and --offset are two steps.", "Write the file in FP32 with --offset first.")
    check_writable(args.output, OURS)
    model = find_model(args.checkpoint)
    colour = read_contract(model)[0].colour
    source = DataSource(args.calibration, colour=colour)
    validation = measured_part(DataSource(args.validation, colour=colour))
    name = args.validation_name or validation.title
    cut_already = cutting_detector(source) is not None
    result = quantise(model, args.output, *load_pair(source, validation), name, cut_already)
    _log.info(
        "wrote %s: accuracy %.2f %% on %s (FP32: %.2f %%), macro F1 %.3f (%.3f), the same label for %.2f %%, "
        "calibration error %.3f",
        args.output,
        100 * result.accuracy,
        name,
        100 * result.accuracy_before,
        result.macro_f1,
        result.macro_f1_before,
        100 * result.agreement,
        result.calibration_error,
    )
    return 0


def _run_offsets(args: argparse.Namespace) -> int:
    with needing("train", "Export", "torch"):
        from fer_edge.training.data import DataSource, load_faces, measured_part
        from fer_edge.training.export import OURS
        from fer_edge.training.offsets import add_offsets, offsets_of
    from fer_edge.classify.onnx import read_contract
    from fer_edge.inference.model_files import find_model

    _refuse_words(args, "A network with --offset")
    _refuse_checkpoint(args.checkpoint)
    offsets = offsets_of(args.offset)
    check_writable(args.output, OURS)
    model = find_model(args.checkpoint)
    source = measured_part(DataSource(args.validation, colour=read_contract(model)[0].colour))
    name = args.validation_name or source.title
    result = add_offsets(model, args.output, load_faces(source), name, offsets)
    _log.info(
        "wrote %s: accuracy %.2f %% on %s (before: %.2f %%), macro F1 %.3f (%.3f), temperature %.3f",
        args.output,
        100 * result.accuracy,
        name,
        100 * result.accuracy_before,
        result.macro_f1,
        result.macro_f1_before,
        result.spec.temperature,
    )
    for label, (recall, precision, recall_before, precision_before) in result.labels.items():
        _log.info(
            "%s: recall %.3f (before: %.3f), precision %.3f (%.3f)",
            label,
            recall,
            recall_before,
            precision,
            precision_before,
        )
    return 0


def _refuse_checkpoint(path: Path) -> None:
    if path.suffix == ".pt":
        raise UsageError(
            f"{path} is a checkpoint, and an exported network is needed.", "Export it first, and give that file."
        )


def _refuse_words(args: argparse.Namespace, what: str) -> None:
    """Refuse what a file made from another one takes from that."""
    from fer_edge.training.export import ExportOptions

    said = (args.crop_margin, args.crop_centre, args.alignment, args.uncertain_below)
    unsaid = (ModelSpec.crop_margin, ModelSpec.crop_centre, ModelSpec.alignment, ExportOptions.uncertain_below)
    if said != unsaid or args.name or args.training_data or args.licence:
        raise UsageError(
            f"{what} says of itself what the one that it is made from says.",
            "Leave --name, --crop-margin and the like out, or export the FP32 file again with them.",
        )
