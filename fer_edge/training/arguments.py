"""What ``fer-edge train``, ``export`` and ``evaluate`` take; reading it needs no library."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from fer_edge.classify.spec import ModelSpec
from fer_edge.training.data.arguments import add_data_arguments
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.recipe_file import load_recipe, shipped_recipes
from fer_edge.training.triton.command import add_triton_arguments


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge train`` takes."""
    add_data_arguments(parser, validation=True)
    parser.add_argument(
        "--run",
        type=Path,
        metavar="FOLDER",
        help="gets checkpoints, log and curves; a run that was cut off goes on when the same command is given "
        "(default: runs/ and the recipe's and the network's name)",
    )
    parser.add_argument(
        "--recipe",
        default="ours",
        metavar="NAME",
        help=f"a shipped recipe or a TOML file of your own: {', '.join(shipped_recipes())} (%(default)s)",
    )
    change = parser.add_argument_group("in place of the recipe's value")
    change.add_argument("--network", metavar="NAME", help="a network of 'fer-edge zoo'")
    change.add_argument("--epochs", type=_whole(1), metavar="N")
    change.add_argument("--batch-size", type=_whole(2), metavar="N", help="pictures in a step")
    change.add_argument("--optimizer", choices=("adamw", "adam", "sgd"))
    change.add_argument("--learning-rate", type=_number(0, 10), metavar="X")
    change.add_argument("--weight-decay", type=_number(0, 10), metavar="X")
    change.add_argument("--dropout", type=_number(0, 0.95), metavar="X", help="share of the last features dropped")
    change.add_argument("--distill", type=_number(0, 1), metavar="X", help="share of the target that a teacher answers")
    change.add_argument("--teacher", metavar="MODEL", help="who that is: a model's name or file; several with commas")
    change.add_argument(
        "--start",
        metavar="WEIGHTS",
        help="a best.pt of the same network to begin with, or an exported one: its name or ONNX file; for mobilenet_v1_faces "
        "the folder of the pretrained weights (docs/training.md)",
    )
    change.add_argument("--balance", type=_number(0, 1), metavar="B", help="class weights are frequency^-B; 0 for none")
    change.add_argument(
        "--original-mix",
        type=_number(0, 1),
        metavar="X",
        help="share of the target that the FER2013 labels disgust and fear get",
    )
    change.add_argument(
        "--minimum-votes",
        type=_whole(1),
        metavar="N",
        help="leave out images with fewer votes for the seven expressions",
    )
    change.add_argument("--seed", type=_whole(0), metavar="N")
    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", choices=("auto", "cpu", "cuda"), help="(auto)")
    machine.add_argument(
        "--precision",
        choices=("bf16", "fp32"),
        help="of the arithmetic; without bfloat16 in the processor fp32 is faster (bf16)",
    )
    machine.add_argument("--threads", type=_whole(0), metavar="N", help="CPU threads, 0 for all (0)")
    machine.add_argument("--devices", type=_whole(1), metavar="N", help="GPUs of this machine that train together (1)")
    machine.add_argument("--nodes", type=_whole(1), metavar="N", help="machines that train together (1)")


def train_settings(args: argparse.Namespace) -> TrainSettings:
    """Return the recipe with what the command line says in its place.

    Raises
    ------
    UsageError
        If the recipe is not usable.
    """
    recipe = load_recipe(args.recipe)

    def given(base: object) -> dict[str, object]:
        names = {known.name for known in fields(base)} - {"recipe"}  # type: ignore[arg-type]
        return {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}

    return replace(recipe, **given(recipe), targets=replace(recipe.targets, **given(recipe.targets)))  # type: ignore[arg-type]


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge export`` takes."""
    parser.add_argument(
        "checkpoint",
        type=Path,
        help="a best.pt of 'fer-edge train'; with --int8 or --offset a network in FP32, and with --triton any: its name or "
        "ONNX file",
    )
    parser.add_argument("output", type=Path, nargs="?", help="the ONNX file to write")
    parser.add_argument(
        "--mean",
        action="append",
        default=[],
        type=Path,
        metavar="CHECKPOINT",
        help="write the mean of its weights and of this other run's that began with the same trained weights; may be given for "
        "several",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write that network in INT8, for processors that are faster at it; the program takes NAME.int8.onnx beside "
        "NAME.onnx",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="with --int8: set from whose faces the ranges are taken; of fer2013.csv and of a folder with parts the training "
        "part is taken",
    )
    parser.add_argument(
        "--offset",
        action="append",
        default=[],
        metavar="LABEL=X",
        help="write that network with X added to the logit of LABEL, such as disgust=0.4, so that it answers LABEL more "
        "readily; may be given for several",
    )
    parser.add_argument(
        "--validation",
        type=Path,
        metavar="PATH",
        help="set on which the file is checked against PyTorch, its temperature fitted, its accuracy measured; of "
        "fer2013.csv and of a folder with parts the validation part is taken",
    )
    parser.add_argument(
        "--validation-name",
        metavar="TEXT",
        help="what to call that set in the file (default: its file name, and the part)",
    )
    parser.add_argument("--name", default="", metavar="TEXT", help="what to call it (default: the network's own name)")
    parser.add_argument(
        "--crop-margin",
        type=_number(1, 10),
        default=ModelSpec.crop_margin,
        metavar="X",
        help="side of the face's crop, in distances between the eyes (%(default)s)",
    )
    parser.add_argument(
        "--crop-centre",
        type=_number(-1, 2),
        default=ModelSpec.crop_centre,
        metavar="X",
        help="middle of the crop, on the way from the eyes (0) to the mouth (1) (%(default)s)",
    )
    parser.add_argument(
        "--alignment",
        choices=("eyes", "none"),
        default=ModelSpec.alignment,
        help="eyes: turn the face so that its eyes are level (%(default)s)",
    )
    parser.add_argument(
        "--uncertain-below",
        type=_number(0, 1),
        default=0.5,
        metavar="P",
        help="confidence under which a label is not to be trusted (%(default)s)",
    )
    add_triton_arguments(parser)
    parser.add_argument(
        "--training-data",
        metavar="TEXT",
        help="what it was trained on, for the file's metadata (FER2013 with FER+ votes)",
    )
    parser.add_argument(
        "--licence",
        metavar="TEXT",
        help="of the weights, for the file's metadata (Apache-2.0; rights of the pictures not cleared)",
    )


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge evaluate`` takes."""
    parser.add_argument("model", help="a shipped model's name or an ONNX file")
    add_data_arguments(parser, validation=False)
    parser.add_argument(
        "--data-name", metavar="TEXT", help="what to call that set (default: its file name, and the part)"
    )
    parser.add_argument(
        "--detector",
        metavar="NAME",
        help="put a frame around each face, find it with this detector and cut it as the program does (default: the whole "
        "picture is the face); whole photographs are cut by --data-detector instead",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="PATH",
        help="write the figures there as PATH.json and PATH.md, and pictures as PATH-confusion.png, PATH-coverage.png and "
        "PATH-reliability.png, with --stress also PATH-stress.png",
    )
    parser.add_argument(
        "--stress",
        action="store_true",
        help="measure the same faces also under what cameras do: blur, noise, low light, JPEG, little contrast, covered mouths "
        "and eyes, tilted and turned heads, few pixels, a detector's jitter; about sixteen times the work",
    )
    parser.add_argument(
        "--stress-seed", type=_whole(0), default=0, metavar="N", help="decides what is random in it (%(default)s)"
    )
    machine = parser.add_argument_group("machine")
    machine.add_argument("--threads", type=_whole(1), default=1, metavar="N", help="inference threads (%(default)s)")
    machine.add_argument(
        "--backend",
        metavar="SPEC",
        help="what to run on, as BACKEND[:DEVICE[:PRECISION]], for example tensorrt:gpu:fp16 "
        "(onnx:cpu, in the precision of the file)",
    )
    machine.add_argument("--against", metavar="SPEC", help="ask this backend the same, and tell how alike they answer")
    machine.add_argument(
        "--min-agreement", type=_number(0, 1), metavar="X", help="fail when a smaller share of the labels agrees"
    )


def _whole(low: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is under {low}")
        return value

    return number


def _number(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value:g} is not from {low:g} to {high:g}")
        return value

    return number


def add_zoo_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge zoo`` takes."""
    parser.add_argument("--json", action="store_true", help="as JSON")
