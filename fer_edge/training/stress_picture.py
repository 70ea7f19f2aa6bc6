"""The stresses of an evaluation as a picture."""

from __future__ import annotations

from pathlib import Path

from fer_edge.training import pictures
from fer_edge.training.stress_figures import UnderStress

STRESS_SIZE = (1200, 780)
"""Width and height, in pixels."""


def draw_stress(path: Path, figures: UnderStress, title: str) -> None:
    """Draw accuracy, and how far confidence is from it, under each stress as a PNG of `STRESS_SIZE`.

    Parameters
    ----------
    path
        File to write.
    figures
        What is drawn.
    title
        Above it.

    Raises
    ------
    MissingExtra
        If matplotlib is not there.
    OutputNotWritable
        If ``path`` cannot be written.
    """
    clean, rows = figures.nothing, list(reversed(figures.rows))
    names = [row.stress for row in rows]
    figure = pictures.new_figure(STRESS_SIZE)
    right, gap = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    bars = right.barh(names, [row.accuracy for row in rows], color=pictures.BLUE)
    right.bar_label(bars, [f"{row.accuracy:.1%}" for row in rows], padding=-40, fontsize=9, color="white")
    for value, style, name in (
        (clean.accuracy, "-", "as they are"),
        (figures.accuracy, "--", "mean over the stresses"),
    ):
        right.axvline(value, color=pictures.ORANGE, linestyle=style, label=f"{name}: {value:.1%}")
    right.set_xlim(0, 1.08)
    right.set_xlabel("share right")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)
    gap.barh(names, [row.ece for row in rows], color=pictures.GREY)
    gap.axvline(clean.ece, color=pictures.ORANGE)
    gap.set_xlabel("calibration error")
    right.xaxis.set_major_formatter(pictures.percent())
    right.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    for axes in (right, gap):
        pictures.plain(axes)
        axes.tick_params(axis="y", length=0)
    pictures.put_title(right, title)
    pictures.write(figure, path)
