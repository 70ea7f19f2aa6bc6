"""Which program the service starts, and whether its account can run it there."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import List, Optional

from fer_edge.errors import ServiceError
from fer_edge.service.system_root import SystemRoot
from fer_edge.system.installation import pip_install

SHIPPED_PROGRAM = "/opt/fer-edge/bin/fer-edge"
"""What the units start as they are shipped; the path of the installed program takes its place."""

HIDDEN_FROM_SERVICE = ("/home", "/root", "/run/user")
"""What ProtectHome= keeps from the service: it cannot run a program from there."""

SHORT_LIVED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  (nothing is written there)
"""Where the service could run a program, until it is tidied away."""

HERE = Path("/")
"""The root of the system that runs, whose systemd can be asked to do something now."""

_PLAIN = re.compile(r"/[A-Za-z0-9_./+@:=,~-]+")
"""Paths that mean the same to systemd and to a script's first line, without quotes."""


def find_program(given: Optional[str], root: Path) -> str:
    """Return the absolute path of the ``fer-edge`` that the service shall start.

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
        for folders, why in (
            (HIDDEN_FROM_SERVICE, "home folders are hidden from it (ProtectHome= in its unit), so it cannot run"),
            (SHORT_LIVED, "what lies there is removed at boot or after some days, so it would not find"),
        ):
            if not any(place.startswith(folder + "/") for folder in folders):
                continue
            raise ServiceError(
                f"The service cannot rely on {place}: {why} its program.",
                "Install into a place for everybody:  sudo python3 -m venv /opt/fer-edge && "
                + pip_install("headless", "sudo /opt/fer-edge/bin/pip"),
            )
    return program


def missing_program(program: str, root: Path) -> str:
    """Return that another system has no such program yet, and what to do; empty where it has one, and for this system.

    It may be there once the system runs: a card is prepared in any order, and the program may lie on another disk.
    """
    if root == HERE or SystemRoot(root).has(program.lstrip("/")):
        return ""
    return (
        f"Note: there is no {program} in {root} yet, and the service will not start without it. Install fer-edge there before "
        "the board starts, or on the board itself (docs/service.md, docs/jetson.md); --program names another place."
    )


def _interpreters(script: str) -> List[str]:
    """Return the programs that run a script, as its first lines name them; none for what is no script."""
    try:
        with open(script, "rb") as file:
            text = os.fsdecode(file.read(4096))
    except OSError:
        return []
    # The second is what pip writes where the first would be too long for the kernel.
    found = (re.match(r"#! *(\S+)", text), re.search(r"^'''exec' (\S+) ", text, re.MULTILINE))
    return [match.group(1).strip('"') for match in found if match]
