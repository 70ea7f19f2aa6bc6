"""One file, one role: what a run reads is never what it writes, and two outputs are never one file."""

from __future__ import annotations

import glob
import os
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Tuple

from fer_edge.app.tracking import rest_file_of
from fer_edge.capture.registry import source_files
from fer_edge.errors import UsageError
from fer_edge.inference.model_files import known_models, model_files
from fer_edge.settings import Settings
from fer_edge.settings.outputs import OutputSettings
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.names import for_camera, has_camera
from fer_edge.sinks.pieces import find_pieces
from fer_edge.sinks.registry import SINKS, Place
from fer_edge.system.standard_streams import NAMES, standard_descriptor

Role = Tuple[str, str]
"""What names a file, such as ``--output``, and the path."""

VARIABLES = "/etc/fer-edge/*.env"
"""Of the service, and of those with one camera each."""


def refuse_shared_files(written: Iterable[Role], read: Iterable[Role]) -> None:
    """Keep a run from destroying what it reads, and one output from overwriting the other.

    Files are compared as the file system knows them, so that links do not deceive. Pipes and devices may be shared.

    Parameters
    ----------
    written, read : iterable of Role
        Paths that are empty, ``-`` or none of an existing file to read are left out.

    Raises
    ------
    UsageError
        One file has two roles, of which one is to be written.
    """
    roles: Dict[Any, str] = {}
    for name, path in read:
        if path and os.path.isfile(path):
            roles.setdefault(_identity(path), name)
    for name, path in written:
        if path in ("", "-") or (os.path.exists(path) and not os.path.isfile(path)):
            continue
        identity = _identity(path)
        if identity in roles:
            raise UsageError(
                f"{roles[identity]} and {name} name the same file, {path}.", "Give each a file of its own."
            )
        roles[identity] = name


def refuse_shared_streams(settings: Settings) -> None:
    """Keep two outputs from writing their lines between each other's. Raises UsageError, and looks at no file."""
    streams: Dict[int, str] = {}
    for kind in SINKS:
        descriptor = standard_descriptor(kind.place(settings))
        if descriptor is None or kind.where is Place.ADDRESS:
            continue
        if descriptor in streams:
            raise UsageError(
                f"--{streams[descriptor]} and --{kind.option} both name the {NAMES[descriptor]}.",
                "Give one of them a file of its own.",
            )
        streams[descriptor] = kind.option


def files_read(settings: Settings, models: Iterable[str] = ()) -> List[Role]:
    """Return what a run with these settings reads, or may be asked to read one day: sources, settings and networks.

    Parameters
    ----------
    models : iterable of str
        Names or paths of networks besides that of the settings.
    """
    named = (settings.analysis.model, *models)
    return [
        *(("--camera", file) for camera in settings.cameras for file in source_files(camera.source)),
        ("--config", str(settings.file or "")),
        *(("the file of the service's variables", file) for file in glob.glob(VARIABLES)),
        ("--tls-cert", settings.web.tls_cert),
        ("--tls-key", settings.web.tls_key),
        ("--rest", rest_file_of(settings)),
        *((f"the network {model.name}", str(model.path)) for model in known_models().values()),
        *(("--model", str(file)) for model in named for file in model_files(model)),
    ]


def files_written(settings: Settings) -> List[Role]:
    """Return where a run with these settings writes results: a role for each camera where a name holds ``{camera}``.

    Of what is written in pieces, that is the one which would begin now, and those that are there if they may be deleted.

    Raises UsageError for a placeholder or a field that is not known.
    """
    roles = []
    for kind in SINKS:
        if kind.where is Place.ADDRESS:
            continue
        option, place = f"--{kind.option}", kind.place(settings)
        if len(settings.cameras) > 1 and has_camera(place):
            named = [
                (f"{option} of the camera '{camera.name}'", for_camera(place, camera.name))
                for camera in settings.cameras
            ]
        else:
            named = [(option, for_camera(place, settings.cameras[0].name))]
        if kind.where is Place.FILE:
            roles += [(role, DatedName(one).plain) for role, one in named]
        else:
            roles += [(role, file) for role, one in named for file in _files_of(one, settings.outputs)]
    return roles


def _files_of(place: str, outputs: OutputSettings) -> List[str]:
    """Return the files of one place."""
    name = DatedName(place)
    is_file = os.path.isfile(name.plain) or not os.path.exists(name.plain)
    if not is_file or not place or place == "-" or not name.in_pieces(outputs.segment, outputs.keep):
        return [name.plain]
    pieces = name.with_beginning()
    there = [piece.path for piece in find_pieces(pieces)] if outputs.keep is not None else []
    # Each once, as one file with two roles is a mistake.
    return list(dict.fromkeys([pieces.at(datetime.now(timezone.utc)), *there]))


def _identity(path: str) -> Any:
    try:
        found = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino
