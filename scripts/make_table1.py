"""Join the catalogue, evaluations and benchmarks to docs/table1.md and docs/table1.png: the paper's table beside ours.

    python scripts/export_untrained.py runs/table1
    for round in 1 2 3; do
      fer-edge --benchmark --model runs/table1 --detector blazeface --threads 1 --report runs/speed-$round.json
    done
    python scripts/make_table1.py runs/table1 runs/speed-*.json

The first argument is the folder of scripts/train_table1.py: a row counts as trained if its evaluation lies there. Of several
benchmarks the median is taken. The section "What follows for the paper's claims" is written by hand, and kept.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.benchmark.report import STABLE_SPREAD
from fer_edge.errors import FerEdgeError, UsageError
from fer_edge.training.atomic import write_atomically
from fer_edge.training.pictures import OURS
from fer_edge.training.recipe_file import load_recipe
from fer_edge.zoo.catalogue import NETWORKS
from fer_edge.zoo.listing import NetworkSize, measure_network
from fer_edge.zoo.network import Network, PaperRow

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = re.compile(rb"# The paper's Table 1")
BY_HAND = re.compile(r"^## What follows for the paper's claims\n.*?(?=^## )", re.DOTALL | re.MULTILINE)
RECIPE = "table1"
RATES = ("total", "classification", "detection")
NO_PAPER = PaperRow(0, None, None, None, None, None)


@dataclass(frozen=True)
class Row:
    """A network with everything that is known of it; ``evaluation`` is None where it was not trained."""

    network: Network
    size: NetworkSize
    evaluation: dict[str, Any] | None
    rates: dict[str, float] | None

    @property
    def paper(self) -> PaperRow:
        """The paper's figures; all missing where the network is not in it."""
        return self.network.paper or NO_PAPER


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluations", type=Path)
    parser.add_argument("benchmarks", type=Path, nargs="+")
    parser.add_argument(
        "--data-name", help="what to call the faces of the evaluations (default: the name of their file)"
    )
    parser.add_argument("--machine", default="", metavar="TEXT", help="what else to say of the machine")
    parser.add_argument("--training", default="", metavar="TEXT", help="what else to say of the training")
    parser.add_argument("--output", type=Path, default=DOCS / "table1.md", help="the picture gets the same name")
    options = parser.parse_args()
    benchmarks = [_read(path) for path in options.benchmarks]
    rows = [row_of(network, options.evaluations, benchmarks) for network in NETWORKS.values()]
    rows = [row for row in rows if row.network.paper or row.evaluation]
    picture = options.output.with_suffix(".png")
    write_atomically(
        options.output,
        to_markdown(
            rows,
            benchmarks,
            picture.name,
            options.data_name,
            options.machine,
            training_note=options.training,
            by_hand=_by_hand(options.output),
        ).encode(),
        PAGE,
    )
    draw(rows, picture)
    print(f"{options.output}\n{picture}")
    return 0


def row_of(network: Network, evaluations: Path, benchmarks: list[dict[str, Any]]) -> Row:
    path = evaluations / f"{network.name}.json"
    timed = [
        result["fps"]
        for benchmark in benchmarks
        for result in benchmark["results"]
        if Path(result["model"]).stem == network.name
    ]
    rates = {rate: statistics.median(fps[rate] for fps in timed) for rate in RATES} if timed else None
    return Row(network, measure_network(network), _read(path) if path.is_file() else None, rates)


def to_markdown(
    rows: list[Row],
    benchmarks: list[dict[str, Any]],
    picture: str,
    data_name: str | None,
    machine_note: str,
    *,
    training_note: str = "",
    by_hand: str = "",
) -> str:
    trained = [row for row in rows if row.evaluation]
    missing = [row for row in rows if not row.evaluation]
    if not trained:
        raise UsageError("No row has an evaluation.", "Run scripts/train_table1.py first.")
    first = trained[0].evaluation or {}
    recipe, machine, protocol = load_recipe(RECIPE), benchmarks[0]["environment"], benchmarks[0]["protocol"]
    threads = benchmarks[0]["results"][0]["threads"]
    faces = benchmarks[0]["results"][0]["faces_per_frame"]
    without_paper = [row.network.title for row in rows if not row.network.paper]
    lines = [
        "# The paper's Table 1, and ours",
        "",
        "Robot, Lolowang and Putro compare seventeen networks in Table 1 of “Lightweight Convolutional Neural Network",
        "Architecture For Facial Expression Recognition” (2024). Here each of their figures stands before ours, as",
        "*paper / ours*; a dash is a figure that the paper does not give, or that was not measured here.",
        "**The two accuracies of a row cannot be compared:** the paper's are of KDEF, posed in a studio; ours are of",
        "FER2013, found in the web. Nor can the speeds: the paper's are of a Jetson Nano. Compare down a column.",
        "",
        f"![Accuracy against speed]({picture})",
        "",
        "| | network | parameters | M MACs | accuracy % | our macro F1 | loss"
        " | FPS total | FPS classification | FPS detection |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_line(number, row) for number, row in enumerate(rows, start=1)),
        "",
        "## What was measured",
        "",
        f"- **Accuracy, macro F1, loss:** {data_name or first['data']}, {first['faces']:,} faces with a"
        f" {first['rule'].split(':')[0]};"
        f" the loss is the mean negative log-likelihood before temperature scaling. Trained on the Training split with the"
        f" FER+ votes by `fer-edge train --recipe {RECIPE}`: {recipe.epochs} epochs of batches of {recipe.batch_size},"
        f" {recipe.optimizer}, peak rate {recipe.learning_rate:g}, seed {recipe.seed}, the same for every row."
        f" A run of {recipe.epochs} epochs is short: it says how fast a network learns as much as how good it can get. The"
        " shipped models were trained longer (models/MODEL_CARD.md). The epoch was chosen on the faces that it was measured"
        " on.",
        f"- **Trained:** {_names(trained)}.{training_note and ' ' + training_note}",
        *([f"- **Only counted and timed**, with random weights: {_names(missing)}."] if missing else []),
        f"- **Speed:** {machine['cpu']}, {machine['cores']} cores{machine_note and ', ' + machine_note}; Python"
        f" {machine['python']}, ONNX Runtime {machine['onnxruntime']}, CPU provider, FP32, {threads} inference thread for each"
        f" stage; `fer-edge --benchmark --camera {protocol['source']}` at {protocol['size']} with {faces:g} face per frame,"
        f" detector {protocol['detector']}, {protocol['duration_s']:g} s a run, the median of {len(benchmarks)} runs."
        f" Classification and detection are capacities, 1 / mean service time. {_unsteady(benchmarks)}",
        *([f"- **Not in the paper:** {', '.join(without_paper)}."] if without_paper else []),
        "",
        *by_hand.splitlines(),
        "## How far each network is the paper's",
        "",
        "The paper prints counts of parameters (as Keras counts, a BatchNorm 4·C) and no layers, so each network is the",
        "construction found for its count. Its “ResNet 50”, AlexNet and VGG rows are not the usual networks of those names.",
        "Its accuracy of 0.1403 for AlexNet is chance on seven classes, and its losses of 18 to 22 there and for",
        "MobileNetV3 are those of failed trainings, not limits of those networks.",
        "",
        "| network | count | what it is |",
        "|---|---|---|",
        *(f"| {row.network.title} | {row.network.match} | {row.network.note} |" for row in rows),
        "",
        "## Making it again",
        "",
        "`scripts/train_table1.py TRAIN VALIDATION FOLDER` trains, exports and evaluates the rows, cheapest first, and goes on",
        "where it was cut off; `scripts/export_untrained.py` writes the rest with random weights; `fer-edge --benchmark",
        "--detector blazeface --threads 1 --model FOLDER` times them in one go; `scripts/make_table1.py` writes this page.",
        "Each says more with `--help`.",
        "models/table1/ has the weights of the small rows, LeNet and MobileNetV3Small; they are not in the wheel.",
    ]
    return "\n".join(lines) + "\n"


def _line(number: int, row: Row) -> str:
    paper, ours, rates = row.paper, row.evaluation or {}, row.rates or {}
    accuracy = None if paper.accuracy is None else 100 * paper.accuracy
    cells = [
        str(number),
        row.network.title,
        f"{paper.parameters:,} / {row.size.parameters:,}" if paper.parameters else f"- / {row.size.parameters:,}",
        f"{row.size.multiply_accumulates / 1e6:.0f}",
        _pair(accuracy, 100 * ours["accuracy"] if ours else None, 2),
        f"{ours['macro_f1']:.3f}" if ours else "-",
        _pair(paper.loss, ours.get("nll_uncalibrated"), 3),
        _rates(paper.fps_total, rates.get("total")),
        _rates(paper.fps_classification, rates.get("classification")),
        _rates(paper.fps_detection, rates.get("detection")),
    ]
    return f"| {' | '.join(cells)} |"


def _pair(paper: float | None, ours: float | None, digits: int) -> str:
    told = ["-" if value is None else f"{value:.{digits}f}" for value in (paper, ours)]
    return " / ".join(told)


def _rates(paper: float | None, ours: float | None) -> str:
    printed = "-" if paper is None else f"{paper:g}"
    return f"{printed} / {'-' if ours is None else f'{ours:.0f}' if ours >= 100 else f'{ours:.1f}'}"


def draw(rows: list[Row], path: Path) -> None:
    """Draw accuracy against frames per second of classification, the paper's and ours; areas are parameters."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(13, 6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    of_paper = [
        (row.paper.fps_classification, row.paper.accuracy, row.paper.parameters, row)
        for row in rows
        if row.paper.fps_classification and row.paper.accuracy
    ]
    ours = [
        (row.rates["classification"], row.evaluation["accuracy"], row.size.parameters, row)
        for row in rows
        if row.rates and row.evaluation
    ]
    for axes, points, title in (
        (left, of_paper, "the paper: KDEF, Jetson Nano"),
        (right, ours, "here: FER2013 with FER+ labels, one CPU thread"),
    ):
        for speed, accuracy, parameters, row in points:
            colour = "#d9822b" if row.network.name.startswith("fernet") else "#2b6ca3"
            axes.scatter([speed], [accuracy], s=parameters / 2.5e4, color=colour, alpha=0.55, linewidths=0)
            axes.annotate(str(rows.index(row) + 1), (speed, accuracy), fontsize=8, ha="center", va="center")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _place: f"{value:g}" if f"{value:g}"[0] in "25" else "")
        axes.margins(0.15, 0.12)
        axes.set_title(title)
        axes.set_xlabel("FPS of classification")
        axes.set_ylabel("accuracy")
        axes.yaxis.set_major_formatter(lambda value, _place: f"{value:.0%}")
        axes.grid(color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for row in rows:
        if row.rates and not row.evaluation:
            place = right.get_xaxis_transform()
            right.plot([row.rates["classification"]], [0.015], "^", color="#8a8a8a", transform=place, markersize=5)
            number = str(rows.index(row) + 1)
            right.text(row.rates["classification"], 0.03, number, transform=place, fontsize=8, ha="center", va="bottom")
    names = [f"{number}  {row.network.title}" for number, row in enumerate(rows, start=1)]
    if any(row.rates and not row.evaluation for row in rows):
        names.append("▲  timed, not trained")
    figure.legend([Line2D([], [], linestyle="none")] * len(names), names, loc="outside right center", handlelength=0)
    figure.suptitle("Accuracy against speed; the area is the number of parameters")
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white", metadata={"Software": "fer-edge"})
    write_atomically(path, file.getvalue(), OURS)


def _unsteady(benchmarks: list[dict[str, Any]]) -> str:
    spreads = [result.get("spread_of_thirds") for benchmark in benchmarks for result in benchmark["results"]]
    count = sum(spread is not None and spread > STABLE_SPREAD for spread in spreads)
    return (
        f"In {count} of the {len(spreads)} runs the FPS of the three thirds differed by more than {STABLE_SPREAD:.0%}."
    )


def _by_hand(page: Path) -> str:
    """Give what was written by hand into the page that is to be replaced."""
    found = BY_HAND.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    return found[0] if found else ""


def _names(rows: list[Row]) -> str:
    return ", ".join(row.network.title for row in rows)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", "Give a report of fer-edge evaluate or --benchmark."
        ) from error
    return content


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FerEdgeError as error:
        sys.exit(f"make_table1: {error}")
