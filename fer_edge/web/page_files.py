"""The files of the page, read once: they are small, and nothing else of the disk can be asked for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict, NamedTuple, Optional

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "page"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
"""By ending; other files are not sent."""


class _File(NamedTuple):
    content: bytes
    content_type: str
    tag: str


class PageFiles:
    """Answers with files of a folder.

    Parameters
    ----------
    folder : Path, optional
        Read at once; what comes later is not known.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: Dict[str, _File] = {}
        for path in sorted(folder.rglob("*")):
            content_type = TYPES.get(path.suffix)
            if content_type and path.is_file():
                content = path.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
                self._files[path.relative_to(folder).as_posix()] = _File(content, content_type, tag)

    def answer(self, request: Request, name: str) -> Optional[Response]:
        """Return a file, or that the one that the browser has is still right; None where there is no such file."""
        file = self._files.get(name)
        if file is None:
            return None
        headers = {"etag": file.tag, "cache-control": "no-cache"}
        known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
        if file.tag in known or f"W/{file.tag}" in known:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.content_type)
