"""What a run and a worker process say to each other over two pipes: pickled values, each behind its length.

Both ends are this program, in the same version, and nobody else holds the pipes.
"""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any, Iterator, List

_LENGTH = struct.Struct("<Q")
_PIECE = 1 << 16

READY, TOLD, DONE, FAILED = "ready", "told", "done", "failed"

ALIVE, LOST, FATAL = "alive", "lost", "fatal"
"""Of the process between a run and a cluster: it is there; who had a job is gone; nothing more can be done."""


def packed(value: Any) -> bytes:
    """Return a value as it is sent."""
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


class Unpacker:
    """Puts values together of the pieces in which a pipe gives them.

    Examples
    --------
    >>> unpacker = Unpacker()
    >>> sent = packed(("told", 12)) + packed("done")
    >>> unpacker.feed(sent[:10]), unpacker.feed(sent[10:])
    ([], [('told', 12), 'done'])
    """

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> List[Any]:
        """Take a piece, and return the values that are whole with it."""
        self._held += piece
        values = []
        while len(self._held) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held)
            end = _LENGTH.size + length
            if len(self._held) < end:
                break
            values.append(pickle.loads(bytes(self._held[_LENGTH.size : end])))  # noqa: S301  (our own process)
            del self._held[:end]
        return values


def own_output() -> int:
    """Return the standard output for messages alone: whatever a library prints goes to the standard error from here on."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


def send(output: int, value: Any) -> bool:
    """Send a value, and return whether somebody is there to read it. Raises OSError."""
    view = memoryview(packed(value))
    try:
        while view:
            view = view[os.write(output, view) :]
    except BrokenPipeError:
        return False
    return True


def received(source: int) -> Iterator[Any]:
    """Yield the values that come from a pipe until its other end is closed, or its process gone, however that ended."""
    unpacker = Unpacker()
    while True:
        piece = os.read(source, _PIECE)
        if not piece:
            return
        yield from unpacker.feed(piece)
