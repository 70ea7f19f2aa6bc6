"""``fer-edge service``: installs the systemd service, and shows how it is."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import List, Mapping, Optional

from fer_edge.errors import ServiceError, SettingsError
from fer_edge.service.install import SECRETS, demand_system, install_steps, shipped, uninstall_steps
from fer_edge.service.libraries import demand_libraries
from fer_edge.service.program import HERE, SHIPPED_PROGRAM, find_program, missing_program
from fer_edge.service.steps import carry_out, run_command
from fer_edge.service.system_root import SystemRoot
from fer_edge.service.variables import as_variables, read_variables
from fer_edge.settings import Settings, load_settings
from fer_edge.settings.file import SettingsFile
from fer_edge.settings.trust import who_may_write

SETTINGS = "etc/fer-edge/fer-edge.toml"

_BOOTED_BY_SYSTEMD = "/run/systemd/system"
"""A folder that is there where systemd runs, see sd_booted(3)."""


def add_service_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="install|uninstall|status|logs")
    install = verbs.add_parser("install", help="put it in place and start it; doing so again changes nothing")
    install.add_argument(
        "--program",
        metavar="PATH",
        help=f"the fer-edge to start (default: this one; with --root, that system's {SHIPPED_PROGRAM})",
    )
    install.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the service, such as history=history.db or mqtt=mqtts://homeassistant.local (docs/settings.md); "
        "may be given several times; stands in /etc/fer-edge/fer-edge.env then; an empty value takes it out of there",
    )
    install.add_argument("--no-start", action="store_true", help="neither start it nor have it started at boot")
    uninstall = verbs.add_parser("uninstall", help="stop it and take it away; settings and results stay")
    uninstall.add_argument("--purge", action="store_true", help="remove settings, results and the account, too")
    for verb in (install, uninstall):
        verb.add_argument("--dry-run", action="store_true", help="only say what would be done")
        verb.add_argument(
            "--root", type=Path, default=HERE, metavar="DIR", help="a mounted system, such as a board's SD card"
        )
    status = verbs.add_parser("status", help="what systemd knows of it")
    logs = verbs.add_parser("logs", help="what it logged")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what it logs now; Ctrl-C ends")
    logs.add_argument("-n", "--lines", type=int, default=50, metavar="N", help="how many lines (default: 50)")
    for verb in (status, logs):
        verb.add_argument("camera", nargs="?", help="the NAME of fer-edge@NAME, where there are several cameras")


def run_service(options: argparse.Namespace) -> int:
    """Do what the options ask for; gives the exit code.

    Raises
    ------
    ServiceError
        A step failed, or this machine does not run systemd.
    SettingsError, MissingExtra
        The settings that are there already, or those that would be written, will not do here; nothing was changed.
    """
    missing = ""
    if options.verb in ("install", "uninstall"):
        demand_system(options.root)
    if options.verb == "install":
        program = find_program(options.program, options.root)
        asked = as_variables(options.set)
        settings = _check_settings(options.root, asked)
        if options.root == HERE:
            demand_libraries(settings, program)
        missing = missing_program(program, options.root)
        steps = install_steps(program, options.root, not options.no_start, run_command, asked)
    elif options.verb == "uninstall":
        steps = uninstall_steps(options.root, options.purge, run_command)
    else:
        return _show(options)
    count = carry_out(steps, options.dry_run, _say)
    if missing:
        _say(missing)
    if options.dry_run and not count:
        _say("Nothing is to be done; nothing was changed.")
    elif options.dry_run:
        _say(f"{count} steps would be taken; nothing was changed.")
    elif not count:
        _say("Nothing had to be changed.")
    elif options.verb == "install" and not options.no_start and options.root == HERE:
        _say("It starts now. Its settings: /etc/fer-edge/fer-edge.toml. How it is: fer-edge service status")
    return 0


def _check_settings(root: Path, asked: Mapping[str, str]) -> Settings:
    """Refuse what the service would refuse, before anything is restarted; return what it will be asked."""
    system = SystemRoot(root)
    file, secrets = root / SETTINGS, root / SECRETS
    content, variables = _read(system, SETTINGS), _read(system, SECRETS)
    for name in system.names(os.path.dirname(SECRETS)):  # one more for each further camera
        if name.endswith(".env"):
            _read(system, f"{os.path.dirname(SECRETS)}/{name}")
    parsed = SettingsFile.parse(file, shipped("fer-edge.toml").encode() if content is None else content)
    settings = load_settings({}, {**read_variables(variables or b""), **asked}, parsed)
    if settings.web.listen is not None and not settings.web.listen.local and not settings.web.token:
        raise SettingsError(
            f"{settings.origins['listen']}: listening on {settings.web.listen} lets other machines ask, and there is no token.",
            f"Write  FER_EDGE_TOKEN=  and a secret word into {secrets}, or listen on 127.0.0.1.",
        )
    return settings


def _read(system: SystemRoot, name: str) -> Optional[bytes]:
    """Return what a file holds that the service reads; None where it is missing, or where only root could read it."""
    try:
        found = system.read(name)
    except OSError:  # the installation says what is wrong with it
        return None
    if found is None:
        return None
    for place, status in ((system.path / name, found.file), ((system.path / name).parent, found.folder)):
        who = who_may_write(status, {0, os.geteuid()})
        if who:
            raise SettingsError(
                f"{place} is not safe: {who} may write there, and so decide what the service reads, writes and runs.",
                f"Give it back to root:  sudo chown root:root {place} && sudo chmod go-w {place}",
            )
    return found.data


def _show(options: argparse.Namespace) -> int:
    unit = f"fer-edge@{options.camera}.service" if options.camera else "fer-edge.service"
    if options.verb == "status":
        command: List[str] = ["systemctl", "--no-pager", "--full", "status", unit]
    else:
        command = ["journalctl", "--unit", unit, "--lines", str(max(1, options.lines))]
        command.append("--follow" if options.follow else "--no-pager")
    if options.verb == "status" and not os.path.isdir(_BOOTED_BY_SYSTEMD):
        raise _no_service("it was not started by it")
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606  (Ctrl-C and the exit code are the command's own)
    except OSError as error:
        raise _no_service(f"there is no program '{command[0]}'") from error


def _no_service(why: str) -> ServiceError:
    return ServiceError(
        f"This machine does not run systemd ({why}), and so no service of it.",
        "Start fer-edge itself, with --listen 8650; then  fer-edge health --listen 8650  says how it is.",
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
