"""How the program's log looks: for people, for the systemd journal, or as JSON for collectors."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from datetime import datetime, timezone
from typing import Any, Dict, Mapping

from fer_edge.capture.address import mask
from fer_edge.errors import FerEdgeError

logger = logging.getLogger("fer_edge")

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has; anything else was given as ``extra``."""

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Python's levels as syslog's, which systemd reads from the start of a line (sd-daemon(3))."""


class TextFormatter(logging.Formatter):
    """One line for people. In the systemd journal it begins with a priority, which the journal takes off again."""

    def __init__(self, journal: bool) -> None:
        super().__init__("fer-edge: %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without credentials."""
        text = mask(super().format(record))
        if not self._journal:
            return text
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in text.splitlines())


class JsonFormatter(logging.Formatter):
    """One JSON object per line: ``time`` (UTC), ``level``, ``message``, ``event`` for a change of state, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without credentials."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: Dict[str, Any] = {
            "time": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "message": mask(record.getMessage()),
        }
        for name, value in record.__dict__.items():
            if name not in _PLAIN:
                line[name] = _fit_for_json(value)
        if record.exc_info:
            line["traceback"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, allow_nan=False)


def _fit_for_json(value: Any) -> Any:
    """Take out credentials, however deep they stand, and numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Mapping):
        return {mask(str(name)): _fit_for_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_fit_for_json(inner) for inner in value]
    return mask(str(value))


def set_up_logging(level: str, form: str = "text") -> None:
    """Send the log to the standard error.

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


def log_the_end(error: FerEdgeError) -> None:
    """Say what ended the program: in the log when that is for machines, else as one message for people."""
    as_json = any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)
    if as_json:
        fields = {"event": "ended", "error": type(error).__name__, "exit_code": error.exit_code, "remedy": error.remedy}
        logger.error("%s", error.message, extra=fields)
    else:
        sys.stderr.write(mask(f"{'<3>' if _is_journal() else ''}fer-edge: error: {error}") + "\n")


def _is_journal() -> bool:
    """Tell whether the standard error goes to the systemd journal, as systemd.exec(5) says for ``$JOURNAL_STREAM``."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        error = os.fstat(2)
    except OSError:
        return False
    return (device, inode) == (str(error.st_dev), str(error.st_ino))
