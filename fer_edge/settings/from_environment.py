"""What variables say: ``FER_EDGE_LOG_LEVEL`` or ``FER_EDGE_LOG__LEVEL``; of one camera ``FER_EDGE_CAMERA__FRONT__SOURCE``."""

from __future__ import annotations

import difflib
import re
from typing import Dict, Mapping, NamedTuple, Optional

from fer_edge.errors import SettingsError
from fer_edge.settings.environment import is_link
from fer_edge.settings.layer import CameraTable, Given, Layer, nearest, parse, put
from fer_edge.settings.settings import CAMERA, OPTIONS, TABLES, Option

ENVIRONMENT_PREFIX = "FER_EDGE_"
"""A setting ``camera`` is read from the variable ``FER_EDGE_CAMERA``."""

_OTHER_VARIABLES = ("FER_EDGE_CONFIG", "FER_EDGE_SHARED")

_CAMERA_KEYS = {key: option for key, option in TABLES[CAMERA].items() if key != "name"}
"""A camera's name stands in the variable's own."""


class _Known(NamedTuple):
    option: Option
    camera: str = ""


def from_environment(environment: Mapping[str, str]) -> Layer:
    """Return what variables say; an empty one counts as not set.

    The tables' names are as the variables have them, in lower case.

    Raises
    ------
    SettingsError
        An unknown variable, a value that makes no sense, or two variables for one setting.
    """
    layer = Layer()
    tables: Dict[str, CameraTable] = {}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in _OTHER_VARIABLES:
            continue
        rest, text = variable[len(ENVIRONMENT_PREFIX) :], environment[variable]
        known = _find(rest.lower())
        if known is None:
            if is_link(rest, text):
                continue
            raise SettingsError(f"The environment variable {variable} is no setting.", _remedy(rest.lower()))
        if not text:  # as compose and env files leave what is not set
            continue
        given = Given(parse(known.option.setting, text, "", variable), variable)
        if known.camera:
            table = tables.setdefault(known.camera, CameraTable(known.camera, variable))
            put(table.keys, known.option.field, given, known.option.field)
        else:
            put(layer.options, known.option.setting.option, given, known.option.setting.option)
    layer.tables = list(tables.values())
    return layer


def _find(name: str) -> Optional[_Known]:
    if name in OPTIONS:
        return _Known(OPTIONS[name])
    section, _, rest = name.partition("__")
    if section == CAMERA:
        camera, _, key = rest.rpartition("__")
        return _Known(_CAMERA_KEYS[key], camera) if camera and key in _CAMERA_KEYS else None
    return _Known(TABLES[section][rest]) if rest in TABLES.get(section, ()) else None


def _remedy(name: str) -> str:
    camera = re.fullmatch("camera_+(.*?)_*", name)
    if camera is not None and camera.group(1):
        before, _, key = camera.group(1).rpartition("_")
        if key == "name":
            return f"The variable says the name itself, as in {ENVIRONMENT_PREFIX}CAMERA__FRONT__SOURCE."
        near = difflib.get_close_matches(key, _CAMERA_KEYS, 1) if before else []
        return f"Of one camera: {_variable('__'.join([CAMERA, before.strip('_') or 'name', *(near or ['source'])]))}."
    sections = [f"{table}__{key}" for table, keys in TABLES.items() if table != CAMERA for key in keys]
    known = sections if "__" in name else OPTIONS
    return nearest(name, known, "The variables are", _variable)


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()
