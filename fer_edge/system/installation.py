"""How fer-edge came to this machine: what lies where, and the command that a remedy names, as no package index has it."""

from __future__ import annotations

import json
import os
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any, Mapping, Optional
from urllib.parse import unquote, urlsplit

PACKAGE = Path(__file__).resolve().parents[1]


def pip_install(extra: str, pip: str = "pip") -> str:
    """Return the command that installs fer-edge once more, with an extra.

    Parameters
    ----------
    extra : str
        Of pyproject.toml, such as ``cpu``.
    pip : str
        What stands for pip at its beginning.
    """
    return f"{pip} install {shlex.quote(requirement(extra, PACKAGE.parent, _direct_url()))}"


def requirement(extra: str, parent: Path, direct_url: Mapping[str, Any]) -> str:
    """Return what pip needs to be given.

    Parameters
    ----------
    extra : str
        The extra.
    parent : Path
        The folder that the running package lies in.
    direct_url : mapping
        What pip noted of the installation (PEP 610); empty where it noted nothing.

    Returns
    -------
    str
        The checkout, the wheel, or the address that it was installed from, with the extra; where none is known any more, words
        in capitals in its place.
    """
    if (parent / "pyproject.toml").is_file():
        return f"{parent}[{extra}]"
    url = str(direct_url.get("url", ""))
    if url.startswith("file://"):
        path = unquote(urlsplit(url).path)
        if os.path.exists(path):
            return f"{path}[{extra}]"
    elif url.startswith("https://"):
        revision = (direct_url.get("vcs_info") or {}).get("commit_id")
        return f"fer-edge[{extra}] @ {f'git+{url}@{revision}' if revision else url}"
    return f"CHECKOUT-OR-WHEEL-OF-FER-EDGE[{extra}]"


def packaged(name: str) -> Optional[Path]:
    """Return a file that comes with fer-edge, in the package or, in a checkout, beside it; None where it is missing.

    Parameters
    ----------
    name : str
        With its folder, such as ``models/manifest.json``.
    """
    return next((folder / name for folder in (PACKAGE, PACKAGE.parent) if (folder / name).is_file()), None)


def _direct_url() -> Mapping[str, Any]:
    try:
        text: Optional[str] = metadata.distribution("fer-edge").read_text("direct_url.json")
        noted = json.loads(text or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
