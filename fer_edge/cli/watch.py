"""``fer-edge`` without a command: watches cameras, or measures with ``--benchmark``."""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, List, Optional, Sequence

from fer_edge.cli.arguments import add_settings, given_settings, limit
from fer_edge.cli.progress_line import show_progress
from fer_edge.errors import FerEdgeError, UsageError
from fer_edge.exit_codes import exit_codes
from fer_edge.settings import Settings, known_log_format, load_settings, settings_file
from fer_edge.sinks.registry import SINKS
from fer_edge.system.logs import set_up_logging
from fer_edge.system.masking import printable
from fer_edge.system.signals import stop_on_signals
from fer_edge.system.standard_error import takes_a_line
from fer_edge.version import __version__

if TYPE_CHECKING:
    from fer_edge.app.parts import Parts

EXAMPLES = """\
examples:
  fer-edge                                   watch camera 0, or the built-in demo where there is no camera
  fer-edge --camera demo:3                   three faces, no camera needed
  fer-edge --camera front=0 --camera door=rtsp://host/live   two cameras, each with a name
  fer-edge --camera clip.mp4 --display none --output out.jsonl --record out.mp4
  fer-edge --camera rtsp://host/stream --display none --output - | jq .faces
  fer-edge --camera 0 --display none --events day.csv   who showed what from when to when, for a spreadsheet
  fer-edge --history week.db                 keep that for weeks; 'fer-edge history export week.db -o week.csv' gives it
  fer-edge --benchmark --report speed.json   measure this machine; with --model all every network that is here
  fer-edge analyse interviews/ --out results analyse recordings on all cores: CSV or Parquet for each, and a summary
  fer-edge cameras                           list the cameras of this machine
  fer-edge models                            list the models; 'fer-edge models pull yunet' fetches one
  fer-edge rest --save anna.json             record your face at rest; 'fer-edge --rest anna.json' judges you against it
  fer-edge doctor                            show what this machine has; for a bug report
  fer-edge --listen 8650                     answer http://127.0.0.1:8650/healthz; 'fer-edge health --listen 8650' asks
  fer-edge soak --minutes 60                 run for long and tell whether memory, descriptors and threads stay flat
  sudo "$(command -v fer-edge)" service install   run at every boot, as a service of systemd; --dry-run shows how
  fer-edge build-engine                      build the TensorRT engine before the first start
  fer-edge zoo                               list the networks (needs the train extra)
  fer-edge train --help                      train, export and evaluate (needs the train extra)

keys in the window: q or Esc ends, b switches the bars, t the traces, m the mirror, f full screen, s saves a picture, h help;
of several cameras 1 to 9 show one alone, and the same key or 0 all again. A picture stays in the window until a key is pressed.
Every option can stand in a TOML file or in the environment (FER_EDGE_CAMERA=0); the command line wins over the environment,
which wins over the file. --config or FER_EDGE_CONFIG names the file. An empty variable counts as not set. Of several cameras
each has a table [[camera]] in the file, or variables such as FER_EDGE_CAMERA__DOOR__SOURCE; docs/settings.md lists everything.
"""

logger = logging.getLogger("fer_edge")

RESULTS = tuple(kind.option for kind in SINKS)
"""The options that name a place for results."""


def watch_or_measure(arguments: List[str], parts: Optional[Parts]) -> int:
    """Run ``fer-edge`` with these arguments, and return the exit code."""
    parser = _main_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise _unknown(unknown[0], parser)
    given, models = given_settings(options)
    if not options.benchmark:
        for name in ("warm_up", "report", "paced", "min_fps", "max_p90_ms"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')} only makes sense with --benchmark.", "Add --benchmark.")
    elif any(map(given.get, RESULTS)) or given.get("display", "none") != "none":
        raise UsageError(
            "A benchmark writes a report and nothing else.",
            f"Leave out {', '.join(f'--{name}' for name in RESULTS)} and --display.",
        )
    pace = _pace(options.paced) if isinstance(options.paced, str) else None
    if pace is not None and "camera_fps" in given:
        raise UsageError("--paced and --camera-fps both say how fast.", "Give one of the two rates.")
    if len(models) > 1 and not options.benchmark:
        raise UsageError("More than one --model only makes sense with --benchmark.", "Give one model.")
    file = settings_file(options.config)
    try:
        settings = load_settings(given, file=file)
    except FerEdgeError:
        if known_log_format(given, file=file) == "json":
            set_up_logging("info", "json")
        raise
    set_up_logging(settings.log.level, settings.log.format)
    if settings.left_out:
        names = ", ".join(settings.left_out)
        logger.info("the file's cameras %s are not watched: the command line or FER_EDGE_CAMERA names others", names)
    if options.benchmark:
        _tell_ignored(settings)
    if settings.caution:
        logger.warning(settings.caution, extra={"event": "settings_not_safe"})
    with stop_on_signals() as stop:
        if options.benchmark:
            asked = models or [settings.analysis.model]
            return _measure(settings, asked, options, pace, stop) or stop.exit_code
        return _watch(settings, stop, parts) or stop.exit_code


def _tell_ignored(settings: Settings) -> None:
    """Say which settings of a file or of variables a benchmark leaves aside, as it refuses those of the command line."""
    for kind in SINKS:
        if kind.place(settings):
            name = kind.option
            logger.info("%s: %s is ignored: a benchmark writes its report alone", settings.place(name), name)


def _unknown(argument: str, parser: argparse.ArgumentParser) -> UsageError:
    """Return the error for an argument that is none, with the nearest option."""
    if not argument.startswith("-"):
        return UsageError(
            f"'{printable(argument)}' belongs to no option.", "Several cameras are given as --camera A --camera B."
        )
    options = [option for action in parser._actions for option in action.option_strings]
    near = difflib.get_close_matches(argument.partition("=")[0], options, 1)
    hint = f"Did you mean '{near[0]}'?" if near else "fer-edge --help lists the options."
    return UsageError(f"There is no option '{printable(argument.partition('=')[0])}'.", hint)


def _watch(settings: Settings, stop: threading.Event, parts: Optional[Parts]) -> int:
    from fer_edge.app.live import LiveRun
    from fer_edge.app.parts import PROGRAM
    from fer_edge.service.sd_notify import Notifier
    from fer_edge.system.standard_streams import standard_descriptor

    notifier = Notifier.from_environment()
    try:
        summary = LiveRun(settings, stop, notifier, parts or PROGRAM).run()
    finally:
        notifier.close()
    # Standard output belongs to the JSON lines when they go there, and the standard error to those of a log of the kind.
    to_output = any(standard_descriptor(kind.place(settings)) == 1 for kind in SINKS)
    stream = sys.stderr if to_output else sys.stdout
    wanted = not (to_output and settings.log.format == "json") and (summary.failure is None or summary.balance.emitted)
    if wanted and stream.writable() and takes_a_line(stream):  # not closed, and read by somebody
        print(summary, file=stream)
    if summary.failure is not None:
        raise summary.failure
    return 0


def _measure(
    settings: Settings,
    models: Sequence[str],
    options: argparse.Namespace,
    pace: Optional[float],
    stop: threading.Event,
) -> int:
    from fer_edge.benchmark.report import check_gates
    from fer_edge.benchmark.run import BenchmarkOptions, run_benchmark
    from fer_edge.benchmark.text import to_text

    warm_up = 2.0 if options.warm_up is None else options.warm_up
    asked = BenchmarkOptions(tuple(models), warm_up, options.report or "", options.paced is not None, pace)
    report = run_benchmark(settings, asked, stop.is_set, show_progress)
    show_progress("")
    print(to_text(report), end="")
    check_gates(report["results"], options.min_fps, options.max_p90_ms)
    return 0


def _pace(text: str) -> float:
    """Read the rate that ``--paced`` asks for."""
    from fer_edge.benchmark.run import FASTEST_PACE, SLOWEST_PACE

    try:
        value = float(text) if text.isascii() and "_" not in text else 0.0
    except ValueError:
        value = 0.0
    if not SLOWEST_PACE <= value <= FASTEST_PACE:
        raise UsageError(
            f"--paced: '{printable(text)}' is no rate from {SLOWEST_PACE:g} to {FASTEST_PACE:g} frames a second.",
            "Give a number such as 30, or --paced alone for 30.",
        )
    return value


def _main_parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code:3}  {names}" for code, names in exit_codes().items())
    parser = argparse.ArgumentParser(
        prog="fer-edge",
        description="Find faces and name their expressions, live.",
        epilog=f"{EXAMPLES}\nexit codes: 0 when all went well, also after q, Ctrl-C or SIGTERM;\n"
        f"{codes}\n  129  its terminal was closed\n  130  a second Ctrl-C",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"fer-edge {__version__}")
    add_settings(parser)
    benchmark = parser.add_argument_group("benchmark")
    benchmark.add_argument(
        "--benchmark",
        action="store_true",
        help="measure instead of watching, without a window; from the demo unless --camera says otherwise, for 15 s "
        "unless --duration or --frames does; --model may be given several times, and may be a folder, or all; several "
        "--camera are measured at once",
    )
    benchmark.add_argument("--warm-up", type=limit, metavar="S", help="seconds that do not count (2)")
    benchmark.add_argument("--report", type=os.path.expanduser, metavar="FILE", help="write everything as JSON there")
    benchmark.add_argument(
        "--paced",
        nargs="?",
        const=True,
        metavar="FPS",
        help="what a camera's rate costs: the demo keeps it, at FPS (1 to 240) frames a second; without FPS 30, or that of "
        "--camera-fps",
    )
    benchmark.add_argument("--min-fps", type=limit, metavar="FPS", help="fail when FPS total stays under this")
    benchmark.add_argument("--max-p90-ms", type=limit, metavar="MS", help="fail when the p90 latency exceeds this")
    return parser
