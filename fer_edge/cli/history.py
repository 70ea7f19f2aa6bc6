"""``fer-edge history``: what ``--history`` kept, as files for other programs, and how its file is."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, timezone
from typing import Any, BinaryIO, List, Optional

from fer_edge.cli.times import TIMES, add_times
from fer_edge.errors import OutputClosed, OutputError, UsageError
from fer_edge.report.local_time import LocalTime
from fer_edge.report.period import asked_moments
from fer_edge.sinks.files import open_error, write_error
from fer_edge.sinks.history.export import MINUTES, STATES, columns_of, export, exported
from fer_edge.sinks.history.reading import HistoryReader, size_of
from fer_edge.sinks.lines import iso
from fer_edge.sinks.table_files import TABLES
from fer_edge.system.atomic_file import Draft
from fer_edge.system.masking import printable, shown
from fer_edge.system.new_file import PRIVATE
from fer_edge.system.table import table_lines

_WHAT = "export"

DESCRIPTION = f"""\
Read what --history kept; a run may go on writing meanwhile.

  fer-edge history info week.db
  fer-edge history export week.db -o events.csv
  fer-edge history export week.db --from -7d --to yesterday --camera door -o week.parquet
  fer-edge history export week.db --what minutes -o - | head

{TIMES}"""


def add_history_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two verbs and what they take."""
    verbs = parser.add_subparsers(dest="verb", metavar="export|info", required=True)
    export = verbs.add_parser(
        "export",
        help="write states or minutes as CSV or Parquet",
        description=f"Write states or minutes as CSV or Parquet.\n\n{TIMES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    info = verbs.add_parser("info", help="tell from when to when there is what, and whether the file is whole")
    for verb in (export, info):
        verb.add_argument("file", metavar="FILE.db", help="the file that --history names")
    export.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where it goes: a name that ends in .csv or .parquet; - writes CSV to standard output",
    )
    add_times(export, "until when (default: what the history ends with); without -o, the FILE")
    export.add_argument(
        "--what",
        choices=(STATES, MINUTES),
        help="what each face showed from when to when, or figures of each minute (default: minutes where the name of the file "
        "begins with that word, else states)",
    )
    export.add_argument(
        "--camera", action="append", default=[], metavar="NAME", help="of this camera alone; may be given several times"
    )


def run_history(options: argparse.Namespace) -> int:
    """Carry out ``fer-edge history``.

    Raises
    ------
    OutputError
        The history cannot be read, or the file of an export not be written.
    UsageError
        The history knows no such camera, or nobody knows such a form, such a zone or such a time.
    """
    path = os.path.expanduser(options.file)
    with HistoryReader(path) as reader:
        return _info(reader) if options.verb == "info" else _export(reader, options)


def _export(reader: HistoryReader, options: argparse.Namespace) -> int:
    target, last = (options.output, options.last) if options.output is not None else (options.last, None)
    if target is None:
        raise UsageError("Nothing says where the export goes.", "Give  -o FILE.csv, or  -o - for the standard output.")
    name = os.path.basename(target)
    what = options.what or (MINUTES if name.lower().startswith(MINUTES) else STATES)
    form = "csv" if target == "-" else os.path.splitext(name)[1].lower().lstrip(".")
    path = os.path.expanduser(target)
    if form not in TABLES:
        raise UsageError(
            f"'{shown(path)}' ends in nothing that tells a form.",
            f"Let it end in {' or '.join(f'.{one}' for one in TABLES)}, or give - for CSV"
            + ("." if options.output is not None else "; where --to is a time, -o names the file."),
        )
    since, until = (_utc(moment) for moment in asked_moments(options.first, last, LocalTime(options.timezone)))
    rows = exported(reader, what, options.camera, since, until)
    columns = columns_of(what)
    if target == "-":
        _to_standard_output(rows, columns)
        return 0
    _refuse_place(path, reader.path)
    try:
        draft = Draft(path, PRIVATE)
    except OSError as error:
        raise open_error(error, path, _WHAT) from error
    try:
        count = export(rows, draft.file, columns, form)
        draft.finish()
        draft.put()
    except OSError as error:
        raise write_error(error, path, _WHAT) from error
    finally:
        draft.close()
    print(f"{count} {what} are in {shown(path)}")
    return 0


def _utc(moment: Optional[float]) -> Optional[datetime]:
    return None if moment is None else datetime.fromtimestamp(moment, timezone.utc)


def _to_standard_output(rows: Any, columns: List[str]) -> None:
    try:
        out: Optional[BinaryIO] = getattr(sys.stdout, "buffer", None)
        if out is None:
            sys.stdout.write("")  # which says why nothing can be written, where it was closed
            return
        export(rows, out, columns, "csv")
        out.flush()
    except BrokenPipeError as error:
        # Or Python tries to write the rest at its end, and says that it cannot.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputClosed("The reader of the standard output went away.") from error
    except OSError as error:
        raise write_error(error, "-", _WHAT) from error


def _refuse_place(path: str, history: str) -> None:
    if os.path.exists(path) and not os.path.isfile(path):
        kind = "a directory" if os.path.isdir(path) else "no file"
        raise UsageError(f"The {_WHAT} '{shown(path)}' is {kind}.", "Give the name of a file.")
    if os.path.exists(path) and os.path.samefile(path, history):
        raise UsageError("The export would replace the history itself.", "Give another name.")


def _info(reader: HistoryReader) -> int:
    span, (states, minutes), runs = reader.span(), reader.counts(), reader.runs()
    faults = reader.faults()
    rows = [
        ("from", iso(span[0]) if span else "nothing yet"),
        ("until", iso(span[1]) if span else "nothing yet"),
        ("cameras", printable(", ".join(reader.cameras()), 1000) or "none"),
        ("states", str(states)),
        ("minutes", str(minutes)),
        (
            "runs",
            str(len(runs)) + (f", the last with fer-edge {runs[-1].version} and {runs[-1].model}" if runs else ""),
        ),
        ("size", f"{size_of(reader.path) / 1e6:.1f} MB"),
        ("integrity", "whole" if not faults else "damaged"),
    ]
    print("\n".join(table_lines(rows)))
    if faults:
        raise OutputError(
            f"The history '{shown(reader.path)}' is damaged: {faults[0]}.",
            f"`sqlite3 '{shown(reader.path)}' .recover` gives what can still be read.",
        )
    return 0
