"""Reads ONNX files, and refuses what a file must not do to the machine before a library that trusts it sees it.

A file can name other files that its weights are to be read from: ONNX Runtime up to 1.23 follows any path, ``/etc/passwd``
included. It can carry a compiled engine, which is code. It can loop for ever. And a few megabytes of description cost
ONNX Runtime many times their size, and minutes. So the file is walked here once, as the protocol buffer that it is
(https://protobuf.dev/programming-guides/encoding, and ``onnx.proto`` for the numbers of the fields).
"""

from __future__ import annotations

import errno
import os
from typing import Dict, List, Optional, Tuple, Union

from fer_edge.errors import ModelCorrupt, ModelNotFound
from fer_edge.system.regular_file import read_regular

MOST_BYTES = 256 << 20
"""Of a file. The largest network of docs/table1.md takes 176 MB, the shipped ones 12 MB."""

MOST_DESCRIPTION = 4 << 20
"""Bytes of everything but weights; the shipped networks have 39 KB at most."""

MOST_METADATA = 1 << 20
"""Bytes of ``metadata_props``; ONNX Runtime takes up to 26 times as much memory. Ours have 1 KB."""

MOST_PARTS = 5_000
"""Nodes and tensors. ONNX Runtime takes minutes for 40,000; the shipped networks have 395 at most, the deepest of
docs/table1.md some 1,500."""

MOST_RECORDS = 100_000
"""Fields of the description, of which each is looked at; the shipped networks have 6,000 at most."""

_DEEPEST = 64  # messages in messages; ours have 6, and ONNX Runtime itself refuses more than 100

# For each kind of message: the fields that are messages to look into, by number.
_GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _TRAINING, _MODEL = range(6)
_INSIDE: Dict[int, Dict[int, int]] = {
    _MODEL: {7: _GRAPH, 20: _TRAINING},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
    _GRAPH: {1: _NODE, 5: _TENSOR},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH},
    _TENSOR: {},
}
_METADATA = (_MODEL, 14)
_FUNCTIONS = (_MODEL, 25)
_OPERATOR = (_NODE, 4)
_LOOPS = frozenset(
    [b"Loop", b"Scan", b"SequenceMap", b"BeamSearch", b"WhisperBeamSearch", b"GreedySearch", b"Sampling"]
)
_EXTERNAL, _LOCATION = (_TENSOR, 13), (_TENSOR, 14)
_SPARSE = ((_GRAPH, 15), (_ATTRIBUTE, 22), (_ATTRIBUTE, 23))
_WEIGHTS = frozenset([4, 5, 9, 10])  # float_data, int32_data, raw_data, double_data of a tensor

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class _Malformed(Exception):
    pass


def read_onnx(path: Union[str, os.PathLike[str]]) -> bytes:
    """Return the content of an ONNX file that may be given to ONNX Runtime and TensorRT.

    Raises
    ------
    ModelNotFound
        There is no such file, this user may not read it, or it is a pipe or a device.
    ModelCorrupt
        It is a folder, empty, too large, or `check_onnx` refuses it.
    """
    if os.path.isdir(path):
        raise ModelCorrupt(f"{path} is a folder, not an ONNX file.", "Give the path of the .onnx file itself.")
    try:
        content = read_regular(path, MOST_BYTES)
    except FileNotFoundError as error:
        raise ModelNotFound(f"There is no model file {path}.", "Check the path.") from error
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ModelCorrupt(
                f"The model file {path} has more than {MOST_BYTES >> 20} MB, which no network for fer-edge needs.",
                "Check the path.",
            ) from error
        raise ModelNotFound(
            f"The model file {path} cannot be read: {error.strerror}.", "Check the path and the file's permissions."
        ) from error
    if not content:
        raise ModelCorrupt(f"The model file {path} is empty.", "Fetch or export the file again.")
    check_onnx(content, str(path))
    return content


def check_onnx(content: bytes, where: str) -> None:
    """Refuse an ONNX file that reads other files, brings compiled code, loops, or describes more than a network of ours needs.

    Parameters
    ----------
    content : bytes
        Of the file.
    where : str
        Its name, for messages.

    Raises
    ------
    ModelCorrupt
        It does; or it is no ONNX file.
    """
    try:
        complaint = _complaint(content)
    except _Malformed as error:
        raise ModelCorrupt(
            f"{where} is not an ONNX file, or is cut off or damaged: {error}.",
            "Fetch or export the file again and compare its size and sha256.",
        ) from error
    if complaint is not None:
        raise ModelCorrupt(f"The ONNX file {where} {complaint[0]}.", complaint[1])


_TOO_MUCH = "Such a file is not what it seems. Export the network again."


def _complaint(content: bytes) -> Optional[Tuple[str, str]]:
    description, metadata, records, parts = len(content), 0, 0, 0
    waiting: List[Tuple[int, int, int, int]] = [(_MODEL, 0, len(content), 1)]
    while waiting:
        kind, at, end, depth = waiting.pop()
        inside = _INSIDE[kind]
        parts += kind in (_NODE, _TENSOR)
        if parts > MOST_PARTS:
            return f"has more than {MOST_PARTS} nodes and tensors", _TOO_MUCH
        while at < end:
            records += 1
            if records > MOST_RECORDS:
                return f"has more than {MOST_RECORDS} entries beside its weights", _TOO_MUCH
            tag, at = _number(content, at, end)
            field, wire = tag >> 3 & 0x1FFFFFFF, tag & 7
            if not field:
                raise _Malformed(f"an entry without a number before byte {at}")
            start, at = _payload(content, at, end, wire)
            # A location of 0 says that the data are inside.
            outside = (kind, field) == _LOCATION and content[start:at] != b"\x00"
            if outside or (kind, field) == _EXTERNAL:
                return (
                    "takes weights from other files, which is not allowed",
                    "Save it as one file, in Python:  onnx.save(onnx.load(PATH), NEW_PATH)",
                )
            if wire != _BYTES:
                continue
            if field in inside:
                if depth >= _DEEPEST:
                    raise _Malformed(f"more than {_DEEPEST} levels in each other")
                waiting.append((inside[field], start, at, depth + 1))
            elif kind == _TENSOR and field in _WEIGHTS:
                description -= at - start
            elif (kind, field) == _METADATA:
                metadata += at - start
            elif (kind, field) == _FUNCTIONS:
                return (
                    "defines functions, which can unfold to any size",
                    "Put them in line, in Python:  onnx.inliner.inline_local_functions(onnx.load(PATH))",
                )
            elif (kind, field) in _SPARSE:
                return "has sparse tensors, which can unfold to any size", "Export it with dense ones."
            elif (kind, field) == _OPERATOR and content[start:at] == b"EPContext":
                return "brings a compiled engine, which is code (EPContext)", "Use the network that it was made from."
            elif (kind, field) == _OPERATOR and content[start:at] in _LOOPS:
                return (
                    f"computes in a loop ({content[start:at].decode()}), which may never end",
                    "A network for faces needs none; export it with the loop unrolled, or use another.",
                )
    if metadata > MOST_METADATA:
        return f"has {metadata} bytes of metadata; {MOST_METADATA} are allowed", "Remove what does not belong there."
    if description > MOST_DESCRIPTION:
        return f"has {description} bytes beside its weights; {MOST_DESCRIPTION} are allowed", _TOO_MUCH
    return None


def _payload(content: bytes, at: int, end: int, wire: int) -> Tuple[int, int]:
    """Return where the value of a field begins and ends."""
    if wire == _VARINT:
        _, after = _number(content, at, end)
        return at, after
    if wire == _BYTES:
        length, at = _number(content, at, end)
    elif wire in (_EIGHT, _FOUR):
        length = 8 if wire == _EIGHT else 4
    else:
        # Groups were given up before ONNX began.
        raise _Malformed(f"an entry of an unknown kind at byte {at}")
    if length > end - at:
        raise _Malformed(f"an entry at byte {at} is longer than what holds it")
    return at, at + length


def _number(content: bytes, at: int, end: int) -> Tuple[int, int]:
    """Return the number of seven bits a byte that stands at `at`, and where it ends."""
    value = 0
    for place in range(at, min(at + 10, end)):
        byte = content[place]
        value |= (byte & 0x7F) << 7 * (place - at)
        if byte < 0x80:
            return value, place + 1
    raise _Malformed(f"a number at byte {at} does not end")
