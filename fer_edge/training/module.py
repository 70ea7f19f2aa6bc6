"""One training run as Lightning sees it: data, loss, averaged weights, schedule, and figures after each epoch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import lightning
import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from fer_edge.errors import DataSetError, TrainingError, UsageError
from fer_edge.training import metrics
from fer_edge.training.augment import augment, to_network_size
from fer_edge.training.begin import begin
from fer_edge.training.cuts import Cuts
from fer_edge.training.data import FaceSet
from fer_edge.training.mixing import mixed
from fer_edge.training.origin import commit_of, origin_of
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.targets import Targets
from fer_edge.types import LABELS
from fer_edge.zoo.catalogue import build_network
from fer_edge.zoo.fernet import INPUT_SIZE


@dataclass(frozen=True)
class EpochResult:
    """Figures of one epoch; the last five are of the averaged weights on the validation set.

    ``train_loss`` is of soft, weighted labels on changed images, ``nll`` of majority labels on unchanged ones, so
    the two are not comparable in height.
    """

    epoch: int
    seconds: float
    learning_rate: float
    train_loss: float
    train_accuracy: float
    accuracy: float
    macro_f1: float
    nll: float
    recall: tuple[float, ...]


class ExpressionTraining(lightning.LightningModule):
    """A network, its averaged twin, and what they learn from.

    Parameters
    ----------
    settings
        The run.
    faces, targets
        The training set, and what is to be answered.
    validation
        Measured after every epoch, whole on every process, so that figures do not depend on their number.
    cuts
        The training set as a detector cuts it; the recipe's augmentation says how often it is taken.
    begins
        Whether it begins with what the settings name; a run that goes on gets its weights from its checkpoint.

    Raises
    ------
    DataSetError
        If the data do not fill one batch, or no validation face has a majority label.
    UsageError
        If a setting has an unknown value.
    CheckpointError
        If the checkpoint or file to start from is missing, damaged or of another network.
    """

    def __init__(
        self,
        settings: TrainSettings,
        faces: FaceSet,
        targets: Targets,
        validation: FaceSet,
        cuts: Cuts | None = None,
        *,
        begins: bool = True,
    ) -> None:
        super().__init__()
        self.settings = settings
        # Plain attributes, moved by hand: as buffers, every process would send them to the others at each step.
        self.images = torch.from_numpy(faces.images[targets.rows])
        self.has_cuts = cuts is not None
        if cuts is not None:
            self.cuts = torch.from_numpy(cuts.images[targets.rows])
            self.found = torch.from_numpy(cuts.found[targets.rows])
        self.soft = torch.from_numpy(targets.soft)
        self.weights = torch.from_numpy(targets.weights)
        rows, truth = validation.labelled()
        self.validation_images = torch.from_numpy(validation.images[rows])
        self.validation_truth = truth
        if len(self.images) < settings.batch_size:
            raise DataSetError(
                f"{len(self.images)} usable faces do not fill one batch of {settings.batch_size}.",
                "Lower --batch-size, or give more data.",
            )
        if settings.optimizer not in ("adamw", "adam", "sgd"):
            raise UsageError(f"There is no optimizer {settings.optimizer!r}.", "Choose adamw, adam or sgd.")
        if settings.schedule not in ("one-cycle", "plateau"):
            raise UsageError(f"There is no schedule {settings.schedule!r}.", "Choose one-cycle or plateau.")
        torch.manual_seed(settings.seed)
        self.network = build_network(settings.network, settings.dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if begins:
            begin(self.network, settings, self.images.numpy())
        self.averaged = build_network(settings.network).to(memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload]
        self.averaged.load_state_dict(self.network.state_dict())
        self.result: EpochResult | None = None
        # As both are now: they may change while the run goes on, and what runs is what was read.
        self._origin = origin_of(settings, commit_of())
        self._loss = self._right = torch.zeros(())
        self._logits: list[torch.Tensor] = []

    def on_fit_start(self) -> None:
        """Move the images beside the weights."""
        self.images, self.soft = self.images.to(self.device), self.soft.to(self.device)
        if self.has_cuts:
            self.cuts, self.found = self.cuts.to(self.device), self.found.to(self.device)
        self.weights, self.validation_images = self.weights.to(self.device), self.validation_images.to(self.device)

    @property
    def steps_per_epoch(self) -> int:
        """Steps that each process does in an epoch."""
        return len(self.images) // (self.settings.batch_size * self.trainer.world_size)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the rows of each batch of the present epoch; every process takes its own share of the same order."""
        stream = torch.Generator().manual_seed(self._stream())
        order = torch.randperm(len(self.images), generator=stream)
        steps, batch = self.steps_per_epoch, self.settings.batch_size
        mine = order[: steps * batch * self.trainer.world_size].view(steps, self.trainer.world_size, batch)
        return DataLoader(mine[:, self.trainer.global_rank], batch_size=None)  # type: ignore[arg-type]

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the rows of each batch of the validation set."""
        rows = torch.split(torch.arange(len(self.validation_images)), 256)
        return DataLoader(rows, batch_size=None)  # type: ignore[arg-type]

    def _stream(self) -> int:
        """Return the seed of this epoch, so that a resumed run draws what an unbroken one does."""
        return self.settings.seed * 100_003 + self.current_epoch

    def on_train_batch_start(self, _batch: Any, index: int) -> None:
        """Seed dropout and augmentation before the first batch; starting a loader draws numbers too."""
        if index:
            return
        seed = self._stream() + 1_000_000_007 * self.trainer.global_rank
        torch.manual_seed(seed)
        self._generator = torch.Generator(self.device).manual_seed(seed)
        self._loss, self._right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)

    def training_step(self, rows: torch.Tensor, _index: int) -> torch.Tensor:
        """Return the loss of one batch."""
        images, soft, weights = self._changed(rows), self.soft[rows], self.weights[rows]
        if self.settings.augmentation.mixup:
            images, soft, weights = mixed(images, soft, weights, self.settings.augmentation.mixup)
        logits = self.network(images.contiguous(memory_format=torch.channels_last)).float()
        losses = functional.cross_entropy(logits, soft, reduction="none")
        loss = (losses * weights).mean()
        self._loss += loss.detach()
        self._right += (logits.argmax(1) == soft.argmax(1)).float().mean()
        return loss

    def _changed(self, rows: torch.Tensor) -> torch.Tensor:
        how = self.settings.augmentation
        if not self.has_cuts:
            return augment(self.images[rows], INPUT_SIZE, how, self._generator)
        drawn = torch.rand(len(rows), generator=self._generator, device=self.device)
        cut = (drawn < how.detector_cut) & self.found[rows]
        changed = torch.empty(len(rows), 3, INPUT_SIZE, INPUT_SIZE, device=self.device)
        for images, chosen in ((self.images, ~cut), (self.cuts, cut)):
            changed[chosen] = augment(images[rows[chosen]], INPUT_SIZE, how, self._generator)
        return changed

    @torch.no_grad()
    def on_train_batch_end(self, *_: Any) -> None:
        """Follow the weights with their average."""
        # A young average follows closely, or the initial weights would stay in it for epochs.
        step = self.global_step - 1
        decay = min(self.settings.ema_decay, (1 + step) / (10 + step))
        pairs = zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True)
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def on_validation_epoch_start(self) -> None:
        """Refuse to go on with a loss that is no number, before anything of it is kept."""
        self._logits = []
        if not math.isfinite(float(self._loss)):
            raise TrainingError(
                f"The loss is no number any more in epoch {self.current_epoch + 1}.",
                "Lower --learning-rate and give another folder; this one keeps the epochs before.",
            )

    def validation_step(self, rows: torch.Tensor, _index: int) -> None:
        """Keep the answers of the averaged weights."""
        images = to_network_size(self.validation_images[rows], INPUT_SIZE)
        self._logits.append(self.averaged(images.contiguous(memory_format=torch.channels_last)).float().cpu())

    def on_validation_epoch_end(self) -> None:
        """Take the epoch's figures."""
        logits = np.concatenate([part.numpy() for part in self._logits])
        confusion = metrics.confusion_matrix(self.validation_truth, logits.argmax(axis=1), len(LABELS))
        nll = metrics.negative_log_likelihood(logits, self.validation_truth)
        scheduler = self.lr_schedulers()
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(nll)
        steps = self.steps_per_epoch
        self.result = EpochResult(
            epoch=self.current_epoch + 1,
            seconds=0.0,
            learning_rate=float(self.trainer.optimizers[0].param_groups[0]["lr"]),
            train_loss=float(self._loss) / steps,
            train_accuracy=float(self._right) / steps,
            accuracy=metrics.accuracy(confusion),
            macro_f1=float(metrics.f1(confusion).mean()),
            nll=nll,
            recall=tuple(float(value) for value in metrics.recall(confusion)),
        )

    def configure_optimizers(self) -> Any:
        """Return the optimiser and schedule of the recipe."""
        settings = self.settings
        decayed = [parameter for parameter in self.network.parameters() if parameter.ndim > 1]
        free = [parameter for parameter in self.network.parameters() if parameter.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": free, "weight_decay": 0.0}]
        optimizer: torch.optim.Optimizer
        if settings.optimizer == "sgd":
            optimizer = torch.optim.SGD(groups, settings.learning_rate, momentum=0.9, nesterov=True)
        elif settings.optimizer == "adam":
            optimizer = torch.optim.Adam(groups, settings.learning_rate)
        else:
            optimizer = torch.optim.AdamW(groups, settings.learning_rate)
        if settings.schedule == "plateau":
            # Stepped by hand in on_validation_epoch_end; Lightning only keeps its state.
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=settings.patience)
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": plateau, "monitor": "by hand", "frequency": 10**9, "strict": False},
            }
        cycle = torch.optim.lr_scheduler.LambdaLR(optimizer, self._share_of_peak)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def _share_of_peak(self, step: int) -> float:
        """Return the share of the peak in one cycle: a straight rise from a 25th of the peak, then a cosine down to zero."""
        total = self.settings.epochs * self.steps_per_epoch
        rise = max(1, round(self.settings.warmup * total))
        if step < rise:
            return 0.04 + 0.96 * step / rise
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, total - rise))))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what a reader without Lightning needs."""
        checkpoint.update(self.summary())

    def summary(self) -> dict[str, Any]:
        """Return the averaged weights, and what they are."""
        return {
            "network": self.settings.network,
            "colour": "gray" if self.validation_images.shape[-1] == 1 else "rgb",
            "settings": asdict(self.settings),
            "origin": self._origin,
            "finished_epochs": self.current_epoch + 1,
            "ema": self.averaged.state_dict(),
        }


def accelerator_of(settings: TrainSettings) -> str:
    """Return Lightning's name of the device.

    Raises
    ------
    UsageError
        If the device or the precision is unknown, or there is no such device here.
    """
    if settings.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"There is no device {settings.device!r}.", "Choose auto, cpu or cuda.")
    if settings.precision not in ("fp32", "bf16"):
        raise UsageError(f"There is no precision {settings.precision!r}.", "Choose fp32 or bf16.")
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("PyTorch finds no CUDA device here.", "Use --device cpu.")
    if settings.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return settings.device
