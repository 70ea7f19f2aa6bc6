"""Recipes as TOML files: shipped by name, or a user's own by path; one may extend another."""

from __future__ import annotations

import difflib
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from fer_edge.errors import UsageError
from fer_edge.training.recipe import TrainSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).resolve().parent / "recipes"
"""Where the shipped recipes lie."""

_DEEPEST = 8


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with fer-edge."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_recipe(name: str) -> TrainSettings:
    """Read a recipe.

    Parameters
    ----------
    name
        A shipped recipe's name, or the path of a TOML file. Its keys are the fields of
        `fer_edge.training.recipe.TrainSettings`, the tables ``[targets]`` and ``[augmentation]`` those of the values
        there; ``extends`` names the recipe whose values hold where it says nothing.

    Raises
    ------
    UsageError
        If there is no such recipe, it is not TOML, or a key or a value is not what a recipe has.
    """
    return replace(_load(name, Path("."), _DEEPEST), recipe=Path(name).stem)


def _load(name: str, beside: Path, depth: int) -> TrainSettings:
    path = _find(name, beside)
    if depth == 0:
        raise UsageError(f"The recipe {path} extends itself, or too long a row of others.", "Break the circle.")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {path} cannot be read: {error}.", "It must be UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The recipe {path} is not TOML: {error}.", "Write lines such as  epochs = 36") from error
    extends = values.pop("extends", None)
    if extends is not None and not isinstance(extends, str):
        raise UsageError(f"{path}: extends must be text.", "Name one recipe.")
    base = _load(extends, path.parent, depth - 1) if extends else TrainSettings()
    settings: TrainSettings = _with(base, values, path, "")
    return settings


def _find(name: str, beside: Path) -> Path:
    given = Path(name)
    if given.suffix == ".toml" or given.name != name:
        for path in (given, beside / given):
            if path.is_file():
                return path
        raise UsageError(f"There is no recipe file {given}.", "Check the path.")
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UsageError(
            f"There is no recipe named {name!r}.", f"Known: {', '.join(shipped_recipes())}; or give a .toml file."
        )
    return path


def _with(base: Any, values: dict[str, Any], path: Path, table: str) -> Any:
    known = {known.name for known in fields(base)} - {"recipe"}
    changed = {}
    for key, value in values.items():
        name = f"{table}{key}"
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            remedy = f"Did you mean {table}{near[0]}?" if near else f"Known keys: {', '.join(sorted(known))}."
            raise UsageError(f"{path}: a recipe has no key '{name}'.", remedy)
        present = getattr(base, key)
        if is_dataclass(present):
            if not isinstance(value, dict):
                raise UsageError(f"{path}: '{name}' must be a table.", f"Write [{name}] and its keys below.")
            changed[key] = _with(present, value, path, f"{name}.")
        else:
            changed[key] = _like(present, value, path, name)
    return replace(base, **changed)


def _like(present: Any, value: Any, path: Path, name: str) -> Any:
    """Return ``value`` in the type of ``present``."""
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(present, tuple) and isinstance(value, list) and value:
        kind = type(present[0])
        items = tuple(float(item) if kind is float and isinstance(item, int) else item for item in value)
        fits = kind is str or len(items) == len(present)
        if fits and all(isinstance(item, kind) for item in items):
            return items
    elif type(value) is type(present):
        return value
    raise UsageError(f"{path}: '{name}' cannot be {value!r}.", f"It looks like  {name} = {_shown(present)}")


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
