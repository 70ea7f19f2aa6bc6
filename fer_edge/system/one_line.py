"""Text of strangers in one line that controls no terminal."""

from __future__ import annotations


def one_line(text: str) -> str:
    r"""Write what is no printable character as Python does in a literal: an escape as ``\x1b``, a line's end as ``\n``.

    That holds for everything that moves a cursor, colours, begins a line, or turns the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _written_out(letter) for letter in text)


def _written_out(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
