"""What the page of a recording and that of all of them have in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from fer_edge.recordings import page_drawing
from fer_edge.report import markup, meaning, wording
from fer_edge.report.looks import ORDER
from fer_edge.sinks.jsonl import told

_HERE = Path(__file__).resolve().parent

_MANY = 40
"""Rows."""


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
        "LEGEND": page_drawing.legend(),
        "PATTERNS": page_drawing.patterns(),
    }
    body = markup.filled(_text(template), {**common, **values})
    figures = f'<script type="application/json" id="figures">{data}</script>\n' if data else ""
    end = f"{figures}<script>{own}</script>\n</body>\n</html>\n"
    return (markup.head(title, style, allowed) + body + end).encode("utf-8")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def shown_name(name: str) -> str:
    """Return a name of a file as HTML: whatever it is, it is text of one line."""
    return markup.escaped(plain_name(name))


def plain_name(name: str) -> str:
    r"""Return a name of a file as text; bytes that are none are told as ``\xNN``."""
    try:
        return told(name)
    except UnicodeEncodeError:  # such as no system gives
        return name


def link_to(out: Path, name: str, page: str) -> Optional[str]:
    """Return the address of a recording's page from the page of all; None where there is no such page."""
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        return None
    try:
        there = (out / name / page).is_file()
        return quote(os.fsencode(f"{name}/{page}")) if there else None
    except (OSError, ValueError):  # too long, a null byte, no name of any file
        return None


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
        rows.append((page_drawing.key(label) + label, both, *more[label]))
    return rows
