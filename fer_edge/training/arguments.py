"""What ``fer-edge train``, ``export`` and ``evaluate`` take; reading it needs no library."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from fer_edge.classify.spec import ModelSpec
from fer_edge.training.recipe import TargetRules, TrainSettings


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge train`` takes."""
    default, rules = TrainSettings(), TargetRules()
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="training set: a Parquet file")
    parser.add_argument("--validation", type=Path, required=True, metavar="FILE", help="validation set: a Parquet file")
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("runs/fernet"),
        metavar="FOLDER",
        help="gets checkpoints and log; a run that was cut off goes on when the same command is given (%(default)s)",
    )
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--epochs", type=_whole(1), default=default.epochs, metavar="N", help="(%(default)s)")
    recipe.add_argument(
        "--batch-size", type=_whole(2), default=default.batch_size, metavar="N", help="pictures in a step (%(default)s)"
    )
    recipe.add_argument(
        "--optimizer",
        choices=("adamw", "sgd"),
        default=default.optimizer,
        help="(%(default)s)",
    )
    recipe.add_argument(
        "--learning-rate",
        type=_number(0, 10),
        default=default.learning_rate,
        metavar="X",
        help="peak of the one-cycle schedule (%(default)s)",
    )
    recipe.add_argument(
        "--weight-decay", type=_number(0, 10), default=default.weight_decay, metavar="X", help="(%(default)s)"
    )
    recipe.add_argument(
        "--dropout",
        type=_number(0, 0.95),
        default=default.dropout,
        metavar="X",
        help="share of the flattened features dropped (%(default)s)",
    )
    recipe.add_argument(
        "--balance",
        type=_number(0, 1),
        default=rules.balance,
        metavar="B",
        help="class weights are frequency^-B; 0 for none (%(default)s)",
    )
    recipe.add_argument(
        "--original-mix",
        type=_number(0, 1),
        default=rules.original_mix,
        metavar="X",
        help="share of the target that the FER2013 labels disgust and fear get (%(default)s)",
    )
    recipe.add_argument(
        "--minimum-votes",
        type=_whole(1),
        default=rules.minimum_votes,
        metavar="N",
        help="leave out images with fewer votes for the seven expressions (%(default)s)",
    )
    recipe.add_argument("--seed", type=_whole(0), default=default.seed, metavar="N", help="(%(default)s)")
    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", choices=("auto", "cpu", "cuda"), default=default.device, help="(%(default)s)")
    machine.add_argument(
        "--precision", choices=("bf16", "fp32"), default=default.precision, help="of the arithmetic (%(default)s)"
    )
    machine.add_argument(
        "--threads", type=_whole(0), default=default.threads, metavar="N", help="CPU threads, 0 for all (%(default)s)"
    )


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge export`` takes."""
    parser.add_argument("checkpoint", type=Path, help="a best.pt of 'fer-edge train'")
    parser.add_argument("output", type=Path, help="the ONNX file to write")
    parser.add_argument(
        "--validation",
        type=Path,
        required=True,
        metavar="FILE",
        help="Parquet file on which the file is checked against PyTorch, its temperature fitted, its accuracy measured",
    )
    parser.add_argument(
        "--validation-name", metavar="TEXT", help="what to call that set in the file (default: its file name)"
    )
    parser.add_argument("--name", default="FerNet", metavar="TEXT", help="of the network (%(default)s)")
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
    parser.add_argument("--training-data", metavar="TEXT", help="what it was trained on, for the file's metadata")
    parser.add_argument("--licence", metavar="TEXT", help="of the weights, for the file's metadata")


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``fer-edge evaluate`` takes."""
    parser.add_argument("model", help="a shipped model's name or an ONNX file")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="a Parquet file of faces")
    parser.add_argument("--data-name", metavar="TEXT", help="what to call that set (default: its file name)")
    parser.add_argument(
        "--detector",
        metavar="NAME",
        help="find and cut each face with this detector, as the program does (default: the whole picture is the face)",
    )
    parser.add_argument("--report", type=Path, metavar="PATH", help="write the figures there, as PATH.json and PATH.md")
    parser.add_argument("--threads", type=_whole(1), default=1, metavar="N", help="inference threads (%(default)s)")


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
