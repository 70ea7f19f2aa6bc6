"""What a settings file says: keys above its tables, a table for each section, and one for each camera."""

from __future__ import annotations

from typing import Any, Mapping

from fer_edge.errors import SettingsError
from fer_edge.settings.file import SettingsFile
from fer_edge.settings.layer import CameraTable, Given, Layer, nearest, parse, put
from fer_edge.settings.settings import CAMERA, OPTIONS, TABLES, Option
from fer_edge.settings.values import TEXT

_NO_TABLE = "Settings above the first table are: {}. The tables are: {}."


def from_file(file: SettingsFile) -> Layer:
    """Return what a file says.

    Raises
    ------
    SettingsError
        An unknown key or table, a value that makes no sense, or one that stands there twice; with the line.
    """
    layer = Layer()
    for key, value in file.values.items():
        name, place = key.replace("-", "_"), file.place(key)
        if name == CAMERA and isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for number, keys in enumerate(value):
                layer.tables.append(_camera(file, key, number, keys))
        elif name == CAMERA and isinstance(value, (dict, list)):
            raise SettingsError(
                f"{place}: a camera's table begins with [[camera]], in double brackets.",
                'Write its name below, as in  name = "front" ; and  source = "0" .',
            )
        elif name in OPTIONS and not _is_table(value):
            _put(layer, OPTIONS[name], key, value, place, key)
        elif name in TABLES and name != CAMERA:
            if not isinstance(value, dict):
                raise SettingsError(f"{place}: {key} is a table.", f"Write  [{name}]  and its keys below.")
            for inner, given in value.items():
                known = _find(TABLES[name], inner, name, file.place(key, inner))
                _put(layer, known, inner, given, file.place(key, inner), f"{key}.{inner}")
        else:
            raise _unknown(file, key, value)
    return layer


def _put(layer: Layer, known: Option, key: str, value: Any, place: str, shown: str) -> None:
    given = Given(parse(known.setting, value, place, key), place)
    put(layer.options, known.setting.option, given, shown)


def _camera(file: SettingsFile, key: str, number: int, keys: Mapping[str, Any]) -> CameraTable:
    table = CameraTable("", file.place(key, number))
    for inner, value in keys.items():
        place = file.place(key, number, inner)
        known = _find(TABLES[CAMERA], inner, CAMERA, place)
        put(table.keys, known.field, Given(parse(known.setting, value, place, inner), place), inner)
    named = table.keys.pop("name", None)
    table.name = named.value if named else ""
    return table


def _find(keys: Mapping[str, Option], key: str, table: str, place: str) -> Option:
    """Return what a key of a table sets. Raises SettingsError with the nearest known one, or where the key belongs."""
    name = key.replace("-", "_")
    if name in keys:
        return keys[name]
    header = "[[camera]]" if table == CAMERA else f"[{table}]"
    elsewhere = [f"[{other}]" for other, its in TABLES.items() if name in its and other != CAMERA]
    option = OPTIONS.get(name)
    if option is not None and option.field in keys and keys[option.field] == option:
        remedy = f"Did you mean '{option.field}'?"
    elif option is not None:
        remedy = (
            f"Move it above the first line with a [table], or write it as '{option.field}' into [{option.section}]."
        )
        if option.section == "cameras":
            remedy = f"Move it above the first line with a [table], or write '{option.field}' into a [[camera]]."
    elif elsewhere:
        remedy = f"It belongs into {' or '.join(elsewhere)}."
    else:
        remedy = nearest(name, keys, f"The keys of {header} are")
    raise SettingsError(f"{place}: there is no setting {TEXT.show(key)} in {header}.", remedy)


def _unknown(file: SettingsFile, key: str, value: Any) -> SettingsError:
    tables = [name for name in TABLES if name != CAMERA]
    if _is_table(value):
        for inner in value if isinstance(value, dict) else ():
            if inner.replace("-", "_") in OPTIONS and not nearest(key, tables, "").startswith("Did"):
                return SettingsError(
                    f"{file.place(key, inner)}: {inner} stands in the table {TEXT.show(key)}, which is none of ours.",
                    f"Move it above the first line with a [table], or into one of: {', '.join(tables)}.",
                )
        remedy = nearest(key, [*tables, CAMERA], "The tables are")
        return SettingsError(f"{file.place(key)}: there is no setting {TEXT.show(key)}, and no such table.", remedy)
    names = [*OPTIONS, *tables]
    remedy = nearest(key.replace("-", "_"), names, "The settings are")
    return SettingsError(f"{file.place(key)}: there is no setting {TEXT.show(key)}.", remedy)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))
