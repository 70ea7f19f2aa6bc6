"""Writes ONNX files field by field, also those that no exporter would write."""

from __future__ import annotations

from typing import Sequence

FLOAT, UINT8, STRING, BOOL = 1, 2, 8, 9


def number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    value &= (1 << 64) - 1
    written = b""
    while value > 0x7F:
        written += bytes([value & 0x7F | 0x80])
        value >>= 7
    return written + bytes([value])


def field(index: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return number(index << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(index << 3 | 2) + number(len(content)) + content


def tensor(name: str, kind: int, dims: Sequence[int], more: bytes = b"") -> bytes:
    return b"".join(field(1, size) for size in dims) + field(2, kind) + field(8, name) + more


def raw(data: bytes) -> bytes:
    return field(9, data)


def outside(location: str) -> bytes:
    """What makes a tensor one whose data lie in another file."""
    entries = {"location": location, "offset": "0", "length": "64"}
    return b"".join(field(13, field(1, key) + field(2, value)) for key, value in entries.items()) + field(14, 1)


def node(operator: str, takes: Sequence[str], gives: Sequence[str], *attributes: bytes) -> bytes:
    ends = b"".join(field(1, name) for name in takes) + b"".join(field(2, name) for name in gives)
    return ends + field(4, operator) + b"".join(field(5, attribute) for attribute in attributes)


def attribute(name: str, index: int, value: bytes | int, kind: int) -> bytes:
    return field(1, name) + field(index, value) + field(20, kind)


def value(name: str, kind: int, dims: Sequence[int | str]) -> bytes:
    """Describe an input or output; a name stands for a size that is left open."""
    shape = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def graph(
    nodes: Sequence[bytes],
    tensors: Sequence[bytes] = (),
    takes: Sequence[bytes] = (),
    gives: Sequence[bytes] = (),
    more: bytes = b"",
) -> bytes:
    parts = [field(1, one) for one in nodes] + [field(2, "g")] + [field(5, one) for one in tensors]
    return b"".join(parts + [field(11, one) for one in takes] + [field(12, one) for one in gives]) + more


def model(graph: bytes, more: bytes = b"", metadata: dict[str, str] | None = None) -> bytes:
    """Write a whole file for opset 13 and IR version 7."""
    said = b"".join(field(14, field(1, key) + field(2, text)) for key, text in (metadata or {}).items())
    return field(1, 7) + field(7, graph) + field(8, field(1, "") + field(2, 13)) + said + more
