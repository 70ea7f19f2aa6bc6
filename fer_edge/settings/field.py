"""One setting: what it is called everywhere, what it may be, and what it is for."""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from typing import Any

from fer_edge.settings.values import DEADLINE, DURATION, STORAGE, Kind

LABEL = "setting"


@dataclass(frozen=True)
class Setting:
    """What is known of a setting beside its default.

    Attributes
    ----------
    option : str
        Its name on the command line, above the tables of a file, and in short variables: ``log_format`` is ``--log-format``
        and ``FER_EDGE_LOG_FORMAT``. Empty where it can only be said of one camera.
    kind : Kind
        What its value may be.
    metavar : str
        Stands for the value in ``--help``.
    group : str
        Of options in ``--help``.
    help : str
        What it is for.
    private : bool
        Whether it is refused on the command line, which everybody on the machine can read.
    """

    option: str
    kind: Kind
    metavar: str
    group: str
    help: str
    private: bool = False


def setting(
    option: str, default: Any, kind: Kind, metavar: str, group: str, help_text: str, private: bool = False
) -> Any:
    """Declare a field of a section of the settings."""
    return field(default=default, metadata={LABEL: Setting(option, kind, metavar, group, help_text, private)})


def described(known: Field[Any]) -> Setting:
    """Return what is known of a field that `setting` declared."""
    found: Setting = known.metadata[LABEL]
    return found


def told_default(known: Setting, default: Any) -> str:
    """Return a default as people would write it, ``30d`` and not 2592000.0; empty where there is none."""
    if default in (None, "", ()):
        return ""
    if known.kind is DURATION:
        size, unit = next((size, unit) for size, unit in _UNITS_OF_TIME if default % size == 0)
        return f"{default // size:.0f}{unit}"
    if known.kind is DEADLINE:
        return f"{default * 1000:g}ms"
    if known.kind is STORAGE:
        return f"{default / 1e6:.0f}MB"
    return str(default).lower() if isinstance(default, bool) else str(default)


_UNITS_OF_TIME = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
