"""Where a network comes from, for the metadata of its file: the recipe and what differed from it, and the code's commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fer_edge.board.program import run_program
from fer_edge.errors import UsageError
from fer_edge.training.recipe import MACHINE, TrainSettings
from fer_edge.training.recipe_file import load_recipe

ROOT = Path(__file__).resolve().parents[2]
"""The checkout, where the program runs in one."""

SECONDS = 10.0
"""After which git is not waited for any more."""


def commit_of(root: Path = ROOT) -> str:
    """Return the commit of a checkout, 12 digits, with ``+changes`` where files of it were changed; empty of what is none.

    Examples
    --------
    >>> commit_of(Path("/"))
    ''
    """
    if not (root / ".git").exists():
        return ""
    describe = ("describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=+changes")
    ran = run_program(("git", "-C", str(root), *describe), SECONDS)
    return ran.output.strip() if ran is not None and ran.status == 0 else ""


def origin_facts(checkpoint: Mapping[str, Any]) -> dict[str, str]:
    """Return what a file says of where its weights come from.

    Parameters
    ----------
    checkpoint
        As `fer_edge.training.train.train` writes it.

    Returns
    -------
    dict of str to str
        ``recipe``: the recipe's name, and in brackets the settings in which the run differed from it as it is now, or from
        the defaults where it is none that is shipped; of files their names, without the folder. ``commit``: of the code that
        trained. What a checkpoint does not know is left out.
    """
    settings = checkpoint.get("settings") or {}
    name, commit = settings.get("recipe", ""), checkpoint.get("commit", "")
    facts = {"recipe": name + _differing(name, settings)} if name else {}
    return {**facts, "commit": commit} if commit else facts


def _differing(name: str, settings: Mapping[str, Any]) -> str:
    try:
        recipe = _flat(asdict(load_recipe(name)))
    except UsageError:
        # A recipe of the user's own, or of another version.
        recipe = _flat(asdict(TrainSettings()))
    changed = [f"{key} = {json.dumps(value)}" for key, value in _flat(settings).items() if recipe.get(key) != value]
    return f" ({', '.join(changed)})" if changed else ""


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that decide what a run gives, those of tables as ``table.key``, as JSON has them."""
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": one for inner, one in value.items()})
        elif key in ("start", "teacher"):
            flat[key] = ", ".join(Path(file.strip()).name for file in value.split(","))
        elif key not in (*MACHINE, "recipe"):
            flat[key] = value
    return flat
