"""How the operating system says that a file cannot grow."""

from __future__ import annotations

import errno


def is_disk_full(error: OSError) -> bool:
    """Return whether no space, quota or permitted size was left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
