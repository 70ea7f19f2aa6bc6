"""Options that say which data to read; adding them needs no library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fer_edge.training.data.layout import FORMATS
from fer_edge.training.data.source import COLOURS, KDEF_DETECTOR, PARTS, DataSource
from fer_edge.training.data.split import SPLITS

if TYPE_CHECKING:
    from fer_edge.training.data.face_set import FaceSet


def add_data_arguments(parser: argparse.ArgumentParser, validation: bool) -> None:
    """Add the options of one labelled set, and with ``validation`` those of a second one or of a split."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help="a Parquet file, fer2013.csv, the folder of KDEF, or a folder with a subfolder for each expression",
    )
    group.add_argument("--data-format", choices=FORMATS, default="auto", help="(%(default)s: look at what is there)")
    default = "training, and validation to validate on" if validation else "validation"
    group.add_argument("--part", choices=PARTS, help=f"of fer2013.csv or of a folder with parts (default: {default})")
    group.add_argument(
        "--votes", type=Path, metavar="FILE", help="FER+ votes for fer2013.csv (default: fer2013new.csv beside it)"
    )
    group.add_argument(
        "--data-detector",
        metavar="NAME",
        help=f"cut the face out of each photograph with this detector (default: {KDEF_DETECTOR} for KDEF, else none)",
    )
    colour = DataSource.colour if validation else None
    group.add_argument(
        "--colour", choices=COLOURS, default=colour, help=f"of the faces ({colour or 'default: what the model sees'})"
    )
    group.add_argument(
        "--angles",
        type=lambda text: tuple(text.upper().split(",")),
        default=DataSource.angles,
        metavar="A,B",
        help="of KDEF: S straight, HL and HR half, FL and FR full profile (default: S,HL,HR)",
    )
    if not validation:
        return
    group.add_argument(
        "--validation",
        type=Path,
        metavar="PATH",
        help="validation set, of any format (default: the set's own validation part, or a share of --data)",
    )
    group.add_argument(
        "--split", choices=SPLITS, help="how to take that share (default: identity where the set knows its people)"
    )
    group.add_argument(
        "--validation-share", type=_share, default=0.2, metavar="X", help="taken from --data (%(default)s)"
    )
    group.add_argument("--split-seed", type=int, default=0, metavar="N", help="(%(default)s)")


def data_source(args: argparse.Namespace) -> DataSource:
    """Return the set that the options name."""
    return DataSource(
        path=args.data,
        format=args.data_format,
        part=args.part,
        votes=args.votes,
        detector=args.data_detector,
        colour=args.colour or DataSource.colour,
        angles=args.angles,
    )


def pair_of(args: argparse.Namespace) -> tuple[FaceSet, FaceSet]:
    """Read the training and the validation set that the options name.

    ``--data-format``, ``--part``, ``--votes`` and ``--data-detector`` are about ``--data`` alone; a validation set
    tells its format itself, and shares ``--colour`` and ``--angles``.

    Raises
    ------
    DataSetError, UsageError, MissingExtra
        As `fer_edge.training.data.load_pair` does.
    """
    from fer_edge.training.data.source import load_pair

    train = data_source(args)
    validation = None
    if args.validation is not None:
        same = args.validation == args.data
        validation = train if same else DataSource(args.validation, colour=train.colour, angles=train.angles)
    return load_pair(train, validation, args.split, args.validation_share, args.split_seed)


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{value:g} is not between 0 and 1")
    return value
