"""The course of a run as a picture: the paper's figures 4 (accuracy) and 5 (loss)."""

from __future__ import annotations

import csv
from pathlib import Path

from fer_edge.training.pictures import draw_curves


def draw_log(log: Path, title: str, picture: Path) -> None:
    """Draw the ``log.csv`` of a run.

    Raises
    ------
    OutputNotWritable
        If the picture cannot be written.
    """
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def column(name: str) -> list[float]:
        return [float(row[name]) for row in rows]

    draw_curves(
        picture,
        title,
        [int(row["epoch"]) for row in rows],
        column("train_loss"),
        column("nll"),
        column("train_accuracy"),
        column("accuracy"),
    )
