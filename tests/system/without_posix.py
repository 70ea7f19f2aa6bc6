"""Runs the program as on a system that lacks what only Unix has: ``python without_posix.py ARGUMENTS``, or ``-c CODE``."""

from __future__ import annotations

import builtins
import os
import select
import signal
import socket
import sys
from typing import Any

MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog", "posix")
OF_OS = """
    O_CLOEXEC O_DIRECTORY O_NDELAY O_NOCTTY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork fstatvfs getegid geteuid getgid
    getgroups getloadavg getpgid getpgrp getresuid getuid initgroups killpg lchown memfd_create mkfifo mknod nice openpty pipe2
    register_at_fork sched_getaffinity set_blocking setsid setuid statvfs sync uname
""".split()  # noqa: SIM905
OF_SELECT = ("poll", "epoll", "PIPE_BUF")
OF_SIGNAL = """
    SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 pthread_sigmask setitimer sigwait
""".split()  # noqa: SIM905


def take_away() -> None:
    """Remove it all from this process; what the standard library has bound already stays with it."""
    import subprocess  # noqa: F401  (Windows has one of its own)
    import tempfile  # noqa: F401

    real: Any = builtins.__import__

    def refuse(name: str, scope: Any = None, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in MODULES and _is_ours(scope or {}):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, scope, *rest, **more)

    builtins.__import__ = refuse
    for module, names in ((os, OF_OS), (select, OF_SELECT), (signal, OF_SIGNAL), (socket, ["AF_UNIX"])):
        hidden = {name: vars(module).pop(name) for name in names if name in vars(module)}

        def lend(name: str, hidden: Any = hidden, module: Any = module) -> Any:
            # The standard library and other packages are those of this system.
            if name in hidden and not _is_ours(sys._getframe(1).f_globals):
                return hidden[name]
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        vars(module)["__getattr__"] = lend


def _is_ours(scope: Any) -> bool:
    return str(scope.get("__name__", "")).partition(".")[0] == "fer_edge"


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    take_away()
    if sys.argv[1:2] == ["-c"]:
        exec(sys.argv[2])
    else:
        from fer_edge.__main__ import main

        sys.exit(main())
