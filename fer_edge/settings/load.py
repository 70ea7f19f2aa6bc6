"""Puts the settings together: command line over environment over settings file over default."""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Type, Union

from fer_edge.errors import FerEdgeError, SettingsError, UsageError
from fer_edge.settings.environment import is_link
from fer_edge.settings.file import SettingsFile
from fer_edge.settings.log import LOG_FORMATS
from fer_edge.settings.settings import OPTIONS, Option, Settings
from fer_edge.settings.values import TEXT, Kind

ENVIRONMENT_PREFIX = "FER_EDGE_"
"""A setting ``camera`` is read from the variable ``FER_EDGE_CAMERA``."""


def load_settings(
    arguments: Mapping[str, str],
    environment: Optional[Mapping[str, str]] = None,
    file: Union[Path, SettingsFile, None] = None,
) -> Settings:
    """Put the settings together.

    Parameters
    ----------
    arguments : mapping of str to str
        What the command line gives, by field name; wins over everything else.
    environment : mapping of str to str, optional
        Where ``FER_EDGE_*`` variables are looked up; the process's own by default. An empty one counts as not set.
    file : Path or SettingsFile, optional
        A TOML file, to be read or already read; its keys are the field names, with ``-`` or ``_``.

    Raises
    ------
    SettingsError, UsageError
        An unknown name (with the nearest known one), or a value that makes no sense, with the place that it came from.
    """
    environment = os.environ if environment is None else environment
    values: Dict[str, Any] = {}
    origins: Dict[str, str] = {}
    caution = ""
    path: Optional[Path] = None
    if file is not None:
        content = file if isinstance(file, SettingsFile) else SettingsFile.read(file)
        path = content.path
        values.update(_from_file(content))
        caution = content.caution
        origins.update((key.replace("-", "_"), content.place(key)) for key in content.values)
    for variable in sorted(environment):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in _OTHER_VARIABLES:
            name = variable[len(ENVIRONMENT_PREFIX) :].lower()
            if name not in OPTIONS and is_link(variable[len(ENVIRONMENT_PREFIX) :], environment[variable]):
                continue
            known = _find(name, f"The environment variable {variable} is no setting")
            if not environment[variable]:  # as compose and env files leave what is not set
                continue
            values[known.setting.option] = _parse(known, environment[variable], variable)
            origins[known.setting.option] = variable
    for name, text in arguments.items():
        known = _find(name, f"There is no setting '{name}'")
        values[known.setting.option] = _parse(known, text, "--" + name.replace("_", "-"))
        origins.pop(known.setting.option, None)
    return replace(Settings.of(**values), origins=origins, caution=caution, file=path)


def check_value(name: str, value: Any) -> Any:
    """Return a setting's value as a program gives it: text, or what a settings file may hold in its place.

    Raises
    ------
    UsageError
        It makes no sense; the message says what it may be.
    """
    known = OPTIONS[name]
    try:
        return known.setting.kind.from_toml(value)
    except ValueError as error:
        raise _refusal(known, value, name, UsageError) from error


def known_log_format(
    arguments: Mapping[str, str],
    environment: Optional[Mapping[str, str]] = None,
    file: Optional[Path] = None,
) -> str:
    """Return the log's format as far as it is known, for the message that other settings are wrong. Raises nothing."""
    environment = os.environ if environment is None else environment
    given = arguments.get("log_format") or environment.get(f"{ENVIRONMENT_PREFIX}LOG_FORMAT")
    if not given and file is not None:
        try:
            values = SettingsFile.read(file).values
        except FerEdgeError:
            values = {}
        given = values.get("log_format") or values.get("log-format")
    return given if isinstance(given, str) and given in LOG_FORMATS else "text"


def settings_file(given: Optional[str]) -> Optional[Path]:
    """Return the settings file that ``--config`` or ``FER_EDGE_CONFIG`` names, or None."""
    name = given or os.environ.get("FER_EDGE_CONFIG")
    return Path(name) if name else None


_OTHER_VARIABLES = ("FER_EDGE_CONFIG", "FER_EDGE_SHARED")


def _from_file(file: SettingsFile) -> Dict[str, Any]:
    values: Dict[str, Any] = {}
    for key, value in file.values.items():
        name = key.replace("-", "_")
        if name not in OPTIONS:
            _refuse_settings_in_a_table(file, key, value)
            _find(name, f"{file.place(key)}: there is no setting {TEXT.show(key)}")
        if name in values:
            raise SettingsError(f"{file.place(key)}: {name} is set twice.", "Remove one of the two lines.")
        known = OPTIONS[name]
        try:
            values[name] = known.setting.kind.from_toml(value)
        except ValueError as error:
            raise _refusal(known, value, f"{file.place(key)}: {key}", SettingsError) from error
    return values


def _refuse_settings_in_a_table(file: SettingsFile, key: str, value: Any) -> None:
    for inner in value if isinstance(value, dict) else ():
        if inner.replace("-", "_") in OPTIONS:
            raise SettingsError(
                f"{file.place(key, inner)}: {inner} stands in the table {TEXT.show(key)}; settings stand in none.",
                "Move it above the first line with a [table].",
            )


def _find(name: str, complaint: str) -> Option:
    if name in OPTIONS:
        return OPTIONS[name]
    near = difflib.get_close_matches(name, OPTIONS, 1)
    hint = f"Did you mean '{near[0]}'?" if near else "The settings are: " + ", ".join(sorted(OPTIONS)) + "."
    raise SettingsError(complaint + ".", hint)


def _parse(known: Option, text: str, where: str) -> Any:
    try:
        return known.setting.kind.read(text)
    except ValueError as error:
        kind = UsageError if where.startswith("--") else SettingsError
        raise _refusal(known, text, where, kind) from error


def _refusal(known: Option, value: Any, where: str, error: Type[FerEdgeError]) -> FerEdgeError:
    kind: Kind = known.setting.kind
    return error(
        f"{where}: {kind.show(value)} will not do: it must be {kind.allowed}.",
        f"What it sets: {known.setting.help}.",
    )
