"""Finds model files by name, and fetches those that are not shipped.

``models/manifest.json`` says what there is: each file with its sha256, its size, its source and its licence.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Union

from fer_edge import errors
from fer_edge.system.installation import PACKAGE, packaged
from fer_edge.system.regular_file import open_regular
from fer_edge.system.table import table_lines

_CHUNK = 1 << 16


@dataclass(frozen=True)
class KnownModel:
    """One entry of the manifest.

    Attributes
    ----------
    name : str
        What `find_model` takes.
    file : str
        Name of the file.
    role : str
        ``detector`` or ``classifier``.
    sha256 : str
        Of the whole file, in hex.
    bytes : int
        Its size.
    source : str
        Where the network comes from, for people.
    licence : str
        SPDX name.
    shipped : bool
        It comes with fer-edge; otherwise `pull` fetches it.
    url : str
        Where `pull` fetches it; empty for a shipped file.
    """

    name: str
    file: str
    role: str
    sha256: str
    bytes: int
    source: str
    licence: str
    shipped: bool
    url: str = ""

    @property
    def path(self) -> Path:
        """Where the file lies, or will lie when it has been fetched."""
        return (shipped_folder() if self.shipped else cache_folder()) / self.file


def shipped_folder() -> Path:
    """Return the folder with the manifest: inside the installed package, or beside it in a source checkout."""
    manifest = packaged("models/manifest.json")
    if manifest is None:
        raise errors.ModelNotFound(
            f"The model files of fer-edge are missing: there is no models/manifest.json in {PACKAGE} or beside it.",
            "Install fer-edge again.",
        )
    return manifest.parent


def cache_folder() -> Path:
    """Return the user's folder for fetched models, which need not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a relative path.
    root = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".cache"
    return root / "fer-edge" / "models"


def known_models() -> Dict[str, KnownModel]:
    """Return the manifest's entries by name, in its order."""
    text = (shipped_folder() / "manifest.json").read_text(encoding="utf-8")
    return {entry["name"]: KnownModel(**entry) for entry in json.loads(text)["models"]}


def find_model(name_or_path: Union[str, os.PathLike[str]]) -> Path:
    """Find a model file.

    Parameters
    ----------
    name_or_path : str or path
        A name from the manifest such as ``fernet``; the name, without ``.onnx``, of a file in the user's cache folder;
        or the path of a file.

    Returns
    -------
    Path
        A file that exists; the one of the manifest, byte for byte, where that has the name. What is in another,
        `fer_edge.inference.onnx_session.open_session` checks.

    Raises
    ------
    ModelNotFound
        There is no such model, or it cannot be read. The message lists the names, or says how to fetch it.
    ModelCorrupt
        The file is not the one of the manifest.
    """
    given = os.fspath(name_or_path)
    known = known_models()
    model = known.get(given)
    if model is not None and os.path.isfile(model.path):
        _check_whole(model)
        return model.path
    own = _own_file(given, model is None)
    if own is not None:
        return own
    if model is None:
        networks = ", ".join(name for name, one in known.items() if one.role == "classifier")
        raise errors.ModelNotFound(
            f"There is no model named '{given}' and no file of that path.",
            f"Known names: {networks}. Anything else must be the path of an ONNX file.",
        )
    remedy = "Install fer-edge again." if model.shipped else f"Fetch it once with:  fer-edge models pull {model.name}"
    raise errors.ModelNotFound(f"The model '{model.name}' is not here: {model.path} does not exist.", remedy)


def model_files(name_or_path: str) -> List[Path]:
    """Return the file that `find_model` would take, whatever is in it; none where there is none."""
    model = known_models().get(name_or_path)
    if model is not None and os.path.isfile(model.path):
        return [model.path]
    own = _own_file(name_or_path, model is None)
    return [] if own is None else [own]


def _own_file(given: str, may_be_a_path: bool) -> Optional[Path]:
    """Return the file of a network that the manifest does not have: of that path, or of that name in the cache folder."""
    # Unlike Path's own, these take names that are too long for any file.
    if may_be_a_path and os.path.exists(given):
        return Path(given)
    cached = cache_folder() / f"{given}.onnx"
    return cached if os.sep not in given and os.path.isfile(cached) else None


def _check_whole(model: KnownModel) -> None:
    try:
        state = state_of(model)
    except OSError as error:
        raise errors.ModelNotFound(
            f"The model file {model.path} cannot be read: {error.strerror}.", "Check the file's permissions."
        ) from error
    if state == "damaged":
        raise errors.ModelCorrupt(
            f"{model.path} is not the file that was published as '{model.name}': its sha256 is another.",
            "Install fer-edge again." if model.shipped else f"Fetch it again with:  fer-edge models pull {model.name}",
        )


def sha256_of(path: Union[str, os.PathLike[str]]) -> str:
    """Return the sha256 of a file in hex. Raises OSError where it cannot be read, or is a pipe or a device."""
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def state_of(model: KnownModel) -> str:
    """Return whether a known model's file is ``ok``, ``not fetched``, ``missing`` or ``damaged``."""
    if not model.path.is_file():
        return "missing" if model.shipped else "not fetched"
    # Another size is told without reading all of what may have no end.
    whole = model.path.stat().st_size == model.bytes and sha256_of(model.path) == model.sha256
    return "ok" if whole else "damaged"


def describe_models() -> str:
    """Return a table of the known models for people."""
    rows: List[List[str]] = [["NAME", "ROLE", "KB", "STATE", "LICENCE", "FILE"]]
    for model in known_models().values():
        size = str(round(model.bytes / 1000))
        rows.append([model.name, model.role, size, state_of(model), model.licence, str(model.path)])
    return "\n".join(table_lines(rows))
