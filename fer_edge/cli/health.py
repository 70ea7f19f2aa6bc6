"""``fer-edge health``: asks a running fer-edge how it is; a container's health check."""

from __future__ import annotations

import argparse
import http.client
import ipaddress
import json
import os
import socket
import ssl
import sys
import threading
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NamedTuple, Optional

from fer_edge.errors import NotHealthy, UsageError
from fer_edge.settings import load_settings, settings_file
from fer_edge.system.address import Address
from fer_edge.system.one_line import one_line

TIMEOUT = 4.0
"""Seconds to wait for the whole answer, less than a health check's own limit."""

LARGEST_ANSWER = 65536

SERVICE_SETTINGS = Path("/etc/fer-edge/fer-edge.toml")
"""What is asked for the address where nobody gives one: most who ask mean the service."""


_WHERE_IT_STANDS = (
    "Set FER_EDGE_TOKEN to the one that it was started with; the service's stands in /etc/fer-edge/fer-edge.env."
)


def add_health_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="where the running fer-edge listens (default: FER_EDGE_LISTEN, or what the settings file says, "
        f"which is {SERVICE_SETTINGS} where it exists and none is given)",
    )
    parser.add_argument(
        "--tls-cert",
        metavar="FILE",
        help="ask by HTTPS, and only who shows this certificate (PEM; default: what it was started with, as for --listen)",
    )
    parser.add_argument(
        "--tls-ca",
        type=os.path.expanduser,
        metavar="FILE",
        help="ask by HTTPS, and only who shows a certificate of its name from one of these (PEM)",
    )
    parser.add_argument("--config", metavar="FILE", help="the TOML file with settings that it was started with")


def run_health(options: argparse.Namespace) -> int:
    """Print how the running fer-edge is.

    Raises
    ------
    UsageError
        No address is known.
    NotHealthy
        It is down, or does not answer.
    """
    file = settings_file(options.config)
    if file is None and not options.listen and not os.environ.get("FER_EDGE_LISTEN") and SERVICE_SETTINGS.exists():
        file = SERVICE_SETTINGS
    given = {name: value for name in ("listen", "tls_cert") for value in [getattr(options, name)] if value}
    settings = load_settings(given, file=file, watching=False)
    if settings.web.listen is None:
        raise UsageError("It is not known where fer-edge listens.", "Give --listen HOST:PORT, as fer-edge got it.")
    tls = None
    if options.tls_ca or settings.web.tls_cert:
        from fer_edge.web.tls import client_context

        with nullcontext() if options.tls_ca else settings.located("tls_cert"):
            tls = client_context(options.tls_ca) if options.tls_ca else client_context(only=settings.web.tls_cert)
    answer = _Question(settings.web.listen, settings.web.token, tls).ask()
    if not answer.well:
        hint = "" if tls is not None else " Where it answers HTTPS, give --tls-cert or --tls-ca."
        remedy = answer.remedy or "Its log says more." + hint
        raise NotHealthy(f"fer-edge on {settings.web.listen}: {answer.line}.", remedy)
    sys.stdout.write(f"{answer.line}\n")
    return 0


class _Answer(NamedTuple):
    well: bool
    line: str
    remedy: str = ""


class _Question:
    """Asks in a thread, because neither a resolver nor a server that sends byte after byte keeps to a time limit."""

    def __init__(self, address: Address, token: str, tls: Optional[ssl.SSLContext]) -> None:
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection = http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT)
        if tls is not None:
            self._connection = http.client.HTTPSConnection(address.host, address.port, timeout=TIMEOUT, context=tls)
        self._answer = _Answer(False, f"no answer within {TIMEOUT:g} s")
        self._over = threading.Event()
        self._socket: Optional[socket.socket] = None

    def ask(self) -> _Answer:
        """Return whether it works, how it is in a line, and what to do where that is known."""
        thread = threading.Thread(target=self._work, name="question", daemon=True)
        thread.start()
        thread.join(TIMEOUT)
        answer = self._answer
        self._over.set()
        if self._socket is not None:
            with suppress(OSError):  # it has ended meanwhile
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        return answer

    def _work(self) -> None:
        try:
            self._connection.connect()
            self._socket = connected = self._connection.sock
            if self._over.is_set():
                return
            if self._headers and not isinstance(self._connection, http.client.HTTPSConnection) and not _here(connected):
                self._answer = _Answer(False, "the token is not sent to another machine in clear")
                return
            self._connection.request("GET", "/healthz", headers=self._headers)
            response = self._connection.getresponse()
            self._answer = _understood(response.status, response.read(LARGEST_ANSWER), bool(self._headers))
        except ssl.SSLError as error:
            from fer_edge.web.tls import why_not_asked

            self._answer = _Answer(False, *why_not_asked(error))
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self._answer = _Answer(False, one_line(f"no answer ({str(error).strip() or type(error).__name__})"))
        finally:
            self._connection.close()


def _here(connected: socket.socket) -> bool:
    """Return whether the other end is this machine as well: what is sent to one of its own addresses comes from there."""
    peer = str(connected.getpeername()[0])
    return peer == connected.getsockname()[0] or ipaddress.ip_address(peer.partition("%")[0]).is_loopback


def _understood(status: int, body: bytes, token_sent: bool = False) -> _Answer:
    if status == 401:
        line = "the token that was sent is not its token" if token_sent else "it wants a token, and none was sent"
        return _Answer(False, line, _WHERE_IT_STANDS)
    try:
        answer = json.loads(body)
        line = ": ".join(filter(None, [answer["status"], "; ".join(answer["reasons"])]))
        line += f"; FPS total {answer['fps']['total']}, {answer['frames']} frames, up {answer['uptime_s']} s"
    except (ValueError, KeyError, TypeError, RecursionError):
        return _Answer(False, f"something else answers there (HTTP {status})")
    return _Answer(status == 200, one_line(line))
