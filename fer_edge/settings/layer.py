"""What one place says: the command line, the environment, or the settings file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Type

from fer_edge.errors import FerEdgeError, SettingsError, UsageError
from fer_edge.settings.field import Setting
from fer_edge.settings.values import Unfit


class Given(NamedTuple):
    """A value, and where it stands: a file with the line, or a variable; empty for the command line."""

    value: Any
    place: str = ""


@dataclass
class CameraTable:
    """What is said of one camera.

    Attributes
    ----------
    name : str
        Empty where it has none of its own.
    place : str
        Where its table begins, or the first of its variables.
    keys : dict of str to Given
        By field of `CameraSettings`.
    """

    name: str
    place: str
    keys: Dict[str, Given] = field(default_factory=dict)


@dataclass
class Layer:
    """What one place says.

    Attributes
    ----------
    options : dict of str to Given
        By name of the command line; ``camera`` is a text, on the command line a list of them.
    tables : list of CameraTable
        In the order of the file, or of the variables' names.
    """

    options: Dict[str, Given] = field(default_factory=dict)
    tables: List[CameraTable] = field(default_factory=list)


def put(values: Dict[str, Given], key: str, given: Given, shown: str) -> None:
    """Take a value up. Raises SettingsError where there is one already, which would be silently lost."""
    if key in values:
        raise SettingsError(
            f"{given.place}: {shown} is set twice, first by {values[key].place}.", "Remove one of the two."
        )
    values[key] = given


def parse(setting: Setting, value: Any, place: str, shown: str, error: Type[FerEdgeError] = SettingsError) -> Any:
    """Read a value as its setting wants it.

    Parameters
    ----------
    value : object
        Text, or what a settings file may hold in its place.
    place : str
        Where it stands; empty where `shown` says it.
    shown : str
        What the setting is called there.
    error : type
        Raised, with what is allowed, where the value makes no sense.
    """
    try:
        return setting.kind.from_toml(value)
    except ValueError as reason:
        where = f"{place}: {shown}" if place else shown
        why = str(reason) if isinstance(reason, Unfit) else f"it must be {setting.kind.allowed}"
        raise error(
            f"{where}: {setting.kind.show(value)} will not do: {why}.",
            f"What it sets: {setting.help}.",
        ) from reason


def complaint(place: str, message: str, remedy: str) -> FerEdgeError:
    """Return the error for what is wrong with the cameras, by where it was said."""
    return SettingsError(f"{place}: {message}", remedy) if place else UsageError(f"--camera: {message}", remedy)


def nearest(name: str, known: Iterable[str], what: str, written: Callable[[str], str] = str) -> str:
    """Return the remedy for an unknown name: the known one that resembles it, or all of them, as they are `written`."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"Did you mean '{written(near[0])}'?" if near else f"{what}: {', '.join(map(written, sorted(names)))}."
