"""Steps that change a system, each of which is done only where it is needed, and the commands that some of them run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Callable, Sequence

from fer_edge.errors import ServiceError

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


def carry_out(steps: Sequence[Step], dry_run: bool, say: Callable[[str], None]) -> int:
    """Do the steps that are needed, and name each; return their number.

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
        raise ServiceError(
            f"There is no program '{command[0]}': this machine does not run systemd.",
            "--root installs into the mounted file system of another machine.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"'{' '.join(command)}' did not end within 60 s.", "Try it by hand.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        remedy = "Run it as root, with sudo." if os.geteuid() else "Try the command by hand."
        raise ServiceError(f"'{' '.join(command)}' failed: {said}", remedy)
