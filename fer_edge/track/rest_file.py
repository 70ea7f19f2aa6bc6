"""A resting face as a file: small JSON that belongs to one network, and tells of one person."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Mapping, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import RestUnusable
from fer_edge.system.masking import printable, shown
from fer_edge.system.regular_file import read_regular
from fer_edge.track.rest import LEAST_PROBABILITY, NEUTRAL, RestingFace
from fer_edge.types import LABELS

PathLike = Union[str, "os.PathLike[str]"]

VERSION = 1
"""Of the file; another one is refused."""

MARK = "fer_edge_rest"
"""The key by which a file of ours is known; its value is `VERSION`."""

LARGEST = 16384
"""Bytes of a file that is read; ours have under a thousand."""

_FARTHEST = -math.log(LEAST_PROBABILITY)
_AGAIN = "Record it with:  fer-edge rest --camera 0 --save '{path}'"


@dataclass(frozen=True)
class Network:
    """Whose answers a resting face consists of: it says nothing to another network.

    Attributes
    ----------
    name : str
        For people.
    sha256 : str
        Of the ONNX file, in hex.
    """

    name: str
    sha256: str


def rest_file(face: RestingFace, network: Network, created: datetime) -> bytes:
    """Return the content of the file of a resting face.

    Parameters
    ----------
    face : RestingFace
        What is to be written, log-odds to three digits.
    network : Network
        Whose answers they are.
    created : datetime
        When it was recorded, with a time zone.
    """
    content = {
        MARK: VERSION,
        "network": network.name,
        "sha256": network.sha256,
        "created": created.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(face.seconds, 2),
        "frames": face.frames,
        "log_odds": _by_label(face.log_odds),
        "spread": _by_label(face.spread),
    }
    return (json.dumps(content, indent=2) + "\n").encode("ascii")


def read_rest(path: PathLike, network: Network) -> RestingFace:
    """Return the resting face of a file.

    Parameters
    ----------
    path : path
        A file with what `rest_file` gives.
    network : Network
        Which one is to be used; the face must be of its file.

    Raises
    ------
    RestUnusable
        It cannot be read, is none of ours, damaged, of another version, or of another network.
    """
    name = shown(path)
    try:
        content = _content(path)
    except OSError as error:
        raise RestUnusable(
            f"The resting face '{name}' cannot be read: {error.strerror}.",
            _AGAIN.format(path=name)
            if isinstance(error, FileNotFoundError)
            else "Give the name of a file that can be.",
        ) from error
    except ValueError as error:
        raise RestUnusable(
            f"'{name}' is no resting face that fer-edge wrote: {error}.",
            "Give --rest off, --rest auto, or another file.",
        ) from error
    if content[MARK] != VERSION or isinstance(content[MARK], bool):
        raise RestUnusable(
            f"The resting face '{name}' is of version {printable(str(content[MARK]))}, "
            f"and this fer-edge knows version {VERSION}.",
            _AGAIN.format(path=name),
        )
    try:
        face, of = _face(content), content.get("sha256")
    except ValueError as error:
        raise RestUnusable(f"The resting face '{name}' is damaged: {error}.", _AGAIN.format(path=name)) from error
    if of != network.sha256:
        whose = printable(str(content.get("network", "?")))
        raise RestUnusable(
            f"The resting face '{name}' is what another network says: it is of {whose}, and the one in use is {network.name}"
            f"{', from another file' if whose == network.name else ''}.",
            f"Give the --model that it was recorded with, or record it anew with this one:  "
            f"fer-edge rest --camera 0 --save '{name}'",
        )
    return face


def refuse_to_replace(path: PathLike) -> str:
    """Return why a file must not be replaced by a resting face: it is none itself. Empty where it may, or is not there."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISREG(there.st_mode):
        return "it is no regular file"
    try:
        _content(path)
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def _content(path: PathLike) -> Dict[str, Any]:
    """Return what a file holds that has our mark. Raises OSError, or ValueError for one that has not."""
    if Path(path).is_dir():
        raise IsADirectoryError(0, "it is a directory", os.fspath(path))
    raw = read_regular(path, LARGEST)
    try:
        content = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError("it holds no JSON") from error
    if not isinstance(content, dict) or MARK not in content:
        raise ValueError(f"it has no '{MARK}'")
    return content


def _face(content: Mapping[str, Any]) -> RestingFace:
    log_odds = _numbers(content, "log_odds", -_FARTHEST)
    if log_odds[NEUTRAL] != 0:
        raise ValueError("log_odds of neutral must be 0")
    frames = content.get("frames")
    if type(frames) is not int or not 0 < frames < 10**9:
        raise ValueError("frames is no number of frames")
    seconds = _number(content.get("seconds"), 0.0, 1e9, "seconds")
    return RestingFace(log_odds, _numbers(content, "spread", 0.0), seconds, frames)


def _numbers(content: Mapping[str, Any], key: str, least: float) -> NDArray[np.float64]:
    by_label = content.get(key)
    if not isinstance(by_label, dict) or set(by_label) != set(LABELS):
        raise ValueError(f"{key} has not the seven expressions")
    return np.array([_number(by_label[label], least, 2 * _FARTHEST, f"{key} of {label}") for label in LABELS])


def _number(value: Any, least: float, most: float, what: str) -> float:
    # json also reads NaN, which compares with nothing; and a bool is an int.
    if type(value) not in (int, float) or not least - 0.01 <= value <= most:
        raise ValueError(f"{what} is no number that it can be")
    return float(value)


def _by_label(values: NDArray[np.float64]) -> Dict[str, float]:
    return {label: round(float(value), 3) for label, value in zip(LABELS, values)}
