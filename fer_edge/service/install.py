"""Puts the systemd service in place, and takes it away: a list of steps, each of which is done only where it is needed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

from fer_edge.errors import ServiceError
from fer_edge.system.installation import pip_install

UNITS = ("fer-edge.service", "fer-edge@.service")
INSTANCES = "fer-edge@*.service"
"""The services of several cameras, as systemctl and a folder's glob know them."""

ACCOUNT = """\
# The account of the service; group video may open cameras.
u fer-edge - "fer-edge" /var/lib/fer-edge
m fer-edge video
"""
SHIPPED_PROGRAM = "/opt/fer-edge/bin/fer-edge"
"""What the units start as they are shipped; the path of the installed program takes its place."""

HIDDEN_FROM_SERVICE = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108  (nothing is written there)
"""Where the service's account cannot, or should not, run a program from."""

HERE = Path("/")
"""The root of the system that runs, whose systemd can be asked to do something now."""

_PLAIN = re.compile(r"/[A-Za-z0-9_./+@:=,~-]+")
"""Paths that mean the same to systemd and to a script's first line, without quotes."""

Run = Callable[[Sequence[str]], None]


@dataclass(frozen=True)
class Step:
    """Something to do.

    Attributes
    ----------
    what : str
        In words: ``write /etc/fer-edge/fer-edge.toml``.
    do : callable
        Does it.
    needed : bool
        False where it is done already.
    """

    what: str
    do: Callable[[], None]
    needed: bool = True


def shipped(name: str) -> str:
    """Give the text of a file of ``systemd/``, which lies in the package or, in a checkout, beside it."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "systemd", package.parent / "systemd"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise ServiceError(f"The file systemd/{name} is missing.", "Install fer-edge anew.")


def demand_system(root: Path) -> None:
    """Raise ServiceError where `root` is not the root of a system, such as a card that is not mounted."""
    if not (root / "etc").is_dir():
        raise ServiceError(
            f"There is no system in {root}: it has no folder 'etc'.",
            "Mount the board's file system, and give with --root the folder in which its etc lies.",
        )


def find_program(given: Optional[str], root: Path) -> str:
    """Give the absolute path of the ``fer-edge`` that the service shall start.

    Another system's program is taken as it is given: its links may lead elsewhere from here.

    Raises
    ------
    ServiceError
        There is none, or the service's account could not run it.
    """
    if root != HERE:
        program = given or SHIPPED_PROGRAM
    else:
        program = os.path.abspath(given or os.path.join(os.path.dirname(sys.executable), "fer-edge"))
    if not _PLAIN.fullmatch(program):
        raise ServiceError(
            f"systemd cannot start '{program}': its path must begin with / and hold no spaces, quotes, % or the like.",
            "Install fer-edge under a plain name, such as /opt/fer-edge.",
        )
    if root != HERE:
        return program
    real = os.path.realpath(program)
    if not os.access(real, os.X_OK) or not os.path.isfile(real):
        raise ServiceError(f"There is no program {program}.", "Name it with --program; `which fer-edge` may know it.")
    interpreters = _interpreters(real)
    for place in (program, real, *interpreters, *map(os.path.realpath, interpreters)):
        if any(place.startswith(folder + "/") for folder in HIDDEN_FROM_SERVICE):
            raise ServiceError(
                f"The service runs as the user fer-edge, who cannot run {place}.",
                "Install into a place for everybody:  sudo python3 -m venv /opt/fer-edge && "
                + pip_install("headless", "sudo /opt/fer-edge/bin/pip"),
            )
    return program


def install_steps(program: str, root: Path, start: bool, run: Run) -> List[Step]:
    """Give what installs the service.

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
    """
    here = root == HERE
    units = {f"etc/systemd/system/{unit}": shipped(unit).replace(SHIPPED_PROGRAM, program) for unit in UNITS}
    steps = [_write(root, "usr/lib/sysusers.d/fer-edge.conf", ACCOUNT, keep=False)]
    sysusers = ["systemd-sysusers"] + ([] if here else [f"--root={root}"]) + ["fer-edge.conf"]
    steps.append(Step("create the user fer-edge, in the group video", lambda: run(sysusers), not _has_account(root)))
    steps += [_write(root, name, text, keep=False) for name, text in units.items()]
    steps.append(_write(root, "etc/fer-edge/fer-edge.toml", shipped("fer-edge.toml"), keep=True))
    steps.append(_write(root, "etc/fer-edge/fer-edge.env", shipped("fer-edge.env"), keep=True, mode=0o600))
    changed = any(step.needed for step in steps)
    if here:
        steps.append(Step("systemctl daemon-reload", lambda: run(["systemctl", "daemon-reload"]), changed))
    if start:
        link = root / "etc/systemd/system/multi-user.target.wants/fer-edge.service"
        enable = ["systemctl"] + ([] if here else [f"--root={root}"]) + ["enable", "fer-edge.service"]
        steps.append(Step(" ".join(enable), lambda: run(enable), not link.is_symlink()))
        if here:
            begin = ["systemctl", "--no-block", "restart" if changed else "start", "fer-edge.service"]
            steps.append(Step(" ".join(begin), lambda: run(begin), changed or not _is_active()))
            more = ["systemctl", "--no-block", "try-restart", INSTANCES]
            steps.append(Step(" ".join(more), lambda: run(more), changed))
    return steps


def uninstall_steps(root: Path, purge: bool, run: Run) -> List[Step]:
    """Give what takes the service away; its settings, its account and what it wrote stay, unless `purge`."""
    here = root == HERE
    steps: List[Step] = []
    folder = root / "etc/systemd/system"
    links = sorted(folder.glob(f"*.wants/{INSTANCES}"))
    installed = any((folder / unit).exists() for unit in UNITS)
    if here:
        stop = ["systemctl", "stop", "fer-edge.service", INSTANCES]
        steps.append(Step(" ".join(stop), lambda: run(stop), installed))
    disable = ["systemctl"] + ([] if here else [f"--root={root}"]) + ["disable", "fer-edge.service"]
    steps.append(Step(" ".join(disable), lambda: run(disable), installed))
    steps += [_remove(path) for path in (*links, *(folder / unit for unit in UNITS))]
    steps.append(_remove(root / "usr/lib/sysusers.d/fer-edge.conf"))
    if here:
        reload = ["systemctl", "daemon-reload"]
        steps.append(Step(" ".join(reload), lambda: run(reload), installed or bool(links)))
    if purge:
        steps += [_remove(root / name) for name in ("etc/fer-edge", "var/lib/fer-edge", "var/cache/fer-edge")]
        if here:
            steps.append(Step("userdel fer-edge", lambda: run(["userdel", "fer-edge"]), _has_account(root)))
    return steps


def carry_out(steps: Sequence[Step], dry_run: bool, say: Callable[[str], None]) -> int:
    """Do the steps that are needed, and say so; give their number.

    Raises
    ------
    ServiceError
        One of them failed; those before it are done, and doing all again is safe.
    """
    count = 0
    for step in steps:
        if not step.needed:
            say(f"as it should be: {step.what}")
            continue
        count += 1
        say(f"{'would ' if dry_run else ''}{step.what}")
        if not dry_run:
            try:
                step.do()
            except OSError as error:
                remedy = "Run it as root:  sudo " + " ".join(sys.argv) if os.geteuid() else "Check the disk."
                raise ServiceError(f"Could not {step.what}: {error.strerror or error}.", remedy) from error
    return count


def run_command(command: Sequence[str]) -> None:
    """Run a command that takes seconds at most. Raises ServiceError with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise ServiceError(f"There is no program '{command[0]}'.", "This machine does not run systemd.") from error
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"'{' '.join(command)}' did not end within 60 s.", "Try it by hand.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        remedy = "Run it as root, with sudo." if os.geteuid() else "Try the command by hand."
        raise ServiceError(f"'{' '.join(command)}' failed: {said}", remedy)


def _write(root: Path, name: str, text: str, keep: bool, mode: int = 0o644) -> Step:
    """Give the step that writes a file; where `keep`, one that is there is somebody's work and stays."""
    path = root / name

    def do() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(new, path)

    try:
        there = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Step(f"write {path}", do)
    except (OSError, UnicodeDecodeError):
        return Step(f"write {path}", do, needed=not keep)
    if keep and there != text:
        return Step(f"keep {path}, which was changed here", do, needed=False)
    return Step(f"write {path}", do, needed=there != text)


def _remove(path: Path) -> Step:
    def do() -> None:
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()

    return Step(f"remove {path}", do, needed=path.exists() or path.is_symlink())


def _interpreters(script: str) -> List[str]:
    """Give the programs that run a script, as its first lines name them; none for what is no script."""
    try:
        with open(script, "rb") as file:
            text = os.fsdecode(file.read(4096))
    except OSError:
        return []
    # The second is what pip writes where the first would be too long for the kernel.
    found = (re.match(r"#! *(\S+)", text), re.search(r"^'''exec' (\S+) ", text, re.MULTILINE))
    return [match.group(1).strip('"') for match in found if match]


def _has_account(root: Path) -> bool:
    def members(name: str, field: int) -> Dict[str, str]:
        try:
            lines = (root / "etc" / name).read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
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
