"""What pages of HTML have in common: text that is nothing but text, tables, templates, and a policy that lets nothing in."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from fer_edge.system.one_line import one_line

_STYLE = Path(__file__).resolve().with_name("page.css")


def common_style() -> str:
    """Return the CSS of all pages, whose colours are properties that a page may set anew."""
    return _STYLE.read_text(encoding="utf-8")


def escaped(text: str) -> str:
    """Return a text of anybody for a page."""
    return html.escape(one_line(text), quote=True)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], name: str = "", tall: bool = False) -> str:
    """Return a table whose first column tells what each row is; head and cells are HTML."""
    columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row" class="name">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>\n"
        for row in rows
    )
    mark = f' id="{name}"' if name else ""
    # A part that scrolls is to be reached by the keyboard, and then needs a name.
    label = html.escape(caption, quote=True)
    return (
        f'<div class="scroll{" tall" if tall else ""}" tabindex="0" role="region" aria-label="{label}">\n'
        f"<table{mark}><caption>{html.escape(caption)}</caption>\n"
        f"<thead><tr>{columns}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )


def folded(title: str, content: str) -> str:
    """Return what is shown when somebody asks for it."""
    return f"<details><summary>{html.escape(title)}</summary>\n{content}</details>\n"


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its places, as ``@@TITLE@@``, filled in one pass: no name that looks like a place is filled."""
    pieces = template.split("@@")
    return "".join(values[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def for_script(data: Any) -> str:
    """Return JSON in which no name can end the script that holds it, or begin a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def hashed(*pieces: str) -> str:
    """Return what a content security policy calls scripts and styles that stand in the page, by their content."""
    return " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(piece.encode()).digest()).decode() + "'" for piece in pieces
    )


def policy(scripts: str, styles: str, images: str) -> str:
    """Return a content security policy under which a page loads nothing, sends nothing, and runs only what is named."""
    own = f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src {images}"
    return f"{own}; base-uri 'none'; form-action 'none'"


def head(title: str, style: str, allowed: str) -> str:
    """Return a page up to its body.

    Parameters
    ----------
    title : str
        Any text.
    style : str
        CSS, which stands between two tags without a blank around it: a policy may name it by its hash.
    allowed : str
        As `policy` gives it.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n"
    )
