"""Checkpoints: everything that a training run needs to go on, in one file."""

from __future__ import annotations

import io
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fer_edge.errors import CheckpointError, UsageError
from fer_edge.training.atomic import write_atomically
from fer_edge.zoo.catalogue import find_network
from fer_edge.zoo.network import Network

OURS = re.compile(rb"PK\x03\x04.{26}[^/]{1,99}/data\.pkl.*finished_epochs", re.DOTALL)
"""How a checkpoint of ours begins: the table of its contents comes first."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors and plain values) to ``path``, which holds the old or the new state at any moment."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue(), OURS)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, tensors on the CPU; no code in the file is run.

    Raises
    ------
    CheckpointError
        If there is no such file or it is no checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}.", "Train first, or give the path of a best.pt.")
    try:
        with warnings.catch_warnings():
            # Of bytes that are no checkpoint, torch may first say that their pickle protocol is unusual.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # What torch says advises to run the code in it.
        raise CheckpointError(f"{path} is no checkpoint.", "Give a best.pt that 'fer-edge train' wrote.") from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: {error}", "Give another, or train anew."
        ) from error
    if not isinstance(state, dict) or "ema" not in state:
        raise CheckpointError(f"{path} has no averaged weights.", "Give a checkpoint that 'fer-edge train' wrote.")
    return state


def colour_of(path: Path) -> str:
    """Return what the network of a checkpoint was trained to see: ``gray`` or ``rgb``.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint or it is damaged.
    """
    # Checkpoints that do not say so were trained grey.
    return str(load_checkpoint(path).get("colour", "gray"))


def load_network(path: Path) -> tuple[Network, nn.Module]:
    """Build the network of a checkpoint with its averaged weights, ready to evaluate, and say which one it is.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, it is damaged, or it holds the weights of another network than it names.
    """
    state = load_checkpoint(path)
    try:
        # Checkpoints written before there was a choice of networks are FerNet's and do not say so.
        entry = find_network(str(state.get("network", "fernet")))
        network = entry.build(0.0)
        network.load_state_dict(state["ema"])
    except (UsageError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} holds the weights of another network than it names.", "Export it with the version that wrote it."
        ) from error
    return entry, network.eval()
