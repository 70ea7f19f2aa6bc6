"""The tables of `detector_recall.py`, in Markdown."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence

from fer_edge.errors import UsageError

Tallied = Mapping[str, Any]
"""A tally of `detector_recall.py` as JSON has it."""
NOTHING = "-"
MEASURED = "Measured with "
"""Begins the line that says what all tables were measured with."""


def tables(report: Mapping[str, Any]) -> List[str]:
    """Return the lines of all tables, with what they were measured on."""
    facts, names = report["environment"], report["detectors"]
    view = "x".join(map(str, report["view"]))
    lines = [
        f"{MEASURED}{facts['cpu']}, {facts['cores']} cores; fer-edge {facts['fer_edge']}, Python {facts['python']}, "
        f"OpenCV {facts['opencv']}, ONNX Runtime {facts['onnxruntime']}; seed {report['seed']}"
        f"{', quick' if report['quick'] else ''}, least score {report['min_score']:g}, images {report['images']}.",
        *_by_size(report, names),
    ]
    on_busy = f"{view}, busy ground"
    plain: Dict[str, Callable[[Tallied], str]] = {
        "company": lambda one: _percent(one["found"], one["faces"]),
        "roll": lambda one: _percent(one["found"], one["faces"]),
        "turn": lambda one: _percent(one["found"], one["faces"]),
        "light": lambda one: _percent(one["found"], one["faces"]),
        "motion": _followed,
        "empty": lambda one: f"{1000 * one['false'] / one['frames']:.0f}" if one["frames"] else NOTHING,
        "double": lambda one: f"{one['doubled']} / {one['doubled_after']}",
    }
    titles = {
        "company": f"Faces found by how many are in the image, % ({view})",
        "roll": f"Faces found by roll in degrees, % ({on_busy})",
        "turn": f"Faces found by turn in degrees, % ({on_busy})",
        "light": f"Faces found by light, % ({on_busy})",
        "motion": f"Frames in which a moving head is found, %, and for the head that is found least ({on_busy})",
        "empty": f"False faces in 1,000 images without any ({view})",
        "double": f"Images with two boxes on one head, as detected / after fer-edge joined them ({on_busy})",
    }
    firsts: Dict[str, Callable[[Mapping[str, Any]], str]] = {
        "company": lambda key: f"{key['height']} px, {key['heads']} in the image, {key['ground']} ground",
        "motion": lambda key: f"{key['height']} px, {key['speed']:g} face widths/s",
    }
    for table, cell in plain.items():
        rows = []
        for group in _groups(report, table):
            words = group["key"]
            first = firsts[table](words) if table in firsts else str(next(iter(words.values())))
            rows.append([first, _frames(group), *(cell(group["detectors"][name]) for name in names)])
        lines += _table(titles[table], ["", "images", *names], rows)
    columns = list(next(iter(report["ms"].values()), {}))
    times = [
        [image, *(f"{ms[one]['median']:.1f} ({ms[one]['late']:.1f})" for one in columns)]
        for image, ms in report["ms"].items()
    ]
    title = "Milliseconds of processor time of a look: median (95th percentile)"
    return [*lines, *_table(title, ["image, faces", *columns], times)]


def filled(page: str, lines: Sequence[str]) -> str:
    """Return a Markdown page with each table replaced that stands under a title of `tables`, and the line `MEASURED`.

    Raises
    ------
    UsageError
        It has no such title.
    """
    new: Dict[str, List[str]] = {}
    for line in lines:
        if line.startswith("**"):
            title = new[line] = []
        elif line.startswith("|"):
            title.append(line)
    kept: List[str] = []
    replaced, within = 0, False
    for line in page.split("\n"):
        if within and line and not line.startswith("|"):  # what follows the table
            kept.append("")
            within = False
        if line in new:
            kept += [line, "", *new[line]]
            replaced, within = replaced + 1, True
        elif line.startswith(MEASURED):
            kept.append(lines[0])
        elif not within:
            kept.append(line)
    if not replaced:
        raise UsageError("The page has none of these tables.", "Put the title of one, as it is printed, on a line.")
    return "\n".join(kept + [""] if within else kept)


def _by_size(report: Mapping[str, Any], names: Sequence[str]) -> List[str]:
    cells: Dict[str, Dict[int, Dict[str, Mapping[str, Tallied]]]] = {}
    for group in _groups(report, "size"):
        key = group["key"]
        cells.setdefault(key["size"], {}).setdefault(key["height"], {})[key["ground"]] = group["detectors"]
    heights = sorted({height for row in cells.values() for height in row})
    rows = []
    for size, row in cells.items():
        for name in names:
            found = [
                [_percent(by[name]["found"], by[name]["faces"]) for by in row[height].values()] for height in heights
            ]
            rows.append([size, name, *(NOTHING if set(one) == {NOTHING} else " / ".join(one) for one in found)])
    title = "Faces found by size of the image and height of the face, %, on plain / busy grounds"
    return _table(title, ["image", "detector", *(f"{height} px" for height in heights)], rows)


def _groups(report: Mapping[str, Any], table: str) -> Iterator[Mapping[str, Any]]:
    return (group for group in report["groups"] if group["table"] == table)


def _frames(group: Mapping[str, Any]) -> str:
    return str(next(iter(group["detectors"].values()), {"frames": 0})["frames"])


def _followed(one: Tallied) -> str:
    if not one["frames"]:
        return NOTHING
    images, least = min(one["by_head"], key=lambda head: head[1] / head[0])
    return f"{_percent(one['found'], one['faces'])}, {_percent(least, images)}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else NOTHING


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    if not rows:
        return []
    lines = ["", f"**{title}**", "", _line(head), _line(["---"] * len(head))]
    return lines + [_line(row) for row in rows]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
