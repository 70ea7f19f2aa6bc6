"""What an evaluation says of people and of cameras, as parts of the page for people."""

from __future__ import annotations

from fer_edge.training.annotators import FAINT, Annotators, Second
from fer_edge.training.stress_figures import UnderStress

NO_VOTES = "The set has one label a face and no votes of several people: the figures that need them are left out."


def people_lines(said: Annotators | None) -> list[str]:
    """Return the part on annotators, as lines of Markdown."""
    if said is None:
        return ["", NO_VOTES]
    lines = [
        "",
        f"Beside the annotators ({said.votes} votes for the seven expressions):",
        "",
        "| figure | the network | one annotator | the best possible |",
        "|---|---|---|---|",
        f"| says what an annotator drawn at random says | {said.agreement:.2%} | {said.agreement_human:.2%} | "
        f"{said.agreement_best:.2%} |",
        f"| cross-entropy to the votes, nats (one annotator: what the others' votes tell) | {said.cross_entropy:.3f} | "
        f"{said.cross_entropy_human:.3f} | {said.cross_entropy_best:.3f} |",
        f"| the same at the temperature that fits the votes, {said.temperature_for_votes:.3f} | {said.cross_entropy_at_it:.3f} "
        "| | |",
        "",
        f"One annotator says what most of the others say in {said.majority_human:.2%} of the cases; the accuracy above is the "
        "same question.",
        "",
        "| share of the votes for the majority label | faces | accuracy | mean confidence |",
        "|---|---|---|---|",
    ]
    for band in said.bands:
        lines.append(
            f"| over {band.over:.0%}, up to {band.up_to:.0%} | {band.faces} | {_percent(band.accuracy)} | "
            f"{_percent(band.confidence)} |"
        )
    lines += [
        "",
        f"Faint expressions: faces whose second label has {FAINT[0]:.0%} to {FAINT[1]:.0%} of the votes.",
        "",
        "| second label | faces | mean share of the votes | mean probability |",
        "|---|---|---|---|",
        _second("any", said.second),
        *(_second(label, second) for label, second in said.second_by_label.items()),
    ]
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _second(name: str, second: Second) -> str:
    share, probability = ("-" if each is None else f"{each:.3f}" for each in (second.share, second.probability))
    return f"| {name} | {second.faces} | {share} | {probability} |"


def stress_lines(figures: UnderStress | None) -> list[str]:
    """Return the part on stresses, as lines of Markdown; none where they were not measured."""
    if figures is None:
        return []
    clean = figures.nothing
    lines = [
        "",
        f"The same crops under what cameras do ({figures.faces} faces, seed {figures.seed}):",
        "",
        "| stress | accuracy | change | macro F1 | calibration error | called uncertain | recall of disgust | of fear |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in (clean, *figures.rows):
        change = "" if row is clean else _change(row.accuracy, clean.accuracy)
        lines.append(
            f"| {row.stress} | {row.accuracy:.2%} | {change} | {row.macro_f1:.3f} | {row.ece:.3f} | {row.uncertain:.2%} | "
            f"{row.recall['disgust']:.2f} | {row.recall['fear']:.2f} |"
        )
    lines.append(
        f"| **mean over the stresses** | {figures.accuracy:.2%} | {_change(figures.accuracy, clean.accuracy)} | "
        f"{figures.macro_f1:.3f} | {figures.ece:.3f} | | | |"
    )
    lines += [f"\nLeft out, {reason}: {name}." for name, reason in figures.left_out.items()]
    return lines


def _change(share: float, clean: float) -> str:
    return f"{round(100 * (share - clean), 1) + 0.0:+.1f} points"  # without a minus before nothing
