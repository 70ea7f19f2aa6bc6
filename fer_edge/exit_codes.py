"""The exit codes of the program, by the errors that have them."""

from __future__ import annotations

from typing import Dict, Iterator, Type

from fer_edge.errors import FerEdgeError


def exit_codes() -> Dict[int, str]:
    """Return every exit code, in rising order, with the comma-separated names of the errors that use it."""
    names: Dict[int, str] = {}
    for error in _descendants(FerEdgeError):
        names[error.exit_code] = ", ".join(filter(None, [names.get(error.exit_code, ""), error.__name__]))
    return dict(sorted(names.items()))


def _descendants(error: Type[FerEdgeError]) -> Iterator[Type[FerEdgeError]]:
    yield error
    for child in error.__subclasses__():
        yield from _descendants(child)
