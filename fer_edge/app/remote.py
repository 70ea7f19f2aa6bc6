"""From settings to what a server is spoken to with."""

from __future__ import annotations

from typing import Optional

from fer_edge.classify.remote.access import ServerAccess, context_for, token_of
from fer_edge.classify.remote.address import parse_server
from fer_edge.errors import UsageError
from fer_edge.settings import Settings
from fer_edge.system.credentials import TlsFiles

KSERVE = "kserve"


def server_access(settings: Settings) -> Optional[ServerAccess]:
    """Return with what the server of `settings` is spoken to; None where none classifies.

    Raises
    ------
    UsageError
        A server without the backend that asks it, or the other way round; settings that contradict each other.
    SettingsError
        A file of certificates or with a token cannot be used.

    Examples
    --------
    >>> server_access(Settings.of(backend="kserve", server="http://gpu.local:8000")).address.port
    8000
    """
    asked = settings.remote
    if settings.analysis.backend != KSERVE:
        if not asked.server:
            return None
        with settings.located("server"):
            raise UsageError(
                f"--server names {asked.server}, and --backend {settings.analysis.backend} asks no server.",
                "Say --backend kserve too, or leave out --server.",
            )
    if not asked.server:
        with settings.located("backend"):
            raise UsageError(
                "--backend kserve needs a server.", "Name one:  --server http://HOST:8000   or  grpc://HOST:8001"
            )
    address = parse_server(asked.server)
    with settings.located("server_token_file" if asked.token_file else "server_token"):
        token = token_of(asked.token, asked.token_file)
    files = TlsFiles(asked.ca, asked.cert, asked.key, "server")
    with settings.located("server"):
        tls = context_for(address, files)
    return ServerAccess(
        address,
        asked.model,
        asked.deadline,
        asked.fallback,
        token,
        files,
        tls,
        patient=settings.run.reconnect == "always",
    )
