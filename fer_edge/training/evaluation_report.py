"""An evaluation as files: JSON for programs, Markdown for people, and pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from fer_edge.training.atomic import check_writable, write_atomically
from fer_edge.training.evaluate import Evaluation
from fer_edge.training.parity import Parity
from fer_edge.training.people_tables import people_lines, stress_lines
from fer_edge.training.pictures import OURS, check_pictures, draw_confusion, draw_coverage, draw_reliability
from fer_edge.training.stress_picture import draw_stress
from fer_edge.types import LABELS

_DRAW = {"confusion": draw_confusion, "coverage": draw_coverage, "reliability": draw_reliability}
_TEXT = rb'"(?:[^"\\]|\\.)*",\s*'
_OUR_JSON = re.compile(
    rb'\{\s*"model": %s(?:"provider": %s"precision": %s)?"data": %s"crop": ' % (_TEXT, _TEXT, _TEXT, _TEXT)
)
_OUR_PAGE = re.compile(rb"# .{1,5000}?\n\nCut: .{1,5000}?\. Right answer: ", re.DOTALL)


def to_markdown(result: Evaluation, pictures: Mapping[str, str] | None = None) -> str:
    """Return ``result`` as a page for people.

    Parameters
    ----------
    result
        The figures.
    pictures
        File name, seen from the page, of each of ``confusion``, ``coverage``, ``reliability`` and ``stress``; one that is not
        there is not linked.
    """

    def picture(which: str, caption: str) -> list[str]:
        return ["", f"![{caption}]({quote(pictures[which])})"] if pictures and which in pictures else []

    lines = [
        f"# {result.model} on {result.data}",
        "",
        f"Cut: {result.crop}. Right answer: {result.rule}. {result.faces} faces have one; {result.without_label} have "
        f"none and are left out; in {result.not_found} no face was found. Pictures skipped because they cannot be used: "
        f"{result.skipped}. Run on {result.provider}, {result.precision}.",
        "",
        "| figure | value |",
        "|---|---|",
        f"| accuracy | {result.accuracy:.2%} |",
        f"| accuracy, a face not found counted as wrong | {result.accuracy_of_all:.2%} |",
        f"| macro F1 | {result.macro_f1:.3f} |",
        f"| expected calibration error (temperature {result.temperature:g}) | {result.ece:.3f} |",
        f"| expected calibration error without it | {result.ece_uncalibrated:.3f} |",
        f"| negative log-likelihood, with and without it | {result.nll:.3f}, {result.nll_uncalibrated:.3f} |",
        f"| called uncertain (confidence under {result.uncertain_below:g}) | {result.uncertain:.2%} |",
        f"| accuracy of the others | {result.accuracy_when_certain:.2%} |",
        *_parity_rows(result.parity),
        *picture("reliability", "Accuracy against confidence, without the temperature and with it"),
        "",
        "| label | faces | precision | recall | among the two most probable | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for label, figures in result.labels.items():
        lines.append(
            f"| {label} | {figures.faces} | {figures.precision:.3f} | {figures.recall:.3f} | {figures.among_two:.3f} | "
            f"{figures.f1:.3f} |"
        )
    lines += ["", "Row: the true label; column: the answer.", "", f"| | {' | '.join(LABELS)} |", "|---" * 8 + "|"]
    lines += [f"| {label} | {' | '.join(map(str, row))} |" for label, row in zip(LABELS, result.confusion)]
    lines += [
        *picture("confusion", "Confusion matrix"),
        "",
        "Answers under the threshold of confidence are withheld; the others are the coverage.",
        "",
        "| threshold | coverage | accuracy of what is answered |",
        "|---|---|---|",
    ]
    for point in result.coverage:
        own = " (the model's own)" if point.threshold == result.uncertain_below else ""
        accuracy = "nothing answered" if point.accuracy is None else f"{point.accuracy:.2%}"
        lines.append(f"| {point.threshold:g}{own} | {point.coverage:.2%} | {accuracy} |")
    lines += picture("coverage", "Accuracy against coverage")
    lines += people_lines(result.annotators)
    lines += stress_lines(result.stress)
    lines += picture("stress", "Accuracy under each stress")
    return "\n".join(lines) + "\n"


def _parity_rows(parity: Parity | None) -> list[str]:
    if parity is None:
        return []
    return [
        f"| label as on {parity.other} | {parity.agreement:.2%} of {parity.faces} faces |",
        f"| largest difference of a probability from it, and mean over the faces | {parity.largest_difference:.2g}, "
        f"{parity.mean_difference:.2g} |",
    ]


def write_report(result: Evaluation, path: Path) -> tuple[Path, ...]:
    """Write ``result`` as files whose names begin with ``path``.

    Parameters
    ----------
    result
        The figures.
    path
        Folder and beginning of the names; an ending .json or .md is dropped.

    Returns
    -------
    tuple of Path
        PATH.json, PATH.md, PATH-confusion.png, PATH-coverage.png, PATH-reliability.png, and with stresses PATH-stress.png.

    Raises
    ------
    MissingExtra
        If matplotlib is not there; nothing is written then.
    OutputNotWritable
        If a file cannot be written, or is there and none of an earlier report.
    """
    check_report(path, result.stress is not None)
    as_json, as_page, pictures = _files(path, result.stress is not None)
    for which, file in pictures.items():
        if which in _DRAW:
            _DRAW[which](file, result)
    if result.stress is not None:
        draw_stress(pictures["stress"], result.stress, f"{result.model} on {result.data}, as cameras give it")
    page = to_markdown(result, {which: file.name for which, file in pictures.items()})
    write_atomically(as_json, (json.dumps(asdict(result), indent=2) + "\n").encode(), _OUR_JSON)
    # Last, so that whatever the page links is there.
    write_atomically(as_page, page.encode(), _OUR_PAGE)
    return as_json, as_page, *pictures.values()


def check_report(path: Path, stress: bool) -> None:
    """Make sure that a report at ``path``, with stresses or without, can be drawn and written, and would replace reports only.

    Raises
    ------
    MissingExtra
        If matplotlib is not there.
    OutputNotWritable
        If one of its files cannot be written, or is there and of no report.
    """
    check_pictures()
    as_json, as_page, pictures = _files(path, stress)
    for file, ours in [(as_json, _OUR_JSON), (as_page, _OUR_PAGE), *((file, OURS) for file in pictures.values())]:
        check_writable(file, ours)


def _files(path: Path, stress: bool) -> tuple[Path, Path, dict[str, Path]]:
    if path.suffix in (".json", ".md"):
        path = path.with_suffix("")

    def beside(ending: str) -> Path:
        return path.with_name(path.name + ending)

    drawn = (*_DRAW, "stress") if stress else tuple(_DRAW)
    return beside(".json"), beside(".md"), {which: beside(f"-{which}.png") for which in drawn}
