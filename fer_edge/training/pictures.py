"""Pictures of an evaluation and of a training run, drawn by matplotlib without a display or any global state."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_edge.system.libraries import needing
from fer_edge.training.atomic import write_atomically
from fer_edge.types import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    from fer_edge.training.evaluate import Evaluation
    from fer_edge.training.metrics import ReliabilityBin

CONFUSION_SIZE = (1080, 960)
"""Width and height of the confusion matrix, in pixels."""

COVERAGE_SIZE = (960, 660)
"""Width and height of accuracy against coverage, in pixels."""

RELIABILITY_SIZE = (1320, 780)
"""Width and height of the reliability diagram, in pixels."""

CURVES_SIZE = (1320, 540)
"""Width and height of the training curves, in pixels."""

_DPI = 120

OURS = re.compile(rb"\x89PNG\r\n\x1a\n.{0,200}?tEXtSoftware\0fer-edge", re.DOTALL)
"""How a picture of ours begins."""
BLUE, ORANGE, GREY = "#2b6ca3", "#d9822b", "#8a8a8a"


def check_pictures() -> None:
    """Raise `MissingExtra` where matplotlib is not there: long work should end before it begins, not after."""
    new_figure((1, 1))


def draw_confusion(path: Path, result: Evaluation) -> None:
    """Draw the confusion matrix as a PNG of `CONFUSION_SIZE`.

    A cell has the number of faces and its share of the true label's; the share is the colour.

    Raises
    ------
    MissingExtra
        If matplotlib is not there.
    OutputNotWritable
        If ``path`` cannot be written.
    """
    counts = np.array(result.confusion)
    of_label = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(1, of_label)
    figure = new_figure(CONFUSION_SIZE)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*counts.shape):
        share = f"{shares[row, column]:.1%}" if of_label[row, 0] else "-"
        colour = "white" if shares[row, column] > 0.5 else "black" if counts[row, column] else GREY
        axes.text(
            column,
            row,
            f"{counts[row, column]}\n{share}",
            ha="center",
            va="center",
            fontsize=9,
            color=colour,
        )
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(
        range(len(LABELS)), [f"{label}\n({count})" for label, count in zip(LABELS, of_label[:, 0])], va="center"
    )
    axes.set_xlabel("answer")
    axes.set_ylabel("true label (faces)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, label="share of the true label")
    bar.ax.yaxis.set_major_formatter(percent())
    bar.outline.set_visible(False)
    put_title(axes, f"{result.model} on {result.data}: {result.accuracy:.2%} right of {counts.sum()} faces")
    write(figure, path)


def draw_reliability(path: Path, result: Evaluation) -> None:
    """Draw accuracy against confidence, without the model's temperature and with it, as a PNG of `RELIABILITY_SIZE`.

    Below each diagram stands how the answers are spread over confidence.

    Raises
    ------
    MissingExtra
        If matplotlib is not there.
    OutputNotWritable
        If ``path`` cannot be written.
    """
    figure = new_figure(RELIABILITY_SIZE)
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
    sides = (
        (result.reliability_uncalibrated, "without the temperature", result.ece_uncalibrated),
        (result.reliability, f"with the temperature {result.temperature:.3g}", result.ece),
    )
    for column, (bins, when, error) in enumerate(sides):
        _draw_bins(axes[0, column], axes[1, column], bins)
        axes[0, column].set_title(f"{when}: calibration error {error:.3f}", fontsize=11)
    axes[0, 0].set_ylabel("share right")
    axes[1, 0].set_ylabel("share of\nthe answers")
    axes[0, 0].legend(loc="upper left", frameon=False)
    figure.suptitle(_wrapped(f"{result.model} on {result.data}: is it as often right as it says?"), parse_math=False)
    write(figure, path)


def draw_coverage(path: Path, result: Evaluation) -> None:
    """Draw accuracy against coverage, with the model's own threshold marked, as a PNG of `COVERAGE_SIZE`.

    Raises
    ------
    MissingExtra
        If matplotlib is not there.
    OutputNotWritable
        If ``path`` cannot be written.
    """
    figure = new_figure(COVERAGE_SIZE)
    axes = figure.add_subplot()
    given = [(point.threshold, point.coverage, point.accuracy) for point in result.coverage]
    drawn = [(threshold, coverage, accuracy) for threshold, coverage, accuracy in given if accuracy is not None]
    axes.plot([point[1] for point in drawn], [point[2] for point in drawn], "-o", color=BLUE, markersize=4)
    for names, coverage, accuracy in _labels_apart(drawn):
        axes.annotate(names, (coverage, accuracy), xytext=(6, 7), textcoords="offset points", fontsize=9)
    for threshold, coverage, accuracy in drawn:
        if threshold == result.uncertain_below:
            label = f"the model's own threshold, {threshold:g}"
            axes.plot([coverage], [accuracy], "o", color=ORANGE, markersize=9, zorder=3, label=label)
    axes.set_xlabel("coverage: share of the faces that is answered")
    axes.set_ylabel("share right of these")
    axes.margins(0.1, 0.1)
    axes.xaxis.set_major_formatter(percent())
    axes.yaxis.set_major_formatter(percent())
    plain(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", frameon=False)
    put_title(axes, f"{result.model} on {result.data}: answering only above a confidence")
    write(figure, path)


def draw_curves(
    path: Path,
    title: str,
    epochs: Sequence[int],
    train_loss: Sequence[float] | None = None,
    validation_loss: Sequence[float] | None = None,
    train_accuracy: Sequence[float] | None = None,
    validation_accuracy: Sequence[float] | None = None,
) -> None:
    """Draw loss and accuracy against the epochs of a run as a PNG of `CURVES_SIZE`.

    Parameters
    ----------
    path
        File to write.
    title
        Above both panels.
    epochs
        Numbers of the epochs.
    train_loss, validation_loss, train_accuracy, validation_accuracy
        One value for each epoch, accuracy as a share; NaN leaves a gap, None leaves the line out.

    Raises
    ------
    MissingExtra
        If matplotlib is not there.
    OutputNotWritable
        If ``path`` cannot be written.
    """
    figure = new_figure(CURVES_SIZE)
    from matplotlib.ticker import MaxNLocator

    panels = figure.subplots(1, 2)
    contents = (("loss", train_loss, validation_loss), ("accuracy", train_accuracy, validation_accuracy))
    for axes, (what, train, validation) in zip(panels, contents):
        for name, values, colour in (("training", train, BLUE), ("validation", validation, ORANGE)):
            if values is not None:
                # A line through one point is nothing to see.
                axes.plot(epochs, values, color=colour, label=name, marker="o" if len(epochs) < 2 else None)
        axes.set_xlabel("epoch")
        axes.set_ylabel(what)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        plain(axes)
        if axes.lines:
            axes.legend(frameon=False)
    panels[1].yaxis.set_major_formatter(percent())
    figure.suptitle(_wrapped(title), parse_math=False)
    write(figure, path)


def _labels_apart(points: Sequence[tuple[float, float, float]]) -> list[tuple[str, float, float]]:
    """Join the thresholds of points so near each other that their labels would overlap; the last one's place is kept."""
    across = max(1e-9, max(point[1] for point in points) - min(point[1] for point in points))
    up = max(1e-9, max(point[2] for point in points) - min(point[2] for point in points))
    joined: list[tuple[str, float, float]] = []
    for threshold, coverage, accuracy in points:
        names = f"{threshold:g}"
        if joined and abs(joined[-1][1] - coverage) < 0.04 * across and abs(joined[-1][2] - accuracy) < 0.04 * up:
            names = f"{joined.pop()[0]}, {names}"
        joined.append((names, coverage, accuracy))
    return joined


def _draw_bins(diagram: Axes, spread: Axes, bins: Sequence[ReliabilityBin]) -> None:
    answers = sum(each.answers for each in bins)
    filled = [each for each in bins if each.accuracy is not None]
    middles = [(each.low + each.high) / 2 for each in filled]
    width = (bins[0].high - bins[0].low) * 0.92
    accuracies = [each.accuracy or 0.0 for each in filled]
    diagram.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="as often right as it says")
    diagram.bar(middles, accuracies, width, color=BLUE, label="share right")
    diagram.plot(
        [each.confidence or 0.0 for each in filled],
        [each.confidence or 0.0 for each in filled],
        "o",
        color=ORANGE,
        markersize=5,
        label="mean confidence",
    )
    spread.bar(middles, [each.answers / max(1, answers) for each in filled], width, color=GREY)
    spread.set_xlabel("confidence")
    diagram.set_xlim(0, 1)
    diagram.set_ylim(0, 1.02)
    for axes in (diagram, spread):
        axes.yaxis.set_major_formatter(percent())
        axes.xaxis.set_major_formatter(percent())
        plain(axes)


def new_figure(size: tuple[int, int]) -> Figure:
    """Return an empty figure of that width and height in pixels. Raises MissingExtra where matplotlib is not there."""
    with needing("train", "Drawing pictures", "matplotlib"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def percent() -> PercentFormatter:
    """Return what writes the shares of an axis as percentages."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=None)


def plain(axes: Axes) -> None:
    """Take the frame from axes but for its left and lower side, and draw a faint grid."""
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def put_title(axes: Axes, text: str) -> None:
    """Write ``text`` above axes, as it is and in lines that fit."""
    # A dollar sign in a file's name is no formula.
    axes.set_title(_wrapped(text), fontsize=12, pad=12, parse_math=False)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 84)


def write(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG that `OURS` knows. Raises OutputNotWritable."""
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white", metadata={"Software": "fer-edge"})
    write_atomically(path, file.getvalue(), OURS)
