"""``fer-edge health``: asks a running fer-edge how it is; a container's health check."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from pathlib import Path
from typing import Tuple

from fer_edge.errors import NotHealthy, UsageError
from fer_edge.one_line import one_line
from fer_edge.service.address import Address
from fer_edge.settings import load_settings, settings_file

TIMEOUT = 4.0
"""Seconds to wait for an answer, less than a health check's own limit."""

LARGEST_ANSWER = 65536

SERVICE_SETTINGS = Path("/etc/fer-edge/fer-edge.toml")
"""What is asked for the address where nobody gives one: most who ask mean the service."""


def add_health_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="where the running fer-edge listens (default: FER_EDGE_LISTEN, or what the settings file says, "
        f"which is {SERVICE_SETTINGS} where it exists and none is given)",
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
    if file is None and not options.listen and "FER_EDGE_LISTEN" not in os.environ and SERVICE_SETTINGS.exists():
        file = SERVICE_SETTINGS
    settings = load_settings({"listen": options.listen} if options.listen else {}, file=file)
    if settings.listen is None:
        raise UsageError("It is not known where fer-edge listens.", "Give --listen HOST:PORT, as fer-edge got it.")
    well, line = _ask(settings.listen, settings.token)
    if not well:
        raise NotHealthy(f"fer-edge on {settings.listen}: {line}.", "Its log says more.")
    sys.stdout.write(f"{line}\n")
    return 0


def _ask(address: Address, token: str) -> Tuple[bool, str]:
    """Tell whether it works, and how it is in a line."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz", headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        status, body = response.status, response.read(LARGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer ({error or type(error).__name__})"
    finally:
        connection.close()
    if status == 401:
        return False, "it wants a token, which FER_EDGE_TOKEN gives"
    try:
        answer = json.loads(body)
        line = ": ".join(filter(None, [answer["status"], "; ".join(answer["reasons"])]))
        line += f"; FPS total {answer['fps']['total']}, {answer['frames']} frames, up {answer['uptime_s']} s"
    except (ValueError, KeyError, TypeError):
        return False, f"something else answers there (HTTP {status})"
    return status == 200, one_line(line)
