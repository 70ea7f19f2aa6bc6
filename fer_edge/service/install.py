"""Puts the systemd service in place, and takes it away: a list of steps, each of which is done only where it is needed."""

from __future__ import annotations

import os
import stat
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType
from typing import Dict, List, Mapping, Sequence

from fer_edge.errors import ServiceError
from fer_edge.service.program import HERE, SHIPPED_PROGRAM
from fer_edge.service.steps import Run, Step
from fer_edge.service.system_root import SystemRoot
from fer_edge.service.variables import with_variables
from fer_edge.system.installation import packaged

UNITS = ("fer-edge.service", "fer-edge@.service")
INSTANCES = "fer-edge@*.service"
"""The services of several cameras, as systemctl and a folder's glob know them."""

ACCOUNT = """\
# The account of the service; group video may open cameras.
u fer-edge - "fer-edge" /var/lib/fer-edge
m fer-edge video
"""
SECRETS = "etc/fer-edge/fer-edge.env"
"""The file of variables, which only root can read."""

UNIT_FOLDER, SYSUSERS = "etc/systemd/system", "usr/lib/sysusers.d/fer-edge.conf"

ACCOUNT_FILES = (
    *(f"etc/{name}" for name in ("passwd", "group", "shadow", "gshadow", ".pwd.lock")),
    *(f"{folder}/sysusers.d/fer-edge.conf" for folder in ("etc", "run", "usr/local/lib", "usr/lib", "lib")),
)
"""What systemd-sysusers reads and writes."""


def shipped(name: str) -> str:
    """Return the text of a file of ``systemd/``, which lies in the package or, in a checkout, beside it."""
    path = packaged(f"systemd/{name}")
    if path is None:
        raise ServiceError(f"The file systemd/{name} is missing.", "Install fer-edge anew.")
    return path.read_text(encoding="utf-8")


def demand_system(root: Path) -> None:
    """Raise ServiceError where `root` is not the root of a system, such as a card that is not mounted, or somebody else's."""
    try:
        folders = [folder.stat() for folder in (root, root / "etc")]
    except OSError:
        folders = []
    if not all(stat.S_ISDIR(folder.st_mode) for folder in folders) or not folders:
        raise ServiceError(
            f"There is no system in {root}: it has no folder 'etc'.",
            "Mount the board's file system, and give with --root the folder in which its etc lies.",
        )
    for folder in folders:
        if folder.st_uid not in (0, os.geteuid()) or folder.st_mode & 0o002:
            raise ServiceError(
                f"The system in {root} can be changed by others (user {folder.st_uid}, mode {folder.st_mode & 0o7777:04o}) "
                "while it is worked on.",
                f"Where that is right, take it over first:  sudo chown root:root {root} {root}/etc && "
                f"sudo chmod o-w {root} {root}/etc",
            )


def install_steps(
    program: str, root: Path, start: bool, run: Run, variables: Mapping[str, str] = MappingProxyType({})
) -> List[Step]:
    """Return what installs the service.

    Parameters
    ----------
    program : str
        What the service starts.
    root : Path
        ``/``, or where the file system of a board is mounted.
    start : bool
        Whether it shall run now, and at each boot.
    run : callable
        Runs a command.
    variables : mapping of str to str, optional
        Set in the file of variables, where all else stays.
    """
    here, system = root == HERE, SystemRoot(root)
    units = {f"{UNIT_FOLDER}/{unit}": shipped(unit).replace(SHIPPED_PROGRAM, program) for unit in UNITS}
    has_account = _has_account(system)
    if not here and not has_account:
        _demand_plain(system, ACCOUNT_FILES, "systemd-sysusers")
    steps = [_write(system, SYSUSERS, ACCOUNT, keep=False)]
    sysusers = ["systemd-sysusers"] + ([] if here else [f"--root={root}"]) + ["fer-edge.conf"]
    steps.append(Step("create the user fer-edge, in the group video", lambda: run(sysusers), not has_account))
    steps += [_write(system, name, text, keep=False) for name, text in units.items()]
    steps.append(_write(system, "etc/fer-edge/fer-edge.toml", shipped("fer-edge.toml"), keep=True))
    steps.append(_write(system, SECRETS, shipped("fer-edge.env"), keep=True, mode=0o600))
    if variables:
        steps.append(_set(system, variables))
    changed = any(step.needed for step in steps)
    if here:
        steps.append(Step("systemctl daemon-reload", lambda: run(["systemctl", "daemon-reload"]), changed))
    if start:
        link = f"{UNIT_FOLDER}/multi-user.target.wants/fer-edge.service"
        if here:
            enable = ["systemctl", "enable", "fer-edge.service"]
            steps.append(Step(" ".join(enable), lambda: run(enable), not system.has(link)))
            begin = ["systemctl", "--no-block", "restart" if changed else "start", "fer-edge.service"]
            steps.append(Step(" ".join(begin), lambda: run(begin), changed or not _is_active()))
            more = ["systemctl", "--no-block", "try-restart", INSTANCES]
            steps.append(Step(" ".join(more), lambda: run(more), changed))
        else:
            # Not by systemctl --root, which would follow links to this machine's own units.
            what = f"enable fer-edge.service at each boot, by {root / link}"
            steps.append(
                Step(what, lambda: system.link(link, f"/{UNIT_FOLDER}/fer-edge.service"), not system.has(link))
            )
    return steps


def uninstall_steps(root: Path, purge: bool, run: Run) -> List[Step]:
    """Return what takes the service away; its settings, its account and what it wrote stay, unless `purge`."""
    here, system = root == HERE, SystemRoot(root)
    steps: List[Step] = []
    links = _wanted_by(system, with_the_first=not here)
    installed = any(system.has(f"{UNIT_FOLDER}/{unit}") for unit in UNITS)
    if here:
        stop = ["systemctl", "stop", "fer-edge.service", INSTANCES]
        steps.append(Step(" ".join(stop), lambda: run(stop), installed))
        disable = ["systemctl", "disable", "fer-edge.service"]
        steps.append(Step(" ".join(disable), lambda: run(disable), installed))
    steps += [_remove(system, name) for name in (*links, *(f"{UNIT_FOLDER}/{unit}" for unit in UNITS), SYSUSERS)]
    if here:
        reload = ["systemctl", "daemon-reload"]
        steps.append(Step(" ".join(reload), lambda: run(reload), installed or bool(links)))
    if purge:
        steps += [_remove(system, name) for name in ("etc/fer-edge", "var/lib/fer-edge", "var/cache/fer-edge")]
        if here:
            steps.append(Step("userdel fer-edge", lambda: run(["userdel", "fer-edge"]), _has_account(system)))
    return steps


def _write(system: SystemRoot, name: str, text: str, keep: bool, mode: int = 0o644) -> Step:
    """Return the step that writes a file; where `keep`, one that is there is somebody's work and stays."""
    path = system.path / name

    def do() -> None:
        system.write(name, text, mode)

    def hide() -> None:
        system.chmod(name, mode)

    try:
        there = system.read(name)
    except OSError as error:
        if not keep:
            return Step(f"write {path}", do)
        if isinstance(error, PermissionError):
            return Step(f"keep {path}, which only root can read", do, needed=False)
        raise ServiceError(
            f"{path} is in the way: {error.strerror or error}.",
            "Remove it, or mount the disk that it leads to; `service install` writes it anew where nothing is.",
        ) from error
    if not keep:
        return Step(f"write {path}", do, needed=there is None or there.data != text.encode())
    if there is not None and mode & 0o007 == 0 and there.file.st_mode & 0o007:
        return Step(f"keep others from reading {path}", hide)
    if there is not None and there.data != text.encode():
        return Step(f"keep {path}, which was changed here", do, needed=False)
    return Step(f"write {path}", do, needed=there is None)


def _set(system: SystemRoot, variables: Mapping[str, str]) -> Step:
    """Return the step that sets variables in the file of the service."""

    def text() -> str:
        there = system.read(SECRETS)
        return shipped("fer-edge.env") if there is None else there.data.decode("utf-8", "surrogateescape")

    what = f"set {', '.join(variables)} in {system.path / SECRETS}"
    try:
        needed = with_variables(text(), variables) != text()
    except OSError:  # only root can read it, or the step before says what is wrong
        needed = True
    return Step(what, lambda: system.write(SECRETS, with_variables(text(), variables), 0o600), needed)


def _remove(system: SystemRoot, name: str) -> Step:
    return Step(f"remove {system.path / name}", lambda: system.remove(name), needed=system.has(name))


def _wanted_by(system: SystemRoot, with_the_first: bool) -> List[str]:
    """Return the links by which cameras' services start at boot; those of systemctl's own doing only `with_the_first`."""
    return [
        f"{UNIT_FOLDER}/{folder}/{link}"
        for folder in system.names(UNIT_FOLDER)
        if folder.endswith(".wants")
        for link in system.names(f"{UNIT_FOLDER}/{folder}")
        if fnmatch(link, INSTANCES) or (with_the_first and link == "fer-edge.service")
    ]


def _demand_plain(system: SystemRoot, names: Sequence[str], program: str) -> None:
    """Refuse what would lead a program that knows links only from ``/`` to this machine's own files."""
    for name in names:
        if not system.is_plain(name):
            raise ServiceError(
                f"{system.path / name} leads out of {system.path} by a link, and {program} would change what is there.",
                "Make it a relative link, or install on the board itself.",
            )


def _has_account(system: SystemRoot) -> bool:
    def members(name: str, field: int) -> Dict[str, str]:
        try:
            there = system.read(f"etc/{name}")
        except OSError:
            return {}
        lines = there.data.decode("utf-8", "replace").splitlines() if there is not None else []
        entries = [line.split(":") for line in lines if line.count(":") >= field]
        return {entry[0]: entry[field] for entry in entries}

    return "fer-edge" in members("passwd", 2) and "fer-edge" in members("group", 3).get("video", "").split(",")


def _is_active() -> bool:
    try:
        state = subprocess.run(
            ["systemctl", "is-active", "fer-edge.service"],  # noqa: S607  (root's own PATH finds it)
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return False
    return state in ("active", "activating", "reloading")
