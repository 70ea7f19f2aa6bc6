"""What the page of a recording and that of all of them have in common."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, Mapping, Sequence, Tuple
from urllib.parse import quote

from fer_edge.recordings.pages import drawing
from fer_edge.report import markup, meaning, wording
from fer_edge.report.looks import ORDER
from fer_edge.sinks.event_lines import as_cell
from fer_edge.sinks.jsonl import told

_HERE = Path(__file__).resolve().parent

_MANY = 40
"""Rows."""

_ESCAPE = re.compile(rb"\\\\|\\x([0-9a-f]{2})")
"""What `told` makes of a backslash, and of a byte that is no text."""


def whole(title: str, template: str, values: Mapping[str, str], script: str, data: str = "") -> bytes:
    """Return a page that loads nothing, and in which only its own script runs.

    Parameters
    ----------
    title : str
        Any text.
    template, script : str
        Names of files beside this module.
    values : mapping
        What its places are filled with: HTML.
    data : str
        JSON for the script, which cannot end its element.
    """
    style = markup.common_style() + _text("pages.css")
    own = _text(script)
    allowed = markup.policy(markup.hashed(own), markup.hashed(style), "data:")
    common = {
        "NOTICE": meaning.NOTICE,
        "ABOUT_EXPRESSIONS": meaning.EXPRESSIONS,
        "ABOUT_SHARE": meaning.SHARE,
        "ABOUT_VALENCE": meaning.VALENCE,
        "LEGEND": drawing.legend(),
        "PATTERNS": drawing.patterns(),
    }
    body = markup.filled(_text(template), {**common, **values})
    figures = f'<script type="application/json" id="figures">{data}</script>\n' if data else ""
    end = f"{figures}<script>{own}</script>\n</body>\n</html>\n"
    return (markup.head(title, style, allowed) + body + end).encode("utf-8")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def shown_name(name: str) -> str:
    """Return a name that results tell as HTML: whatever it is, it is text of one line."""
    return markup.escaped(plain_name(name))


def plain_name(name: str) -> str:
    r"""Return a name as text; bytes that are none are told as ``\xNN``."""
    if name.isprintable():
        return name
    try:
        return told(name)
    except UnicodeEncodeError:  # such as no system gives
        return name


def as_it_is_called(name: str) -> Path:
    r"""Return the path of a file of which results tell the name, where bytes that are no text stand as ``\xNN``."""
    if os.path.lexists(name) or "\\" not in name:
        return Path(name)
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else b"\\", name.encode("utf-8", "replace"))
    return Path(os.fsdecode(raw)) if os.path.lexists(raw) else Path(name)


def links_of(out: Path, page: str) -> Dict[str, str]:
    """Return the addresses of the pages of all recordings in a folder, by the names that ``summary.csv`` has for them."""
    found: Dict[str, str] = {}
    for folder, folders, files in os.walk(out):
        folders.sort()
        if page not in files or Path(folder) == out:
            continue
        name = Path(folder).relative_to(out).as_posix()
        address = quote(os.fsencode(f"{name}/{page}"))
        found.setdefault(told(name), address)
        # A table holds no line's end within a name.
        found.setdefault(as_cell({"name": told(name)}, "name"), address)
    return found


def link_back(folder: Path, out: Path, page: str) -> str:
    """Return the address of the page of all recordings from that of one."""
    return quote(os.fsencode(os.path.relpath(out / page, folder)))


def sized(table: str, rows: int) -> str:
    """Return a table with a bar of shares in each row: of many, paper has none, for each costs a printer some kilobytes."""
    return f'<div class="many">{table}</div>' if rows > _MANY else table


def expression_rows(seconds: Mapping[str, float], more: Mapping[str, Sequence[str]]) -> Sequence[Tuple[str, ...]]:
    """Return the rows of a table of expressions, with a bar in each; `more` are further cells of each label."""
    total = sum(seconds.values())
    rows = []
    for label in reversed(ORDER):
        share = seconds[label] / total if total > 0 else 0.0
        bar = (
            '<svg class="one" viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect class="{label}" width="{200 * share:.1f}" height="14"/></svg>'
        )
        both = f'<span class="both">{bar}<span>{wording.share(share, 1)}</span></span>'
        rows.append((drawing.key(label) + label, both, *more[label]))
    return rows
