"""``fer-edge doctor``."""

from __future__ import annotations

import argparse
import sys

from fer_edge.doctor.examine import examine
from fer_edge.doctor.finding import PROBLEM
from fer_edge.doctor.report import to_json, to_text
from fer_edge.errors import NotReady
from fer_edge.system.progress import Progress


def add_doctor_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``fer-edge doctor``."""
    parser.add_argument("--json", action="store_true", help="write the findings as JSON")


def run_doctor(options: argparse.Namespace, progress: Progress = lambda line: None) -> int:
    """Carry out ``fer-edge doctor``; the table goes to the standard output.

    Raises
    ------
    NotReady
        The main job cannot run here. The table has been written.
    """
    findings = examine(progress=progress)
    _write(to_json(findings) if options.json else to_text(findings))
    wrong = [finding.subject for finding in findings if finding.level == PROBLEM]
    if wrong:
        raise NotReady(
            f"The main job cannot run on this machine, because of: {', '.join(dict.fromkeys(wrong))}.",
            "The lines marked PROBLEM say what to do.",
        )
    return 0


def _write(text: str) -> None:
    """Write to the standard output what its encoding can say: a board without a locale may have ASCII only."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
