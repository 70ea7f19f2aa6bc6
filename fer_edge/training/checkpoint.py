"""Checkpoints: everything that a training run needs to go on, in one file."""

from __future__ import annotations

import io
import pickle
import re
import warnings
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import nn

from fer_edge.errors import CheckpointError, UsageError
from fer_edge.system.masking import printable
from fer_edge.system.regular_file import open_regular
from fer_edge.training.atomic import write_atomically
from fer_edge.training.origin import origin_in
from fer_edge.zoo.catalogue import find_network
from fer_edge.zoo.network import Network

OURS = re.compile(rb"PK\x03\x04.{26}[^/]{1,99}/data\.pkl.*finished_epochs", re.DOTALL)
"""How a checkpoint of ours begins: the table of its contents comes first."""

_ANEW = "Give another, or train anew."


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
        If there is no such file, it is damaged, or it is no checkpoint.
    """
    try:
        with open_regular(path) as file, warnings.catch_warnings():
            # Of bytes that are no checkpoint, torch may first say that their pickle protocol is unusual.
            warnings.simplefilter("ignore")
            _check_sums(path, file)
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointError(f"There is no checkpoint at {path}.", "Train first, or give a best.pt's path.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"{path} cannot be read: {reason}.", _ANEW) from error
    except pickle.UnpicklingError as error:
        # What torch says advises to run the code in it.
        raise CheckpointError(f"{path} is no checkpoint.", "Give a best.pt that 'fer-edge train' wrote.") from error
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {error}", _ANEW) from error
    if not isinstance(state, dict) or not isinstance(state.get("ema"), dict):
        raise CheckpointError(f"{path} has no averaged weights.", "Give a checkpoint that 'fer-edge train' wrote.")
    return state


def _check_sums(path: Path, file: BinaryIO) -> None:
    """Compare the parts of a checkpoint with their checksums, which PyTorch does not look at."""
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(file) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
            # Ours never are; a packed one may be of any size.
            raise CheckpointError(f"{path} is no checkpoint.", "Give a best.pt that 'fer-edge train' wrote.")
        damaged = archive.testzip()
        if damaged:
            raise CheckpointError(f"{path} is damaged: its {printable(damaged)} is not what was written.", _ANEW)
    file.seek(0)


@dataclass(frozen=True)
class Trained:
    """What a finished or unfinished run gives.

    Attributes
    ----------
    path
        Of the checkpoint.
    entry
        The network in the catalogue.
    network
        With its averaged weights, ready to evaluate.
    colour
        What it was trained to see: ``gray`` or ``rgb``.
    origin
        As `fer_edge.training.origin.origin_in` gives it.
    """

    path: Path
    entry: Network
    network: nn.Module
    colour: str
    origin: dict[str, str]


def load_trained(path: Path) -> Trained:
    """Build the network of a checkpoint.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, it is damaged, or it holds the weights of another network than it names, or weights
        that are no numbers.
    """
    state = load_checkpoint(path)
    # Checkpoints written before there was a choice of networks are FerNet's and grey, and do not say so.
    colour = str(state.get("colour", "gray"))
    try:
        entry = find_network(str(state.get("network", "fernet")))
        network = entry.build(0.0)
        weights = dict(state["ema"])
        for name, place in network.state_dict().items():
            if weights[name].dtype.is_floating_point != place.dtype.is_floating_point or weights[name].is_complex():
                raise TypeError(name)
        network.load_state_dict(weights)
    except (UsageError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} holds the weights of another network than it names.", "Export it with the version that wrote it."
        ) from error
    for name, value in network.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{path} is damaged: its weights {name} are no numbers.", _ANEW)
    if colour not in ("gray", "rgb"):
        raise CheckpointError(f"{path} was trained on the colour {printable(colour)!r}, which there is not.", _ANEW)
    return Trained(path, entry, network.eval(), colour, origin_in(state))
