"""The doctor's table, for people to read and to paste, and the same as JSON."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import asdict
from itertools import groupby, zip_longest
from typing import Any, Dict, List, Sequence

from fer_edge.doctor.finding import LEVELS, PROBLEM, WARNING, Finding, is_ready
from fer_edge.doctor.privacy import without_identity
from fer_edge.system.table import table_lines
from fer_edge.version import __version__

WIDTH = 100

_WIDTHS = (7, 15, 27, 43)
"""Letters for the level, the subject, the value and the meaning, which with gaps and margin make `WIDTH`."""

_COMMAND = re.compile(r"(?<=  )\S+(?: \S+)*")
_GLUE = "\0"


def to_text(findings: Sequence[Finding]) -> str:
    """Return the table, at most `WIDTH` columns wide, without names of users and without secrets."""
    lines = [f"fer-edge {__version__}: what this machine has, and what it means", ""]
    for topic, group in groupby(findings, key=lambda finding: finding.topic):
        lines.append(topic)
        for finding in group:
            lines += _row(finding)
        lines.append("")
    lines += textwrap.wrap(_summary(findings), WIDTH)
    return "\n".join(lines) + "\n"


def to_json(findings: Sequence[Finding]) -> str:
    """Return the same for programs: version, whether the main job can run, and every finding with its fields."""
    report: Dict[str, Any] = {
        "fer_edge": __version__,
        "ready": is_ready(findings),
        "findings": [
            {name: without_identity(value) for name, value in asdict(finding).items()} for finding in findings
        ],
    }
    return json.dumps(report, indent=2) + "\n"


def _row(finding: Finding) -> List[str]:
    level = finding.level.upper() if finding.level in (WARNING, PROBLEM) else finding.level
    cells = ([level], *map(_wrapped, (finding.subject, finding.value, finding.meaning), _WIDTHS[1:]))
    rows = list(zip_longest(*cells, fillvalue=""))
    return [f"  {line}".rstrip() for line in table_lines(rows, widths=_WIDTHS[:-1])]


def _wrapped(text: str, width: int) -> List[str]:
    # A finding may carry a library's message, with line breaks and control characters.
    plain = "".join(sign if sign.isprintable() else " " for sign in without_identity(text))
    # A command, which two spaces set apart, stays on one line where it fits, so that it can be copied.
    whole = _COMMAND.sub(lambda found: _kept_whole(found.group(), width), plain)
    lines = textwrap.wrap(whole, width, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines] or [""]


def _kept_whole(command: str, width: int) -> str:
    return command.replace(" ", _GLUE) if len(command) <= width else command


def _summary(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    tail = ", ".join(f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in LEVELS[:0:-1])
    verdict = (
        "The main job can run." if is_ready(findings) else "The main job cannot run: see the lines marked PROBLEM."
    )
    return f"{verdict}  {tail}"
