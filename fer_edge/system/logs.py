"""How the program's log looks: for people, for the systemd journal, or as JSON for collectors."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import threading
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Dict, Mapping, Optional, Type

from fer_edge.errors import FerEdgeError
from fer_edge.system.library_lines import take_from_libraries
from fer_edge.system.masking import mask
from fer_edge.system.one_line import one_line
from fer_edge.system.standard_error import standard_error

logger = logging.getLogger("fer_edge")

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has; anything else was given as ``extra``."""

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Python's levels as syslog's, which systemd reads from the start of a line (sd-daemon(3))."""


class TextFormatter(logging.Formatter):
    """One line for people. In the systemd journal it begins with a priority, which the journal takes off again."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without credentials and control characters; those of a traceback follow it, indented."""
        lines = [f"fer-edge: {_clean(record.getMessage())}"]
        if record.exc_info:
            lines += ["  " + _clean(line) for line in self.formatException(record.exc_info).split("\n")]
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>" if self._journal else ""
        return "\n".join(priority + line for line in lines)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: ``time`` (UTC), ``level``, ``message``, ``event`` for a change of state, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without credentials and control characters."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: Dict[str, Any] = {
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "message": _clean(record.getMessage()),
        }
        for name, value in record.__dict__.items():
            if name not in _PLAIN:
                line[name] = _fit_for_json(value)
        if record.exc_info:
            line["traceback"] = "\n".join(map(_clean, self.formatException(record.exc_info).split("\n")))
        return json.dumps(line, allow_nan=False)


def _fit_for_json(value: Any) -> Any:
    """Return a value without credentials, control characters and numbers that JSON does not have, however deep they stand."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Mapping):
        return {_clean(str(name)): _fit_for_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_fit_for_json(inner) for inner in value]
    return _clean(str(value))


def _clean(text: str) -> str:
    """Return a text without credentials and control characters; these first, as a line's end would part a password in two."""
    return mask(one_line(text))


def set_up_logging(level: str, form: str = "text") -> None:
    """Send the log to the standard error; in the program, also what Python and libraries would write there by themselves.

    Parameters
    ----------
    level : str
        ``debug``, ``info``, ``warning`` or ``error``.
    form : str
        ``text`` or ``json``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(_is_journal()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if standard_error() is not None:
        logging.captureWarnings(True)
        sys.excepthook = _log_exception
        threading.excepthook = lambda failed: _log_exception(failed.exc_type, failed.exc_value, failed.exc_traceback)
        sys.unraisablehook = lambda failed: _log_exception(failed.exc_type, failed.exc_value, failed.exc_traceback)
        take_from_libraries()


def _log_exception(
    kind: Type[BaseException], error: Optional[BaseException], traceback: Optional[TracebackType]
) -> None:
    if issubclass(kind, SystemExit):  # a thread may end so
        return
    fields = {"event": "failed", "error": kind.__name__}
    shown = error.with_traceback(traceback) if error is not None else None
    logger.critical("nobody expected this: %s: %s", kind.__name__, error, exc_info=shown, extra=fields)


def log_the_end(error: FerEdgeError) -> None:
    """Tell what ended the program: in the log when that is for machines, else as one message for people."""
    as_json = any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)
    if as_json:
        fields = {"event": "ended", "error": type(error).__name__, "exit_code": error.exit_code, "remedy": error.remedy}
        logger.error("%s", error.message, extra=fields)
    else:
        lines = [f"fer-edge: error: {_clean(error.message)}"]
        lines += ["  " + _clean(line) for line in error.remedy.split("\n") if line]
        sys.stderr.write("".join(f"{'<3>' if _is_journal() else ''}{line}\n" for line in lines))


def _is_journal() -> bool:
    """Return whether the standard error goes to the systemd journal, as systemd.exec(5) says for ``$JOURNAL_STREAM``."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        error = os.fstat(sys.stderr.fileno())
    except (OSError, AttributeError):
        return False
    return (device, inode) == (str(error.st_dev), str(error.st_ino))
