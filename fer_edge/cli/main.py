"""Arguments to settings to a verb; nothing else."""

from __future__ import annotations

import argparse
import difflib
import logging
import sys
from typing import TYPE_CHECKING, Callable, List, Mapping, Optional, Sequence

from fer_edge.cli.progress_line import show_progress
from fer_edge.cli.watch import watch_or_measure
from fer_edge.errors import UsageError
from fer_edge.system.logs import set_up_logging
from fer_edge.system.masking import printable
from fer_edge.system.signals import stop_on_signals

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
    if arguments and not arguments[0].startswith("-"):
        near = difflib.get_close_matches(arguments[0], verbs, 1)
        hint = f"Did you mean '{near[0]}'?" if near else f"The commands are: {', '.join(verbs)}."
        watch = " A source is given with --camera; fer-edge alone watches." if not near else ""
        raise UsageError(f"There is no command '{printable(arguments[0])}'.", hint + watch)
    return watch_or_measure(arguments, parts)


def _verbs() -> Mapping[str, Callable[[List[str]], int]]:
    return {
        "analyse": _analyse,
        "cameras": _cameras,
        "models": _models,
        "build-engine": _build_engine,
        "rest": _rest,
        "history": _history,
        "report": _report,
        "doctor": _doctor,
        "health": _health,
        "soak": _soak,
        "service": _service,
        "mqtt": _mqtt,
        "train": _train,
        "export": _export,
        "evaluate": _evaluate,
        "zoo": _zoo,
    }


def _analyse(arguments: List[str]) -> int:
    from fer_edge.cli.analyse import DESCRIPTION, add_analyse_arguments, run_analyse

    parser = argparse.ArgumentParser(
        prog="fer-edge analyse",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_analyse_arguments(parser)
    with stop_on_signals() as stop:
        return run_analyse(parser.parse_args(arguments), stop)


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
    return run_models(parser.parse_args(arguments), show_progress)


def _build_engine(arguments: List[str]) -> int:
    from fer_edge.cli.build_engine import add_build_engine_arguments, run_build_engine

    parser = argparse.ArgumentParser(
        prog="fer-edge build-engine",
        description="Build the TensorRT engine of a network for this machine, and keep it; minutes on a small board.",
    )
    add_build_engine_arguments(parser)
    options = parser.parse_args(arguments)
    set_up_logging("info")
    return run_build_engine(options, show_progress)


def _doctor(arguments: List[str]) -> int:
    from fer_edge.cli.doctor import add_doctor_arguments, run_doctor

    parser = argparse.ArgumentParser(
        prog="fer-edge doctor",
        description="Show what this machine has and what is missing; exit code 0 when the main job can run.",
    )
    add_doctor_arguments(parser)
    return run_doctor(parser.parse_args(arguments), show_progress)


def _health(arguments: List[str]) -> int:
    from fer_edge.cli.health import add_health_arguments, run_health

    parser = argparse.ArgumentParser(
        prog="fer-edge health",
        description="Ask a running fer-edge, which was started with --listen, how it is; exit code 0 when frames are analysed.",
    )
    add_health_arguments(parser)
    return run_health(parser.parse_args(arguments))


def _service(arguments: List[str]) -> int:
    import fcntl  # noqa: F401  (elsewhere than on Linux this says so, before anything else is missing)

    from fer_edge.cli.service import add_service_arguments, run_service

    parser = argparse.ArgumentParser(prog="fer-edge service", description="Run fer-edge as a service of systemd.")
    add_service_arguments(parser)
    return run_service(parser.parse_args(arguments))


def _mqtt(arguments: List[str]) -> int:
    from fer_edge.cli.mqtt import add_mqtt_arguments, run_mqtt

    parser = argparse.ArgumentParser(
        prog="fer-edge mqtt", description="Look after what an MQTT broker keeps of fer-edge.", allow_abbrev=False
    )
    add_mqtt_arguments(parser)
    return run_mqtt(parser.parse_args(arguments))


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
        return soak(parser.parse_args(arguments), stop, show_progress) or stop.exit_code


def _rest(arguments: List[str], parts: Optional[Parts] = None) -> int:
    from fer_edge.cli.rest import DESCRIPTION, add_rest_arguments, run_rest

    parser = argparse.ArgumentParser(
        prog="fer-edge rest",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_rest_arguments(parser)
    with stop_on_signals() as stop:
        return run_rest(parser.parse_args(arguments), stop, show_progress, parts) or stop.exit_code


def _history(arguments: List[str]) -> int:
    from fer_edge.cli.history import DESCRIPTION, add_history_arguments, run_history
    from fer_edge.cli.times import joined_times

    parser = argparse.ArgumentParser(
        prog="fer-edge history", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_history_arguments(parser)
    return run_history(parser.parse_args(joined_times(arguments)))


def _report(arguments: List[str]) -> int:
    from fer_edge.cli.report import DESCRIPTION, add_report_arguments, run_report
    from fer_edge.cli.times import joined_times

    parser = argparse.ArgumentParser(
        prog="fer-edge report",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_report_arguments(parser)
    return run_report(parser.parse_args(joined_times(arguments)), show_progress)


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
