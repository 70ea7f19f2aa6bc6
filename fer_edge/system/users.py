"""Names of users and groups; a number may have none, as in a container."""

from __future__ import annotations

from typing import Optional

from fer_edge.system.unix import user_id


def user_name(number: int) -> str:
    """Return a user's name; the number where there is none."""
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)


def group_name(number: int) -> str:
    """Return a group's name; the number where there is none."""
    try:
        import grp

        return grp.getgrgid(number).gr_name
    except (ImportError, KeyError):
        return str(number)


def own_name() -> Optional[str]:
    """Return the name of the user that this process runs as; None where there is none."""
    number = user_id()
    name = user_name(number)
    return None if name == str(number) else name
