"""Arguments to settings to a verb; nothing else."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from typing import TYPE_CHECKING, Callable, List, Mapping, Optional, Sequence

from fer_edge.cli.arguments import add_settings, given_settings, limit
from fer_edge.errors import FerEdgeError, UsageError, exit_codes
from fer_edge.settings import Settings, known_log_format, load_settings, settings_file
from fer_edge.system.logs import set_up_logging
from fer_edge.system.signals import stop_on_signals
from fer_edge.system.standard_error import takes_a_line
from fer_edge.version import __version__

EXAMPLES = """\
examples:
  fer-edge                                   watch camera 0, or the built-in demo where there is no camera
  fer-edge --camera demo:3                   three faces, no camera needed
  fer-edge --camera front=0 --camera door=rtsp://host/live   two cameras, each with a name
  fer-edge --camera clip.mp4 --display none --output out.jsonl --record out.mp4
  fer-edge --camera rtsp://host/stream --display none --output - | jq .faces
  fer-edge --benchmark --report speed.json   measure this machine; with --model all every network that is here
  fer-edge cameras                           list the cameras of this machine
  fer-edge models                            list the models; 'fer-edge models pull yunet' fetches one
  fer-edge doctor                            show what this machine has; for a bug report
  fer-edge --listen 8650                     answer http://127.0.0.1:8650/healthz; 'fer-edge health --listen 8650' asks
  fer-edge soak --minutes 60                 run for long and tell whether memory, descriptors and threads stay flat
  sudo "$(command -v fer-edge)" service install   run at every boot, as a service of systemd; --dry-run shows how
  fer-edge build-engine                      build the TensorRT engine before the first start
  fer-edge zoo                               list the networks (needs the train extra)
  fer-edge train --help                      train, export and evaluate (needs the train extra)

keys in the window: q or Esc ends, b switches the bars, f full screen, s saves a picture, h help.
Every option can stand in a TOML file or in the environment (FER_EDGE_CAMERA=0); the command line wins over the environment,
which wins over the file. --config or FER_EDGE_CONFIG names the file. An empty variable counts as not set. Of several cameras
each has a table [[camera]] in the file, or variables such as FER_EDGE_CAMERA__DOOR__SOURCE; docs/settings.md lists everything.
"""

if TYPE_CHECKING:
    from fer_edge.app.parts import Parts

logger = logging.getLogger("fer_edge")


def main(argv: Optional[Sequence[str]] = None, parts: Optional[Parts] = None) -> int:
    """Run the program.

    Returns
    -------
    int
        The exit code; 0 when all went well.

    Raises
    ------
    FerEdgeError
        What went wrong, with its exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    verbs = _verbs()
    if arguments and arguments[0] in verbs:
        return verbs[arguments[0]](arguments[1:])
    return _watch_or_measure(arguments, parts)


def _verbs() -> Mapping[str, Callable[[List[str]], int]]:
    return {
        "cameras": _cameras,
        "models": _models,
        "build-engine": _build_engine,
        "doctor": _doctor,
        "health": _health,
        "soak": _soak,
        "service": _service,
        "train": _train,
        "export": _export,
        "evaluate": _evaluate,
        "zoo": _zoo,
    }


def _watch_or_measure(arguments: List[str], parts: Optional[Parts]) -> int:
    parser = _main_parser()
    options = parser.parse_args(arguments)
    given, models = given_settings(options)
    if not options.benchmark:
        for name in ("warm_up", "report", "paced", "min_fps", "max_p90_ms"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')} only makes sense with --benchmark.", "Add --benchmark.")
    elif given.get("record") or given.get("output") or given.get("display", "none") != "none":
        raise UsageError("A benchmark writes a report and nothing else.", "Leave out --record, --output and --display.")
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
    if settings.caution:
        logger.warning(settings.caution, extra={"event": "settings_not_safe"})
    with stop_on_signals() as stop:
        if options.benchmark:
            return _measure(settings, models or [settings.analysis.model], options, stop) or stop.exit_code
        return _watch(settings, stop, parts) or stop.exit_code


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
    to_output = standard_descriptor(settings.outputs.output) == 1
    if to_output and settings.log.format == "json":
        return 0
    stream = sys.stderr if to_output else sys.stdout
    if not stream.writable() or not takes_a_line(stream):  # closed by whoever wants no summary, or read by nobody
        return 0
    print(summary, file=stream)
    return 0


def _measure(settings: Settings, models: Sequence[str], options: argparse.Namespace, stop: threading.Event) -> int:
    from fer_edge.benchmark.report import check_gates
    from fer_edge.benchmark.run import BenchmarkOptions, run_benchmark
    from fer_edge.benchmark.text import to_text

    warm_up = 2.0 if options.warm_up is None else options.warm_up
    asked = BenchmarkOptions(tuple(models), warm_up, options.report or "", bool(options.paced))
    report = run_benchmark(settings, asked, stop.is_set, _progress)
    _progress("")
    print(to_text(report), end="")
    check_gates(report["results"], options.min_fps, options.max_p90_ms)
    return 0


def _cameras(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(prog="fer-edge cameras", description="List the cameras and what they can do.")
    parser.parse_args(arguments)
    from fer_edge.capture.v4l2.devices import describe_devices

    print(describe_devices())
    return 0


def _models(arguments: List[str]) -> int:
    from fer_edge.cli.models import add_models_arguments, run_models

    parser = argparse.ArgumentParser(prog="fer-edge models", description="List the models, or fetch one.")
    add_models_arguments(parser)
    return run_models(parser.parse_args(arguments), _progress)


def _build_engine(arguments: List[str]) -> int:
    from fer_edge.cli.build_engine import add_build_engine_arguments, run_build_engine

    parser = argparse.ArgumentParser(
        prog="fer-edge build-engine",
        description="Build the TensorRT engine of a network for this machine, and keep it; minutes on a small board.",
    )
    add_build_engine_arguments(parser)
    options = parser.parse_args(arguments)
    set_up_logging("info")
    return run_build_engine(options, _progress)


def _doctor(arguments: List[str]) -> int:
    from fer_edge.cli.doctor import add_doctor_arguments, run_doctor

    parser = argparse.ArgumentParser(
        prog="fer-edge doctor",
        description="Show what this machine has and what is missing; exit code 0 when the main job can run.",
    )
    add_doctor_arguments(parser)
    return run_doctor(parser.parse_args(arguments), _progress)


def _health(arguments: List[str]) -> int:
    from fer_edge.cli.health import add_health_arguments, run_health

    parser = argparse.ArgumentParser(
        prog="fer-edge health",
        description="Ask a running fer-edge, which was started with --listen, how it is; exit code 0 when frames are analysed.",
    )
    add_health_arguments(parser)
    return run_health(parser.parse_args(arguments))


def _service(arguments: List[str]) -> int:
    from fer_edge.cli.service import add_service_arguments, run_service

    parser = argparse.ArgumentParser(prog="fer-edge service", description="Run fer-edge as a service of systemd.")
    add_service_arguments(parser)
    return run_service(parser.parse_args(arguments))


def _soak(arguments: List[str]) -> int:
    from fer_edge.cli.soak import add_soak_arguments, soak

    parser = argparse.ArgumentParser(
        prog="fer-edge soak",
        description="Run fer-edge for long as a process of its own, and tell whether its memory, descriptors and threads stay "
        "flat; exit code 0 when they do. From a fast demo unless --camera says otherwise.",
        allow_abbrev=False,
    )
    add_soak_arguments(parser)
    with stop_on_signals() as stop:
        return soak(parser.parse_args(arguments), stop, _progress) or stop.exit_code


def _train(arguments: List[str]) -> int:
    return _training_verb("train", arguments)


def _export(arguments: List[str]) -> int:
    return _training_verb("export", arguments)


def _zoo(arguments: List[str]) -> int:
    return _training_verb("zoo", arguments)


def _evaluate(arguments: List[str]) -> int:
    return _training_verb("evaluate", arguments)


def _training_verb(name: str, arguments: List[str]) -> int:
    from fer_edge.training import commands

    set_up_logging("info")
    command = commands.COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"fer-edge {name}", description=command.description)
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


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
    benchmark.add_argument("--report", metavar="FILE", help="write everything as JSON there")
    benchmark.add_argument(
        "--paced",
        action="store_true",
        default=None,
        help="let the demo keep a camera's rate: 30, or that of --camera-fps",
    )
    benchmark.add_argument("--min-fps", type=limit, metavar="FPS", help="fail when FPS total stays under this")
    benchmark.add_argument("--max-p90-ms", type=limit, metavar="MS", help="fail when the p90 latency exceeds this")
    return parser


def _progress(line: str) -> None:
    """Show a line that replaces itself on a terminal; nothing elsewhere, where it would fill a log."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line:60}" if line else "\r" + " " * 60 + "\r")
        sys.stderr.flush()
