"""Where a network comes from, for the metadata of its file: the recipe and what differed from it, and the code's commit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fer_edge.board.program import run_program
from fer_edge.errors import UsageError
from fer_edge.system.masking import printable
from fer_edge.training.recipe import MACHINE, TrainSettings
from fer_edge.training.recipe_file import load_recipe

ROOT = Path(__file__).resolve().parents[2]
"""The checkout, where the program runs in one."""

LONGEST = 10_000
"""Characters of a recipe with all that differs from it; ours have a tenth."""

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
    # In a hook of git, its variables name another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    ran = run_program(("git", "-C", str(root), *describe), SECONDS, {**environment, "GIT_OPTIONAL_LOCKS": "0"})
    return ran.output.strip() if ran is not None and ran.status == 0 else ""


def origin_of(settings: TrainSettings, commit: str) -> dict[str, str]:
    """Return what a checkpoint, and the file that is exported from it, say of where the weights come from.

    Parameters
    ----------
    settings
        The run.
    commit
        As `commit_of` gives it when the run starts, or goes on.

    Returns
    -------
    dict of str to str
        ``recipe``: its name, and in brackets the settings in which the run differs from it, or from the defaults where it is
        none that is shipped; not those that say where it runs; of files their names, without the folder. ``commit``. What is
        not known is left out.
    """
    facts = {"recipe": settings.recipe and settings.recipe + _differing(settings), "commit": commit}
    return {key: value for key, value in facts.items() if value}


def origin_in(checkpoint: Mapping[str, Any]) -> dict[str, str]:
    """Return what a checkpoint says of its origin, as `origin_of` made it; of what is something else nothing.

    A checkpoint may be somebody else's: it has no say in what a file tells of its accuracy or licence.
    """
    told = checkpoint.get("origin")
    facts = {key: told.get(key) for key in ("recipe", "commit")} if isinstance(told, dict) else {}
    return {key: printable(value, LONGEST) for key, value in facts.items() if isinstance(value, str) and value}


def origin_of_mean(origins: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what the mean of several runs says of its origin: the recipe of each, and each commit once.

    Where one of them does not know its recipe or its commit, neither does the mean. One run alone is as it is.
    """
    known = {key: [origin[key] for origin in origins] for key in origins[0] if all(key in each for each in origins)}
    if len(origins) > 1 and "recipe" in known:
        known["recipe"] = ["mean of " + " and ".join(known["recipe"])]
    return {key: printable(", ".join(dict.fromkeys(values)), LONGEST) for key, values in known.items()}


def _differing(settings: TrainSettings) -> str:
    try:
        recipe = _flat(load_recipe(settings.recipe))
    except UsageError:
        recipe = _flat(TrainSettings())
    changed = [f"{key} = {json.dumps(value)}" for key, value in _flat(settings).items() if recipe[key] != value]
    return f" ({', '.join(changed)})" if changed else ""


def _flat(settings: TrainSettings) -> dict[str, Any]:
    """Return the settings that decide what a run gives, those of tables as ``table.key``, as JSON has them."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": one for inner, one in value.items()})
        elif key in ("start", "teacher"):
            flat[key] = ", ".join(Path(file.strip()).name for file in value.split(","))
        elif key not in (*MACHINE, "recipe"):
            flat[key] = value
    return flat
