"""``fer-edge report``: makes a page of a history."""

from __future__ import annotations

import argparse
import os
import sys

from fer_edge.cli.times import TIMES, add_times
from fer_edge.report.file import refuse_place, write_page
from fer_edge.system.masking import shown
from fer_edge.system.progress import Progress, ticking

DESCRIPTION = f"""\
Make a page of a history (--history FILE): when how many people showed what, shares, valence, the hours of a week, and
when the cameras measured. The page is one file that loads nothing, and can be printed.

  fer-edge report history.db --from yesterday --to yesterday -o yesterday.html
  fer-edge report history.db --from -7d --camera door -o week.html

{TIMES}"""


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("file", type=os.path.expanduser, metavar="FILE.db", help="the history; it may be in use")
    add_times(parser, "until when (default: what the history ends with)")
    parser.add_argument(
        "--camera", action="append", default=[], metavar="NAME", help="of this camera alone; may be given several times"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=os.path.expanduser,
        required=True,
        metavar="FILE.html",
        help="where the page goes; one that lies there is replaced. '-' is the standard output",
    )


def run_report(options: argparse.Namespace, progress: Progress) -> int:
    """Carry out ``fer-edge report``.

    Raises
    ------
    UsageError
        What was asked for makes no sense: no such camera or zone, no time, or one of which the history has nothing.
    OutputError
        The history cannot be read, or the page not written.
    MissingExtra, LibraryUnusable
        Plotly is not there.
    """
    refuse_place(options.output)
    from fer_edge.report.local_time import LocalTime
    from fer_edge.report.page import page_of
    from fer_edge.report.reading import content_of

    zone = LocalTime(options.timezone)
    with ticking(progress, f"reading {shown(options.file)}"):
        content = content_of(options.file, options.first, options.last, options.camera, zone)
    with ticking(progress, "making the page"):
        page = page_of(content)
    write_page(options.output, page)
    if options.output != "-":
        sys.stderr.write(f"the report is in {shown(options.output)} ({len(page) / 1e6:.1f} MB)\n")
    return 0
