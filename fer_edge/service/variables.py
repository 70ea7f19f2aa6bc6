"""The file of variables that systemd gives to the service: settings that were asked for at the installation, and secrets."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping

from fer_edge.errors import UsageError
from fer_edge.settings.from_environment import ENVIRONMENT_PREFIX
from fer_edge.settings.layer import nearest
from fer_edge.settings.settings import OPTIONS
from fer_edge.system.masking import printable

_MEANS_MORE = re.compile(r"[\\\"'\x00-\x1f\x7f\ud800-\udfff]|^\s|\s$")
"""What systemd would read as more than a character, or not at all: see ``EnvironmentFile=`` in systemd.exec(5)."""


def read_variables(content: bytes) -> Dict[str, str]:
    """Return the variables that a file sets for systemd."""
    lines = [
        line for line in content.decode("utf-8", "replace").splitlines() if not line.lstrip().startswith(("#", ";"))
    ]
    pairs = [line.partition("=") for line in lines if "=" in line]
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def as_variables(asked: Iterable[str]) -> Dict[str, str]:
    """Return settings, each given as ``NAME=VALUE`` with the name of its option, as variables.

    Raises
    ------
    UsageError
        It is no setting, belongs on no command line, or systemd would read its value otherwise.

    Examples
    --------
    >>> as_variables(["history=history.db", "web-names=nano.local"])
    {'FER_EDGE_HISTORY': 'history.db', 'FER_EDGE_WEB_NAMES': 'nano.local'}
    """
    found: Dict[str, str] = {}
    for text in asked:
        name, equals, value = text.partition("=")
        option = OPTIONS.get(name.replace("-", "_"))
        if option is None or not equals:
            hint = nearest(name.replace("-", "_"), OPTIONS, "Settings") if equals else ""
            raise UsageError(
                f"--set '{printable(text)}' is no setting with its value.",
                hint or "Such as --set history=history.db; docs/settings.md lists the names.",
            )
        variable = f"{ENVIRONMENT_PREFIX}{option.setting.option.upper()}"
        where = f"Write  {variable}=  and the value into /etc/fer-edge/fer-edge.env instead."
        if option.setting.private:
            raise UsageError(
                f"--set {name}: it does not belong on a command line, which everybody on this machine can read.", where
            )
        if _MEANS_MORE.search(value):
            raise UsageError(
                f"--set {name}: a value with quotes, \\ or characters that are not shown is for its file.", where
            )
        found[variable] = value
    return found


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """Return the text of a file of variables, in which these are set; an empty value takes one away, and all else stays."""
    left = dict(variables)
    lines: List[str] = []
    for line in text.splitlines():
        name, equals, _ = line.partition("=")
        if equals and name.strip() in variables:
            value = left.pop(name.strip(), "")
            if not value:
                continue
            line = f"{name.strip()}={value}"  # noqa: PLW2901
        lines.append(line)
    lines += [f"{name}={value}" for name, value in left.items() if value]
    return "\n".join(lines) + "\n"
