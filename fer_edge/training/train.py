"""Training loop: soft labels, one-cycle schedule, averaged weights, a checkpoint after every epoch."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from fer_edge.errors import CheckpointError, DataSetError, TrainingError, UsageError
from fer_edge.training import metrics
from fer_edge.training.atomic import write_atomically
from fer_edge.training.augment import augment, to_network_size
from fer_edge.training.checkpoint import load_checkpoint, save_checkpoint
from fer_edge.training.data import FaceSet
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.targets import Targets, build_targets
from fer_edge.types import LABELS
from fer_edge.zoo.fernet import INPUT_SIZE, FerNet

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EpochResult:
    """Figures of one epoch; the last four are of the averaged weights on the validation set."""

    epoch: int
    seconds: float
    learning_rate: float
    train_loss: float
    accuracy: float
    macro_f1: float
    nll: float
    recall: tuple[float, ...]


def train(
    settings: TrainSettings,
    faces: FaceSet,
    validation: FaceSet,
    folder: Path,
    on_epoch: Callable[[EpochResult], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> EpochResult:
    """Train FerNet, or go on where ``folder`` left off.

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
    """
    device = _device(settings)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    run = _Run(settings, build_targets(faces, settings.targets), faces, device)
    last = folder / "last.pt"
    if last.exists():
        run.restore(load_checkpoint(last), last)
        _log.info("going on after epoch %d of %s", run.epoch, last)
    _write_settings(folder, settings)

    while run.epoch < settings.epochs:
        started = time.monotonic()
        loss, rate = run.train_epoch(on_step)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss is no number any more in epoch {run.epoch}.",
                f"Lower --learning-rate and give another folder; {folder} keeps the epochs before.",
            )
        logits, truth = predict_majority(run.averaged, validation, device, settings.precision)
        confusion = metrics.confusion_matrix(truth, logits.argmax(axis=1), len(LABELS))
        result = EpochResult(
            epoch=run.epoch,
            seconds=round(time.monotonic() - started, 1),
            learning_rate=rate,
            train_loss=loss,
            accuracy=metrics.accuracy(confusion),
            macro_f1=float(metrics.f1(confusion).mean()),
            nll=metrics.negative_log_likelihood(logits, truth),
            recall=tuple(float(value) for value in metrics.recall(confusion)),
        )
        run.history.append(result)
        state = run.state()
        if result is run.best():
            save_checkpoint(folder / "best.pt", state)
        save_checkpoint(last, state)
        _write_log(folder / "log.csv", run.history)
        if on_epoch:
            on_epoch(result)
    return run.best()


def predict_majority(
    network: nn.Module, faces: FaceSet, device: torch.device, precision: str = "fp32", batch: int = 256
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Logits M x 7 and FER+ majority labels M of the faces that have one."""
    rows, truth = faces.labelled()
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            images = torch.from_numpy(faces.images[rows[start : start + batch]]).to(device)
            with _autocast(device, precision):
                x = to_network_size(images, INPUT_SIZE).contiguous(memory_format=torch.channels_last)
                parts.append(network(x).float().cpu().numpy())
    return np.concatenate(parts), truth


class _Run:
    """What changes while training: weights, their average, the optimiser, and how far it has come."""

    def __init__(self, settings: TrainSettings, targets: Targets, faces: FaceSet, device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.images = torch.from_numpy(faces.images[targets.rows]).to(device)
        self.soft = torch.from_numpy(targets.soft).to(device)
        self.weights = torch.from_numpy(targets.weights).to(device)
        self.steps_per_epoch = len(self.images) // settings.batch_size
        if self.steps_per_epoch == 0:
            raise DataSetError(
                f"{len(self.images)} usable faces do not fill one batch of {settings.batch_size}.",
                "Lower --batch-size, or give more data.",
            )
        torch.manual_seed(settings.seed)
        self.network = FerNet(settings.dropout).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = FerNet().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged.load_state_dict(self.network.state_dict())
        self.optimizer = _optimizer(settings, self.network)
        self.epoch = 0
        self.history: list[EpochResult] = []

    def best(self) -> EpochResult:
        if not self.history:
            raise UsageError("No epoch was trained.", "Give --epochs of 1 or more.")
        return max(self.history, key=lambda result: result.accuracy)

    def train_epoch(self, on_step: Callable[[int, int], None] | None) -> tuple[float, float]:
        """One pass over the data; mean loss and the last learning rate."""
        settings = self.settings
        stream = settings.seed * 100_003 + self.epoch
        torch.manual_seed(stream)
        generator = torch.Generator(self.device).manual_seed(stream)
        order = torch.randperm(len(self.images), generator=generator, device=self.device)
        self.network.train()
        total = torch.zeros((), device=self.device)
        rate = 0.0
        for step in range(self.steps_per_epoch):
            rate = _learning_rate(settings, self.epoch * self.steps_per_epoch + step, self.steps_per_epoch)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
            x = augment(self.images[rows], INPUT_SIZE, settings.augmentation, generator)
            with _autocast(self.device, settings.precision):
                logits = self.network(x.contiguous(memory_format=torch.channels_last))
            losses = functional.cross_entropy(logits.float(), self.soft[rows], reduction="none")
            loss = (losses * self.weights[rows]).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimizer.step()
            self._average(self.epoch * self.steps_per_epoch + step)
            total += loss.detach()
            if on_step:
                on_step(step + 1, self.steps_per_epoch)
        self.epoch += 1
        return float(total) / self.steps_per_epoch, rate

    @torch.no_grad()
    def _average(self, step: int) -> None:
        # A young average follows closely, or the initial weights would stay in it for epochs.
        decay = min(self.settings.ema_decay, (1 + step) / (10 + step))
        pairs = zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True)
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def state(self) -> dict[str, Any]:
        return {
            "settings": asdict(self.settings),
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "ema": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": [asdict(result) for result in self.history],
        }

    def restore(self, state: dict[str, Any], path: Path) -> None:
        mine, its = _decisive(asdict(self.settings)), _decisive(state["settings"])
        if mine != its:
            differing = sorted(key for key in mine if mine[key] != its.get(key))
            raise CheckpointError(
                f"{path} is of a run with other settings: {', '.join(differing)} differ.",
                "Give the settings of that run to go on, or another folder to start anew.",
            )
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.history = [EpochResult(**{**row, "recall": tuple(row["recall"])}) for row in state["history"]]


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that must not change in the middle of a run, as plain JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return {key: value for key, value in plain.items() if key not in ("device", "precision", "threads")}


def _device(settings: TrainSettings) -> torch.device:
    if settings.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"There is no device {settings.device!r}.", "Choose auto, cpu or cuda.")
    if settings.precision not in ("fp32", "bf16"):
        raise UsageError(f"There is no precision {settings.precision!r}.", "Choose fp32 or bf16.")
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("PyTorch finds no CUDA device here.", "Use --device cpu.")
    return torch.device(settings.device)


def _autocast(device: torch.device, precision: str) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def _optimizer(settings: TrainSettings, network: nn.Module) -> torch.optim.Optimizer:
    decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    free = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": free, "weight_decay": 0.0}]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, settings.learning_rate, momentum=0.9, nesterov=True)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, settings.learning_rate)
    raise UsageError(f"There is no optimizer {settings.optimizer!r}.", "Choose adamw or sgd.")


def _learning_rate(settings: TrainSettings, step: int, steps_per_epoch: int) -> float:
    """One cycle: a straight rise from a 25th of the peak, then a cosine down to zero."""
    total = settings.epochs * steps_per_epoch
    rise = max(1, round(settings.warmup * total))
    if step < rise:
        return settings.learning_rate * (0.04 + 0.96 * step / rise)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


def _write_settings(folder: Path, settings: TrainSettings) -> None:
    text = json.dumps(asdict(settings), indent=2) + "\n"
    write_atomically(folder / "settings.json", text.encode())


def _write_log(path: Path, history: list[EpochResult]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    figures = ["epoch", "seconds", "learning_rate", "train_loss", "accuracy", "macro_f1", "nll"]
    writer.writerow(figures + [f"recall_{label}" for label in LABELS])
    for result in history:
        row = asdict(result)
        cells = [row[name] if isinstance(row[name], int) else f"{row[name]:.6g}" for name in figures]
        writer.writerow(cells + [f"{value:.4f}" for value in result.recall])
    write_atomically(path, text.getvalue().encode())
