"""A training run: Lightning drives it, a checkpoint after every epoch lets it go on after a kill."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from fer_edge.errors import CheckpointError, UsageError
from fer_edge.training.atomic import check_writable, write_atomically
from fer_edge.training.begin import check_begin
from fer_edge.training.checkpoint import OURS, load_checkpoint, save_checkpoint
from fer_edge.training.cuts import cut_by_detector
from fer_edge.training.data import FaceSet
from fer_edge.training.distill import taught
from fer_edge.training.module import EpochResult, ExpressionTraining, accelerator_of
from fer_edge.training.recipe import MACHINE, TrainSettings
from fer_edge.training.targets import build_targets
from fer_edge.types import LABELS

_log = logging.getLogger(__name__)

_FILES = {
    "best.pt": OURS,
    "settings.json": re.compile(rb'\{\s*"network": "[^"]*",\s*"epochs": \d+,\s*"batch_size": \d+,'),
    "log.csv": re.compile(rb"epoch,seconds,learning_rate,train_loss,train_accuracy,accuracy,"),
}


def check_run(folder: Path) -> None:
    """Make sure that a run can be written to ``folder`` and replaces files of runs only. Raises OutputNotWritable, DiskFull.

    But for ``last.pt``: a run goes on with it, and the reading of it says more.
    """
    for name, ours in _FILES.items():
        check_writable(folder / name, ours)


def train(
    settings: TrainSettings,
    faces: FaceSet,
    validation: FaceSet,
    folder: Path,
    on_epoch: Callable[[EpochResult], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> EpochResult:
    """Train a network, or go on where ``folder`` left off.

    Parameters
    ----------
    settings
        The run. A folder that holds another run's checkpoint is refused.
    faces, validation
        Training and validation sets; the best epoch is chosen by the accuracy on ``validation``.
    folder
        Gets ``last.pt`` (everything to resume), ``best.pt``, ``log.csv`` and ``settings.json``.
    on_epoch
        Called after each epoch's checkpoint is on the disk.
    on_step
        Called after each step with the steps done in this epoch and the steps of an epoch.

    Returns
    -------
    EpochResult
        The best epoch.

    Raises
    ------
    UsageError
        If a setting has an unknown value.
    DataSetError
        If the data do not fill one batch, or no validation face has a majority label.
    CheckpointError
        If ``folder`` holds a checkpoint that is damaged or of a run with other settings.
    TrainingError
        If the loss becomes infinite or no number.
    OutputNotWritable
        If ``folder`` holds a file of these names that is of no run.
    """
    check_run(folder)
    accelerator = accelerator_of(settings)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    last = folder / "last.pt"
    if not last.exists():
        check_begin(settings)
    targets = taught(build_targets(faces, settings.targets), faces, settings)
    how = settings.augmentation
    cuts = cut_by_detector(faces.images, how.detector) if how.detector_cut else None
    module = ExpressionTraining(settings, faces, targets, validation, cuts, begins=not last.exists())
    history: list[EpochResult] = []
    if last.exists():
        history = _history_of(load_checkpoint(last), settings, last)
        _log.info("going on after epoch %d of %s", len(history), last)
    as_json = json.dumps(asdict(settings), indent=2) + "\n"
    write_atomically(folder / "settings.json", as_json.encode(), _FILES["settings.json"])

    keeper = _Keeper(folder, history, on_epoch, on_step)
    if len(history) < settings.epochs:
        with warnings.catch_warnings():
            # Its advice is about loading pictures in workers and on other products; ours lie in memory already.
            warnings.simplefilter("ignore")
            logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
            trainer = lightning.Trainer(
                accelerator=accelerator,
                devices=settings.devices,
                num_nodes=settings.nodes,
                precision="bf16-mixed" if settings.precision == "bf16" else "32-true",
                max_epochs=settings.epochs,
                gradient_clip_val=5.0,
                reload_dataloaders_every_n_epochs=1,
                use_distributed_sampler=False,
                num_sanity_val_steps=0,
                callbacks=[keeper],
                plugins=[_AtomicCheckpoints()],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(module, ckpt_path=str(last) if last.exists() else None)
    if not history:
        raise UsageError("No epoch was trained.", "Give --epochs of 1 or more.")
    return best_of(history)


def best_of(history: list[EpochResult]) -> EpochResult:
    """Return the first of the epochs with the highest accuracy."""
    return max(history, key=lambda result: result.accuracy)


class _AtomicCheckpoints(TorchCheckpointIO):
    """Checkpoints that are the old or the new one at any moment, a full disk included."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        del storage_options
        save_checkpoint(Path(path), checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        del map_location, weights_only
        return load_checkpoint(Path(path))


class _Keeper(lightning.Callback):
    """Keeps what each epoch gave, on the disk before anybody is told."""

    def __init__(
        self,
        folder: Path,
        history: list[EpochResult],
        on_epoch: Callable[[EpochResult], None] | None,
        on_step: Callable[[int, int], None] | None,
    ) -> None:
        self._folder, self._history = folder, history
        self._on_epoch, self._on_step = on_epoch, on_step
        self._started = 0.0

    def on_train_epoch_start(self, *_: Any) -> None:
        self._started = time.monotonic()

    def on_train_batch_end(self, trainer: Any, module: Any, _outputs: Any, _batch: Any, index: int) -> None:
        if self._on_step and trainer.is_global_zero:
            self._on_step(index + 1, module.steps_per_epoch)

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        result = replace(module.result, seconds=round(time.monotonic() - self._started, 1))
        self._history.append(result)
        if trainer.is_global_zero and result is best_of(self._history):
            save_checkpoint(self._folder / "best.pt", module.summary())
        trainer.save_checkpoint(self._folder / "last.pt")
        if trainer.is_global_zero:
            _write_log(self._folder / "log.csv", self._history)
            if self._on_epoch:
                self._on_epoch(result)

    def on_save_checkpoint(self, _trainer: Any, _module: Any, checkpoint: dict[str, Any]) -> None:
        checkpoint["history"] = [asdict(result) for result in self._history]


def _history_of(state: dict[str, Any], settings: TrainSettings, path: Path) -> list[EpochResult]:
    """Check that a checkpoint is of this run, and return its epochs."""
    if "settings" not in state or "history" not in state or "loops" not in state:
        raise CheckpointError(
            f"{path} cannot be continued.", "Give a folder that this version trained in, or a new one."
        )
    # A setting that the version which wrote it did not have yet was at its default.
    mine, its = _decisive(asdict(settings)), _decisive(_filled(state["settings"], asdict(TrainSettings())))
    if mine != its:
        differing = sorted(key for key in mine if mine[key] != its.get(key))
        raise CheckpointError(
            f"{path} is of a run with other settings: {', '.join(differing)} differ.",
            "Give the settings of that run to go on, or another folder to start anew.",
        )
    return [EpochResult(**{**row, "recall": tuple(row["recall"])}) for row in state["history"]]


def _filled(settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with what they lack from ``defaults``, tables included."""
    both = {**defaults, **settings}
    tables = {key: _filled(both[key], value) for key, value in defaults.items() if isinstance(value, dict)}
    return {**both, **tables}


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return {key: value for key, value in plain.items() if key not in (*MACHINE, "recipe")}


def _write_log(path: Path, history: list[EpochResult]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    figures = ["epoch", "seconds", "learning_rate", "train_loss", "train_accuracy", "accuracy", "macro_f1", "nll"]
    writer.writerow(figures + [f"recall_{label}" for label in LABELS])
    for result in history:
        row = asdict(result)
        cells = [row[name] if isinstance(row[name], int) else f"{row[name]:.6g}" for name in figures]
        writer.writerow(cells + [f"{value:.4f}" for value in result.recall])
    write_atomically(path, text.getvalue().encode(), _FILES["log.csv"])
