"""What a machine of a cluster has, and why it may not take part."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from fer_edge.errors import ClusterUnusable, FerEdgeError
from fer_edge.recordings.cluster.storage import Storage, is_url
from fer_edge.recordings.identity import sum_of_file
from fer_edge.recordings.jobs import Asked
from fer_edge.system.libraries import PACKAGES
from fer_edge.version import __version__

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

LIBRARIES = ("av", "cv2", "onnxruntime", "pillow_heif", "pyarrow")
"""Modules that decide on how recordings are read and written."""

_NAMED = 5
"""Machines that a message names."""


@dataclass(frozen=True)
class Needed:
    """What each machine must have.

    Attributes
    ----------
    asked : Asked
        Whose version, network and resting face must be the same.
    readable : tuple of str
        Paths and addresses that must be there.
    token : str
        A file that was just written where the results go, if that is a path: it must be there, too.
    python : str
        Version of Python, without its last number.
    libraries : tuple of str
        Of `LIBRARIES` those that are installed: with others, videos are read in another way.
    """

    asked: Asked
    readable: Sequence[str] = ()
    token: str = ""
    python: str = PYTHON
    libraries: Sequence[str] = ()


def installed_libraries() -> Tuple[str, ...]:
    """Return which of `LIBRARIES` this process could import."""
    return tuple(name for name in LIBRARIES if find_spec(name) is not None)


def facts_of(needed: Needed) -> Dict[str, Any]:
    """Return what this machine has, as plain values; runs on each machine of a cluster."""
    facts: Dict[str, Any] = {"host": socket.gethostname(), "version": __version__, "python": PYTHON, "problems": []}
    facts["libraries"] = installed_libraries()
    facts["model"] = _sum_of_model(needed.asked.model, facts["problems"])
    if needed.asked.rest_sha256:
        facts["rest"] = sum_of_file(needed.asked.rest)
    facts["missing"] = [place for place in needed.readable if not _is_there(place, facts["problems"])]
    if needed.token and not _is_writable(needed.token):
        facts["missing"].append(os.path.dirname(needed.token))
    return facts


def refusals(facts: Mapping[str, Any], needed: Needed) -> List[str]:
    """Return why a machine may not take part; nothing where it may.

    Examples
    --------
    >>> refusals({"python": "3.9", "version": ""}, Needed(Asked("fernet_r", "", version="0.1.0"), python="3.11"))
    ['has Python 3.9, and the run was started with 3.11', 'has no fer-edge']
    """
    asked = needed.asked
    why = []
    if facts["python"] != needed.python:
        why.append(f"has Python {facts['python']}, and the run was started with {needed.python}")
    if not facts.get("version"):
        reason = facts.get("reason", "")
        return [*why, f"has no fer-edge{': ' + reason if reason else ''}"]
    if asked.version and facts["version"] != asked.version:
        return [*why, f"has fer-edge {facts['version']}, and the run was started with {asked.version}"]
    if "reason" in facts:
        why.append(f"cannot run fer-edge: {facts['reason']}")
    why += facts.get("problems", [])
    there = facts.get("libraries", needed.libraries)
    why += [
        f"has no {PACKAGES.get(one, one)}, as the run was started with" for one in needed.libraries if one not in there
    ]
    why += [
        f"has {PACKAGES.get(one, one)}, and the run was started without" for one in there if one not in needed.libraries
    ]
    model = facts.get("model", "")
    if model and model != asked.model_sha256:
        why.append(
            f"has another network as '{asked.model}': its sha256 is {model[:12]}..., and that of the run "
            f"{asked.model_sha256[:12]}..."
        )
    if asked.rest_sha256 and facts.get("rest") != asked.rest_sha256:
        why.append(f"has another resting face as {asked.rest}, or none")
    why += [f"does not see {place}, or may not use it" for place in facts.get("missing", ())]
    return why


def refuse_unfit(machines: Sequence[Mapping[str, Any]], needed: Needed) -> None:
    """Raise ClusterUnusable, which names them, where machines may not take part."""
    unfit = [(str(one.get("host", "?")), refusals(one, needed)) for one in machines]
    unfit = [(host, why) for host, why in unfit if why]
    if not unfit:
        return
    named = "; ".join(f"{host} {', and '.join(why)}" for host, why in unfit[:_NAMED])
    more = f"; and {len(unfit) - _NAMED} more" if len(unfit) > _NAMED else ""
    raise ClusterUnusable(
        f"{len(unfit)} of {len(machines)} machines of the cluster may not take part: {named}{more}.",
        "Have the same fer-edge, Python and model on every machine, best by one container image, and recordings and results on "
        "a path that all of them see, or at an address (s3://, gs://...).",
    )


def _sum_of_model(model: str, problems: List[str]) -> str:
    from fer_edge.inference.model_files import find_model, sha256_of

    try:
        return sha256_of(find_model(model))
    except FerEdgeError as error:
        problems.append(f"lacks the network: {error.message}")
    return ""


def _is_there(place: str, problems: List[str]) -> bool:
    if not is_url(place):
        return os.access(place, os.R_OK)
    try:
        Storage(place).is_file(place)
    except FerEdgeError as error:
        problems.append(f"has no use of the storage: {error.message.rstrip('.')}")
    return True


def _is_writable(token: str) -> bool:
    return os.path.exists(token) and os.access(os.path.dirname(token), os.R_OK | os.W_OK | os.X_OK)
