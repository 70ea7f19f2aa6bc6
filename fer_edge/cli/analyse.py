"""``fer-edge analyse``: recordings to tables, on all cores."""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import Iterator, List, Sequence, Tuple

from fer_edge.board.cores import usable_cores
from fer_edge.cli.analyse_progress import AUTO, JSON, LINES, NONE, Shown, standard_streams
from fer_edge.cli.analyse_wording import failed_words, forecast_lines, outcome_lines
from fer_edge.cli.arguments import add_settings, given_settings
from fer_edge.cli.progress_line import show_progress
from fer_edge.errors import RecordingsFailed, UsageError
from fer_edge.recordings.asked import asked_of
from fer_edge.recordings.failures import Failure
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.forecast import forecast
from fer_edge.recordings.found import Found
from fer_edge.recordings.jobs import Asked
from fer_edge.recordings.local_pool import LocalPool
from fer_edge.recordings.output import claimed
from fer_edge.recordings.pages.reading import INDEX
from fer_edge.recordings.pages.run import write_pages
from fer_edge.recordings.pool import Pool
from fer_edge.recordings.run import Outcome, Run, most_parts
from fer_edge.report.file import refuse_place
from fer_edge.settings import load_settings, settings_file
from fer_edge.system.logs import set_up_logging
from fer_edge.system.masking import mask, printable, shown
from fer_edge.system.signals import Stop

SETTINGS = frozenset(
    (
        *("model", "backend", "device", "precision", "detector", "min_score", "min_face"),
        *("tracks", "track_memory", "half_life", "rest", "log_level", "log_format"),
    )
)
"""The settings that matter for recordings."""

INTERRUPTED = 130
"""The exit code of a run that Ctrl-C or SIGTERM ended before all was done."""

MOST_WORKERS = 256

DESCRIPTION = """\
Analyse recordings - videos, pictures, folders of both - as fast as the cores allow, and write for each what was seen:
a row for each frame and face, who showed what from when to when, and a summary; and a table of all of them.

  fer-edge analyse interview.mp4 --out results
  fer-edge analyse interviews/ --out results               all that is below the folder
  fer-edge analyse 'day*/**/*.mp4' photos/ --out results   patterns (quoted) and pictures
  fer-edge analyse interviews/ --out results --fps 5       five frames of each second are enough for states
  fer-edge analyse interviews/ --out results --report      and pages: results/index.html, and one of each recording
  fer-edge analyse interviews/ --out results --dry-run     what would be done, and about how long it would take

results/anna.mp4/ has frames.csv, states.csv and summary.json; results/ has summary.csv and failures.csv.
Run it again after an end of any kind: what is finished is skipped, the rest is done. A recording that cannot be read
stands in failures.csv, the others are done all the same, and the exit code is 70. docs/recordings.md has the columns.
"""


def add_analyse_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "recordings", nargs="+", metavar="PATH", help="a video, a picture, a folder, or a pattern in quotes"
    )
    parser.add_argument(
        "--out",
        required=True,
        type=os.path.expanduser,
        metavar="FOLDER",
        help="where the results go; made if it is not there. It is not searched for recordings",
    )
    frames = parser.add_mutually_exclusive_group()
    frames.add_argument("--every", type=_every, default=1, metavar="N", help="analyse every Nth frame (default: 1)")
    frames.add_argument(
        "--fps", type=_rate, default=0.0, metavar="F", help="analyse at most F frames of each second (default: all)"
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        help="processes that work, each on one core with 200 to 400 MB (default: one for each core that may be used)",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "parquet"),
        default="csv",
        help="form of the tables (default: csv; parquet needs pyarrow)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="also make a page of each recording (report.html beside its tables), and one of all (index.html)",
    )
    parser.add_argument(
        "--pictures",
        action="store_true",
        help="put small images of the recordings into those pages, which hold none otherwise (with --report)",
    )
    parser.add_argument(
        "--on",
        metavar="WHERE",
        help="do the work on a Ray cluster that is there: ray on a machine of it, ray://HOST:10001 elsewhere (default: on this "
        "machine); recordings and results then lie on a path that all its machines have, or at addresses such as s3://...",
    )
    parser.add_argument(
        "--cpus-per-job",
        type=_cpus,
        metavar="N",
        help="with --on: processors that are set aside for each job (default: 1, as a job computes in one thread)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing: say what would be done, and estimate how long by a short trial",
    )
    parser.add_argument(
        "--progress",
        choices=(AUTO, LINES, JSON, NONE),
        default=AUTO,
        help="auto: one line on a terminal, lines elsewhere; json: a line of JSON each second on the standard output "
        "(default: auto)",
    )
    add_settings(parser, only=SETTINGS)


def run_analyse(options: argparse.Namespace, stop: Stop) -> int:
    """Carry out ``fer-edge analyse``.

    Raises
    ------
    RecordingsFailed
        Some recordings could not be analysed, or not wholly.
    FerEdgeError
        What was asked for makes no sense, or something is wrong that concerns every recording.
    """
    if options.pictures and not options.report:
        raise UsageError("--pictures is about the pages of --report.", "Add --report.")
    if not options.out:
        raise UsageError("--out names no folder.", "Name one, such as results.")
    if "://" in options.out and options.on is None:
        raise UsageError(
            f"--out {shown(mask(options.out))} is an address, and without --on results are written to a folder.",
            "Name a folder, or have a cluster do the work: --on ray.",
        )
    for address in (one for one in (*options.recordings, options.out) if "://" in one and mask(one) != one):
        raise UsageError(
            f"{shown(mask(address))} has a password or token in it, which would stand in every table of the results.",
            "Give it to the package of that storage by its variables or files, and the address without it.",
        )
    if options.report and "://" in options.out:
        raise UsageError(
            f"--report makes its pages of results on a path, and {shown(options.out)} is an address.",
            "Leave --report away, fetch the results, and make the pages in Python: docs/recordings.md.",
        )
    given, models = given_settings(options)
    if len(models) > 1:
        raise UsageError("More than one --model was given.", "Give one, and another folder for the results of another.")
    # No camera is watched, whatever a settings file says of them.
    settings = load_settings({**given, "camera": ["demo"]}, file=settings_file(options.config))
    set_up_logging(settings.log.level, settings.log.format)
    cluster = _cluster(options)
    found = _find(options, cluster)
    asked = asked_of(settings, options.every, options.fps, options.format)
    workers = options.workers or min(usable_cores(), MOST_WORKERS)
    if options.dry_run:
        foreseen = forecast(found.recordings, asked, options.out, workers, most_parts(workers), stop.is_set)
        print("\n".join(forecast_lines(found, foreseen)))
        return INTERRUPTED if stop.is_set() else 0
    show = standard_streams(options.progress)
    with _pool(options, cluster, found, asked, workers) as (pool, out), contextlib.ExitStack() as stack:
        if options.report:
            refuse_place(os.path.join(options.out, INDEX))
        outcome = _run(found, asked, out, pool, show, stop)
        # A cluster's machines have done their work; what is left takes seconds.
        by = pool if not cluster else stack.enter_context(LocalPool(workers))
        no_pages = _pages(found, options, by, stop) if options.report and not stop.is_set() else []
    return _end(found, outcome, options, stop, no_pages)


def _cluster(options: argparse.Namespace) -> str:
    """Return the address of the cluster that does the work; empty where this machine does."""
    if options.on is None:
        if options.cpus_per_job is not None:
            raise UsageError("--cpus-per-job is for a cluster.", "Add --on ray, or leave it away.")
        return ""
    for option, given in (("--workers", options.workers is not None), ("--dry-run", options.dry_run)):
        if given:
            raise UsageError(
                f"{option} concerns this machine alone, and not a cluster.", f"Leave --on or {option} away."
            )
    from fer_edge.recordings.cluster.connection import address_of

    return address_of(options.on, os.environ.get("RAY_ADDRESS", ""))


def _find(options: argparse.Namespace, cluster: str) -> Found:
    if not cluster:
        return find_recordings(options.recordings, options.out)
    from fer_edge.recordings.cluster.find import find_anywhere

    return find_anywhere(options.recordings, options.out)


@contextlib.contextmanager
def _pool(
    options: argparse.Namespace, cluster: str, found: Found, asked: Asked, workers: int
) -> Iterator[Tuple[Pool, str]]:
    """Yield who does the work, and the folder to which the run writes."""
    if not cluster:
        with claimed(options.out), LocalPool(workers) as pool:
            yield pool, options.out
        return
    from fer_edge.recordings.cluster.run import on_cluster

    with on_cluster(cluster, asked, found.recordings, options.out, options.cpus_per_job or 1.0) as there:
        yield there


def _run(found: Found, asked: Asked, out: str, pool: Pool, show: Shown, stop: Stop) -> Outcome:
    outcome = None
    try:
        outcome = Run(found.recordings, asked, out, pool, show, stop).run()
        return outcome
    finally:
        show.end(outcome)


def _pages(found: Found, options: argparse.Namespace, pool: Pool, stop: Stop) -> List[Failure]:
    def told(done: int, of: int) -> None:
        show_progress(f"page {done} of {of}")

    try:
        return write_pages(found.recordings, options.out, options.pictures, pool, told, stop)
    finally:
        show_progress("")


def _end(
    found: Found, outcome: Outcome, options: argparse.Namespace, stop: Stop, no_pages: Sequence[Failure] = ()
) -> int:
    if options.progress != JSON:
        lines = outcome_lines(found, outcome, options.out)
        if options.report and not stop.is_set():
            lines.append(f"and pages of them, beginning with {shown(os.path.join(options.out, INDEX))}")
        print("\n".join(lines))
    if outcome.interrupted or stop.is_set():
        return stop.exit_code or INTERRUPTED
    if outcome.failures:
        first = outcome.failures[0]
        rest = "; all that could be read is in the results" if outcome.failed < len(found.recordings) else ""
        raise RecordingsFailed(
            f"{failed_words(found, outcome)}, beginning with {printable(first.name)}: {first.reason}",
            f"{shown(os.path.join(options.out, 'failures.csv'))} has them all{rest}.",
        )
    if no_pages:
        first = no_pages[0]
        raise RecordingsFailed(
            f"{len(no_pages)} of the pages could not be made, beginning with that of {printable(first.name)}: {first.reason}",
            first.hint or "The tables are there; run it again for the pages.",
        )
    return 0


def _every(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1 on, and {text!r} is none")
    return int(text)


def _workers(text: str) -> int:
    number = _every(text)
    if number > MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"at most {MOST_WORKERS} work")
    return number


def _cpus(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (0.1 <= value < 1 or (value.is_integer() and 1 <= value <= MOST_WORKERS)):
        raise argparse.ArgumentTypeError(
            f"it must be a whole number, or a part of one from 0.1 on, and {text!r} is neither"
        )
    return value


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"it must be a number above 0, and {text!r} is none")
    return value
