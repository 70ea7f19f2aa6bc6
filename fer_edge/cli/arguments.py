"""The command line's half of the settings: an option for each of them."""

from __future__ import annotations

import argparse
import os
from typing import AbstractSet, Any, Dict, List, Optional, Tuple

from fer_edge.errors import UsageError
from fer_edge.settings.field import told_default
from fer_edge.settings.settings import setting_options
from fer_edge.settings.values import FLAG

ONE_ONLY = ("backend", "device", "precision")
"""Settings of which two values on one command line are a contradiction, and not a second thought."""

SEVERAL = ("camera", "model", "region")
"""Settings that a command line may give several times."""


def add_settings(
    parser: argparse.ArgumentParser,
    hidden: AbstractSet[str] = frozenset(),
    only: Optional[AbstractSet[str]] = None,
) -> None:
    """Declare ``--config`` and an option for every setting, in groups; the help is silent about those that are hidden.

    Parameters
    ----------
    hidden : set of str
        Names of settings that are taken all the same.
    only : set of str, optional
        Names of the settings that a verb takes; others are none of its options.
    """
    parser.add_argument("--config", metavar="FILE", help="a TOML file with settings")
    groups: Dict[str, argparse._ArgumentGroup] = {}
    for known in setting_options():
        if only is not None and known.setting.option not in only:
            continue
        title = known.setting.group
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        shown = told_default(known.setting, known.default)
        default = f" (default: {shown})" if shown else ""
        name = known.setting.option
        # A switch may stand alone: --blur is --blur true.
        alone: Dict[str, Any] = {"nargs": "?", "const": "true"} if known.setting.kind is FLAG else {}
        groups[title].add_argument(
            "--" + name.replace("_", "-"),
            metavar=known.setting.metavar,
            help=argparse.SUPPRESS
            if name in hidden or known.setting.private
            else (known.setting.help + default).replace("%", "%%"),
            action="append" if name in SEVERAL else _Once if name in ONE_ONLY else "store",
            **alone,
        )
    if only is not None:
        return
    groups["output"].add_argument(
        "--no-bars",
        dest="bars",
        action="store_const",
        const="false",
        help=argparse.SUPPRESS if "bars" in hidden else "the same as --bars false",
    )


def given_settings(options: argparse.Namespace) -> Tuple[Dict[str, Any], List[str]]:
    """Return what the command line sets, by the name of the setting, and all the models that it names.

    Each is a text, and ``camera`` and ``region`` are lists of them.
    """
    given: Dict[str, Any] = {
        known.setting.option: getattr(options, known.setting.option)
        for known in setting_options()
        if getattr(options, known.setting.option, None) is not None
    }
    models = [os.path.expanduser(model) for model in given.pop("model", [])]
    if models:
        given["model"] = models[0]
    return given, models


def limit(text: str) -> float:
    """Read a number from 0 on, for `argparse`."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"it must be a number from 0 on, and {text!r} is none")
    return value


class _Once(argparse.Action):
    """Refuses a second, different value; with most options the last one wins."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option: Optional[str] = None,
    ) -> None:
        earlier = getattr(namespace, self.dest)
        if earlier not in (None, values):
            raise UsageError(f"{option} was given as {earlier} and as {values}.", "Choose one of them, or auto.")
        setattr(namespace, self.dest, values)
