"""Puts the settings together: command line over environment over settings file over default."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

from fer_edge.errors import FerEdgeError, SettingsError, UsageError
from fer_edge.settings.cameras import Chosen, choose_cameras
from fer_edge.settings.file import SettingsFile
from fer_edge.settings.from_environment import ENVIRONMENT_PREFIX, from_environment
from fer_edge.settings.from_file import from_file
from fer_edge.settings.layer import Given, Layer, nearest, parse
from fer_edge.settings.log import LOG_FORMATS
from fer_edge.settings.settings import CAMERA, OPTIONS, Settings
from fer_edge.sinks.dates import PERCENT, DatedName
from fer_edge.sinks.names import has_camera, refuse_two_cameras
from fer_edge.sinks.registry import SINKS, Place

Arguments = Mapping[str, Union[str, Sequence[str]]]
"""What the command line gives, by the names of its options; of ``camera`` all that it names."""


def load_settings(
    arguments: Arguments,
    environment: Optional[Mapping[str, str]] = None,
    file: Union[Path, SettingsFile, None] = None,
    watching: bool = True,
) -> Settings:
    """Put the settings together.

    Parameters
    ----------
    arguments : mapping
        What the command line gives, by the names of its options; wins over everything else.
    environment : mapping of str to str, optional
        Where ``FER_EDGE_*`` variables are looked up; the process's own by default. An empty one counts as not set.
    file : Path or SettingsFile, optional
        A TOML file, to be read or already read: its keys are those of the sections' tables, or the options' names above all
        tables, with ``-`` or ``_``.
    watching : bool
        Whether the cameras matter. Where not, they are those of the default: a command that only asks a running program must
        not stumble over what that one got on its command line.

    Raises
    ------
    SettingsError, UsageError
        An unknown name (with the nearest known one), a value that makes no sense, or cameras that cannot be together; with
        the place that it came from.
    """
    path: Optional[Path] = None
    caution = ""
    layers = [Layer(), from_environment(os.environ if environment is None else environment), _from_arguments(arguments)]
    if file is not None:
        content = file if isinstance(file, SettingsFile) else SettingsFile.read(file)
        path, caution = content.path, content.caution
        layers[0] = from_file(content)
    chosen = choose_cameras(*layers) if watching else Chosen(Settings().cameras, {})
    said = {option: given for layer in layers for option, given in layer.options.items()}
    values = {option: given.value for option, given in said.items() if OPTIONS[option].section != "cameras"}
    origins = {option: given.place for option, given in said.items() if given.place}
    settings = replace(
        Settings().changed(**values),
        cameras=chosen.cameras,
        origins={**origins, **chosen.origins},
        caution=caution,
        left_out=chosen.left_out,
        file=path,
    )
    if watching:
        _refuse_names_that_will_not_do(settings)
        _refuse_events_without_tracks(settings)
    return settings


def check_value(name: str, value: Any) -> Any:
    """Return a setting's value as a program gives it: text, or what a settings file may hold in its place.

    Raises
    ------
    UsageError
        It makes no sense; the message says what it may be.
    """
    return parse(OPTIONS[name].setting, value, "", name, UsageError)


def known_log_format(
    arguments: Arguments,
    environment: Optional[Mapping[str, str]] = None,
    file: Optional[Path] = None,
) -> str:
    """Return the log's format as far as it is known, for the message that other settings are wrong. Raises nothing."""
    environment = os.environ if environment is None else environment
    variables = (f"{ENVIRONMENT_PREFIX}{name}" for name in ("LOG_FORMAT", "LOG__FORMAT"))
    given = arguments.get("log_format") or next(filter(None, map(environment.get, variables)), None)
    if not given and file is not None:
        try:
            values = SettingsFile.read(file).values
        except FerEdgeError:
            values = {}
        table = values.get("log")
        inside = table.get("format") if isinstance(table, dict) else None
        given = values.get("log_format") or values.get("log-format") or inside
    return given if isinstance(given, str) and given in LOG_FORMATS else "text"


def settings_file(given: Optional[str]) -> Optional[Path]:
    """Return the settings file that ``--config`` or ``FER_EDGE_CONFIG`` names, or None."""
    name = given or os.environ.get("FER_EDGE_CONFIG")
    return Path(os.path.expanduser(name)) if name else None


def _from_arguments(arguments: Arguments) -> Layer:
    layer = Layer()
    for name, given in arguments.items():
        if name not in OPTIONS:
            raise SettingsError(f"There is no setting '{name}'.", nearest(name, OPTIONS, "The settings are"))
        setting, shown = OPTIONS[name].setting, "--" + name.replace("_", "-")
        texts = [given] if isinstance(given, str) else given
        values = [parse(setting, text, "", shown, UsageError) for text in texts]
        if setting.kind.gathered and len(values) > 1:
            # Together they are held to what one text of them all would be.
            values = [parse(setting, ";".join(texts), "", shown, UsageError)]
        layer.options[name] = Given(values if name == CAMERA else values[-1])
    return layer


def _refuse_names_that_will_not_do(settings: Settings) -> None:
    cameras = len(settings.cameras)
    for kind in SINKS:
        if kind.where is Place.ADDRESS:
            continue
        place = kind.place(settings)
        with settings.located(kind.option):
            if DatedName(place).dated and kind.where is Place.FILE:
                raise UsageError(
                    f"--{kind.option} '{place}' holds a field for the time, and the {kind.what} is one file.",
                    f"Leave it out; {PERCENT} is a percent sign.",
                )
            if place and not kind.several and cameras > 1 and not has_camera(place):
                raise refuse_two_cameras(kind, place, cameras)


def _refuse_events_without_tracks(settings: Settings) -> None:
    if settings.outputs.events and not settings.tracks.on:
        with settings.located("events" if settings.place("events") else "tracks"):
            raise UsageError(
                "--events needs faces that are followed, and --tracks is off.", "Leave out one of the two."
            )
