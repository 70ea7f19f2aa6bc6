"""What ``--camera`` takes: a source, with or without a name before it; and the name of a camera that was given none."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Iterable, List, Sequence, Tuple

from fer_edge.errors import UsageError
from fer_edge.system.masking import mask, printable
from fer_edge.system.user_info import split_user_info

LONGEST_NAME = 64
"""Letters of a camera's name: it becomes a part of file names, which file systems bound at 255 bytes."""

NAME_FORM = f"letters (a to z), digits, -, _ and ., at most {LONGEST_NAME}"

_NAME = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}")

_SOURCE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:gst|csi|demo):|/|\.{1,2}/|~")
"""How a text begins that is a source as a whole, whatever stands in it."""

_PART = re.compile(r"[A-Za-z0-9._-]+=(?![./~]).+|[0-9]{1,9}|demo(?::[0-9]{1,9})?", re.DOTALL)
_ADDRESS_PART = re.compile(r"[A-Za-z0-9._-]+=[a-z]+://.+", re.DOTALL)

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_NODE = re.compile(r"/dev/video([0-9]{1,9})")
_WITHOUT_A_NAME = "camera"


def is_camera_name(text: str) -> bool:
    """Return whether a camera may be called so: it can stand in a file's name, and is no way to another folder."""
    return bool(_NAME.fullmatch(text)) and text not in (".", "..")


def split_camera(text: str) -> Tuple[str, str]:
    """Take ``front=rtsp://host/live`` apart.

    What stands before the first ``=`` is the camera's name, except in a text that is a source as a whole: one that begins as
    an address (``http://``), as ``gst:``, ``csi:`` or ``demo:``, or as a path (``/``, ``./``, ``../``, ``~``), and one that is
    a file or folder which is there.

    Returns
    -------
    tuple of str
        The name, empty where there is none, and the source.

    Raises
    ------
    UsageError
        What stands there is no name, or nothing stands behind it.

    Examples
    --------
    >>> split_camera("front=0"), split_camera("http://host/?a=b"), split_camera("./a=b.mp4")
    (('front', '0'), ('', 'http://host/?a=b'), ('', './a=b.mp4'))
    """
    text = text.strip()
    if not text:
        raise UsageError("No source was named.", "Give a source, such as 0 or demo, with or without NAME= before it.")
    if _is_several(text):
        raise UsageError(
            f"'{printable(mask(text))}' names several cameras in one text.",
            "Give each by a --camera of its own; in the environment as FER_EDGE_CAMERA__NAME__SOURCE; in a settings file as a "
            "table [[camera]]. A file whose name holds a comma is given as ./FILE.",
        )
    if "=" not in text or _SOURCE.match(text) or os.path.exists(os.path.expanduser(text)):
        return "", text
    name, _, source = (part.strip() for part in text.partition("="))
    if not is_camera_name(name):
        shown = printable(mask(text))
        raise UsageError(
            f"'{shown}' is neither a file that is there nor NAME=SOURCE: the name of a camera has {NAME_FORM}.",
            "Write it like front=0; a file whose name holds = is given as ./FILE.",
        )
    if not source:
        raise UsageError(f"The camera '{name}' has no source.", f"Give it behind the equals sign, as in {name}=0.")
    return name, source


def _is_several(text: str) -> bool:
    """Return whether each part of a text, at its commas, looks like a camera by itself, and the whole like none."""
    first, *others = (part.strip() for part in text.split(","))
    if not others or not _PART.fullmatch(first) or os.path.exists(os.path.expanduser(text)):
        return False
    source = first.partition("=")[2] or first
    # An address or a pipeline may hold commas and equals signs itself; another address does not follow it by chance.
    other = _ADDRESS_PART if "://" in source or source.startswith("gst:") else _PART
    return all(map(other.fullmatch, others))


def name_for(source: str) -> str:
    """Return what a camera is called that was given no name.

    ``camera0`` for a device, ``demo-3`` for the demo with three faces, the host of an address, and else the name of the file or
    folder without its ending.

    Examples
    --------
    >>> [name_for(source) for source in ("0", "demo:3", "rtsp://user:word@door.local/live", "clips/hall.mp4")]
    ['camera0', 'demo-3', 'door.local', 'hall']
    """
    source = source.strip()
    address = _ADDRESS.match(source)
    if address is not None:
        return _plain(_host(address.group(1), address.group(2))) or _WITHOUT_A_NAME
    if source.isascii() and source.isdecimal() and len(source) < 10:
        return f"camera{int(source)}"
    node = _NODE.fullmatch(source)
    if node is not None:
        return f"camera{int(node.group(1))}"
    if source.startswith("gst:"):
        return "gst"
    if source in ("", "auto"):
        return _WITHOUT_A_NAME
    if re.match("demo:|csi:", source):
        return _plain(source)
    *folders, last = source.rstrip("/").split("/")
    stem = last if source.startswith("/dev/") else os.path.splitext(last)[0]
    parts = (stem, *reversed(folders))  # of a pattern *.jpg its folder tells more
    return next(filter(None, map(_plain, parts)), _WITHOUT_A_NAME)


def distinct_names(cameras: Sequence[Tuple[str, str]]) -> List[str]:
    """Return a name for each camera: its own, or one made from its source, to which ``-2`` is added where it is in use.

    Parameters
    ----------
    cameras : sequence of tuple of str
        Name, empty where there is none, and source.
    """
    used = {name.lower() for name, _ in cameras if name}
    found = []
    for name, source in cameras:
        chosen = name or _unused(name_for(source), used)
        used.add(chosen.lower())
        found.append(chosen)
    return found


def _unused(name: str, used: Iterable[str]) -> str:
    chosen, number = name, 1
    while chosen.lower() in used:
        number += 1
        chosen = f"{name[: LONGEST_NAME - 1 - len(str(number))]}-{number}"
    return chosen


def _host(scheme: str, behind: str) -> str:
    """Return the host of an address; its scheme where a password may stand in its place."""
    info = split_user_info(behind)
    place = re.split("[/?#]", info.rest, maxsplit=1)[0] if info is not None else ""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]*\]|[^:]+)(?::[0-9]*)?", place)
    return scheme if found is None else found.group(1).lower()


def _plain(text: str) -> str:
    """Return the text with other letters than a name's left out or replaced."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^A-Za-z0-9._]+", "-", ascii_only).strip("-.")[:LONGEST_NAME].rstrip("-.")
