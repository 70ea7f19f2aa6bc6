"""Who can change a settings file: what stands in it decides which files are written and which commands are run."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import AbstractSet, FrozenSet, List, Optional

from fer_edge.system.regular_file import own_groups
from fer_edge.system.unix import user_id
from fer_edge.system.users import group_name, user_name


def trusted_users() -> FrozenSet[int]:
    """Return the users who may change this one's settings: root, this one, and who became root by sudo."""
    return frozenset([0, user_id(), *_behind_sudo("SUDO_UID")])


def trusted_groups() -> FrozenSet[int]:
    """Return the groups that count as those users: root's, this user's own, and that of who became root by sudo."""
    return own_groups() | frozenset(_behind_sudo("SUDO_GID"))


def who_may_write(found: os.stat_result, trusted: AbstractSet[int], groups: Optional[AbstractSet[int]] = None) -> str:
    """Say who else may write a file, or put others into a folder, as the subject of a sentence; empty for nobody.

    Parameters
    ----------
    found : os.stat_result
        Of the file or folder.
    trusted : set of int
        Users who may.
    groups : set of int, optional
        Groups whose members may; `own_groups` by default.
    """
    if found.st_uid not in trusted:
        return f"the user {user_name(found.st_uid)}"
    # In a sticky folder everybody may write, but nobody replaces another's file.
    if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
        return ""
    if found.st_mode & stat.S_IWOTH:
        return "everybody"
    shared = found.st_gid not in (own_groups() if groups is None else groups)
    return f"the group {group_name(found.st_gid)}" if shared and found.st_mode & stat.S_IWGRP else ""


def who_may_change(path: Path, opened: os.stat_result) -> str:
    """Return by whom and how a settings file can be changed who should not, in a sentence; empty where nobody can.

    Parameters
    ----------
    path : Path
        Where it lies; its folders are looked at, and those behind a link.
    opened : os.stat_result
        Of the open file.
    """
    trusted, groups = trusted_users(), trusted_groups()
    who = who_may_write(opened, trusted, groups)
    if who:
        return f"{who} can change it"
    for folder in _folders(path):
        try:
            found = os.stat(folder)
        except OSError:  # it was removed meanwhile
            continue
        who = who_may_write(found, trusted, groups)
        if who:
            return f"{who} can replace it, by way of the folder {folder}"
    return ""


def _behind_sudo(variable: str) -> List[int]:
    """Return the number that sudo left of who became root; nothing for others, who may set the variable as they like."""
    asked = os.environ.get(variable, "")
    return [int(asked)] if user_id() == 0 and asked.isascii() and asked.isdecimal() and len(asked) < 11 else []


def _folders(path: Path) -> List[Path]:
    """Return the folders by which a file is reached, each once, the nearest first."""
    ways = (Path(os.path.abspath(path)), Path(os.path.realpath(path)))
    return list(dict.fromkeys(folder for way in ways for folder in way.parents))
