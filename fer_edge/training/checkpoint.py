"""Files that survive a power cut: written beside, flushed to the disk, then renamed over the old one."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Replace ``path`` by what ``write`` writes, or leave it as it was.

    A reader, or the next run after a crash, sees the old file or the new one, never a part of one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors and plain values) to ``path`` atomically."""
    write_atomically(path, lambda file: torch.save(state, file))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, tensors on the CPU; no code in the file is run.

    Raises
    ------
    ValueError
        If there is no such file or it is no checkpoint.
    """
    if not path.is_file():
        raise ValueError(f"no checkpoint at {path}: train first, or give the path of a .pt file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is not a checkpoint that can be read: {error}") from error
    if not isinstance(state, dict) or "ema" not in state:
        raise ValueError(f"{path} is not a checkpoint of fer-edge train: it has no averaged weights")
    return state
