"""Starts one of our modules in an interpreter of its own, which runs no file of the working folder."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

# ``python -m`` and ``-c`` put the working folder first on the path, so that a json.py that somebody left among the results
# would be run. -P, which prevents that, came with Python 3.11; older ones import nothing until the path is set, since sys is
# built in. 3.13 imports linecache for the sake of -c.
_START = (
    "import sys; count = int(sys.argv[1]); sys.path[:] = sys.argv[2:2 + count]; module = sys.argv[2 + count]; "
    "del sys.argv[1:3 + count]; import runpy; runpy.run_module(module, run_name='__main__', alter_sys=True)"
)

_HOME = str(Path(__file__).resolve().parents[2])
"""The folder that the package lies in."""


@dataclass(frozen=True)
class PythonChild:
    """How to start it.

    Attributes
    ----------
    command : tuple of str
        The interpreter and its arguments.
    changes : dict of str to str
        Variables in which its environment differs from this process's.
    """

    command: Tuple[str, ...]
    changes: Dict[str, str]

    @property
    def environment(self) -> Dict[str, str]:
        """Its whole environment, with the variables that this process has now."""
        return {**os.environ, **self.changes}


def python_child(module: str, *arguments: str) -> PythonChild:
    """Return how to run a module of ours as ``python -m`` would, without the working folder on its path.

    The child gets the path of this process as it is now, so that it finds the same packages, the user's own and those of an
    editable installation among them; and PYTHONPATH without entries that are relative, for they mean the working folder.

    Parameters
    ----------
    module : str
        Its full name; for a package, ``__main__`` in it is run.
    arguments : str
        What the module finds in ``sys.argv[1:]``.

    Returns
    -------
    PythonChild
        Command and environment.
    """
    path = safe_path()
    given = (
        ("-P", sys.version_info >= (3, 11)),
        ("-E", sys.flags.ignore_environment),
        ("-s", sys.flags.no_user_site),
    )
    switches = [switch for switch, on in given if on]
    command = (sys.executable, *switches, "-c", _START, str(len(path)), *path, module, *arguments)
    return PythonChild(command, {"PYTHONPATH": os.pathsep.join(_absolute_of_the_user())})


def end_with_parent() -> None:
    """In a child whose standard input is a pipe of the parent: end the process when that closes, because the parent is gone."""

    def wait() -> None:
        # Not through sys.stdin, whose lock would be held when the interpreter ends.
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def safe_path() -> List[str]:
    """Return the path of this process without the working folder, unless the package lies there or the user names it."""
    named = _absolute_of_the_user()
    here = _working_folder()
    path: List[str] = []
    for entry in sys.path:
        place = os.path.realpath(entry) if os.path.isabs(entry) else os.path.normpath(os.path.join(here, entry))
        if place == _HOME:
            path.append(_HOME)
        elif os.path.isabs(entry) and (place != here or entry in named):
            path.append(entry)
    return path if _HOME in path else [*path, _HOME]


def _absolute_of_the_user() -> List[str]:
    if sys.flags.ignore_environment:
        return []
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(entry)]


def _working_folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was removed
        return ""
