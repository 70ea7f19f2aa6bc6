"""``fer-edge soak``: hours of work in a few lines."""

from __future__ import annotations

import argparse
import os
import threading

from fer_edge.cli.arguments import add_settings, given_settings, limit
from fer_edge.soak.run import run_soak
from fer_edge.system.progress import Progress


def add_soak_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this verb takes, and the settings."""
    parser.add_argument(
        "--minutes", type=limit, default=10.0, metavar="N", help="how long, from the first frame on (default: 10)"
    )
    parser.add_argument(
        "--report",
        type=os.path.expanduser,
        default="",
        metavar="FILE",
        help="write samples and verdict as JSON there",
    )
    add_settings(parser)


def soak(options: argparse.Namespace, stop: threading.Event, progress: Progress) -> int:
    """Carry out ``fer-edge soak``; see `run_soak`."""
    given, _ = given_settings(options)
    return run_soak(given, options.config, options.minutes, options.report, stop, progress)
