"""``fer-edge models``: what there is, and fetching what is not shipped."""

from __future__ import annotations

import argparse
import sys
from typing import Optional

from fer_edge.inference.model_files import describe_models
from fer_edge.inference.model_pull import pull
from fer_edge.system.progress import Progress


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fer-edge models``."""
    verbs = parser.add_subparsers(dest="verb", metavar="{list,pull}")
    verbs.add_parser("list", help="list the known models and where they lie (the default)")
    pull_parser = verbs.add_parser("pull", help="fetch a model that is not shipped, and check its sha256")
    pull_parser.add_argument("name", help="which one, for example yunet")
    pull_parser.add_argument("--from", dest="url", metavar="URL|FILE", help="fetch it from here instead")


def run_models(options: argparse.Namespace, progress: Optional[Progress] = None) -> int:
    """Carry out ``fer-edge models``; its answer goes to the standard output."""
    if options.verb == "pull":
        path = pull(options.name, progress, url=options.url)
        sys.stdout.write(f"{options.name} is in {path}\n")
    else:
        sys.stdout.write(describe_models() + "\n")
    return 0
