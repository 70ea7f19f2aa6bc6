"""Names of a package that load their modules when they are first used, so that importing the package stays quick."""

from __future__ import annotations

import importlib
from typing import Any, Callable, Mapping


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to str
        From each name to the module in the package that has it.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807  (what Python calls it)
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return __getattr__
