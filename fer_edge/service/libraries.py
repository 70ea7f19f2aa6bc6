"""Refuses, before an installation, settings that need a library which is not there: the service would only stay *failed*."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Tuple

from fer_edge.errors import MissingExtra
from fer_edge.settings import Settings
from fer_edge.system.installation import pip_install

NEEDED: Tuple[Tuple[str, str, Tuple[str, ...]], ...] = (
    ("listen", "service", ("starlette", "uvicorn")),
    ("mqtt", "mqtt", ("paho",)),
)
"""The setting, the extra that brings what it needs, and the modules."""


def demand_libraries(settings: Settings, program: str) -> None:
    """Refuse settings that need what is not installed.

    Parameters
    ----------
    settings : Settings
        What the service will be asked.
    program : str
        Its path; of one of another environment than this nothing is known, and nothing is refused.

    Raises
    ------
    MissingExtra
        A library is not installed.
    """
    folder = os.path.dirname(program)
    if folder != os.path.dirname(os.path.abspath(sys.executable)):
        return
    asked = {"listen": settings.web.listen is not None, "mqtt": bool(settings.mqtt.broker)}
    for option, extra, modules in NEEDED:
        missing = [module for module in modules if asked[option] and find_spec(module) is None]
        if missing:
            raise MissingExtra(
                f"The service's settings have '{option}', which needs what is not installed beside {program}: {missing[0]}.",
                f"Install it with:  {pip_install(extra, f'sudo {folder}/pip')}  or take '{option}' out of the settings.",
            )
