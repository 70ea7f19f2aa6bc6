"""Takes out of a report what nobody needs for help: who the user is."""

from __future__ import annotations

import os
import re
from typing import Optional

from fer_edge.system.masking import mask
from fer_edge.system.users import own_name

_FOLDERS_OF_USERS = re.compile(r"(/home/|/media/|/run/media/|/Users/)[^/\s'\",:;)]+")


def without_identity(text: str, home: Optional[str] = None, user: Optional[str] = None) -> str:
    """Return a text without the user's name and home folder, other users' folders, and what is secret in URLs.

    Parameters
    ----------
    home, user : str, optional
        Those of this process unless given.
    """
    home = os.path.expanduser("~") if home is None else home
    user = own_name() if user is None else user
    text = mask(text)
    if len(home) > 1:
        text = re.sub(re.escape(home.rstrip("/")) + r"(?![\w.-])", "~", text)
    text = _FOLDERS_OF_USERS.sub(r"\1USER", text)
    # Only as a part of a path: users are called nano and video, too.
    return re.sub(rf"(?<=/){re.escape(user)}(?![\w.-])", "USER", text) if user else text
