"""The page of one recording."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_edge.recordings.pages import drawing, tables
from fer_edge.recordings.pages.document import plain_name, shown_name, whole
from fer_edge.recordings.pages.film_strip import Thumbnail, cells_of
from fer_edge.recordings.pages.frame_sums import Floats, FrameSteps, FrameSums
from fer_edge.recordings.pages.people import NOBODY, along, longest_seen, people_of
from fer_edge.recordings.pages.reading import State, Summary
from fer_edge.report import markup, meaning, wording
from fer_edge.types import LABELS
from fer_edge.version import __version__

MOST_ROWS = 60
"""Of the timeline: as much as a screen and a half."""

_IN_LANE = 15
"""Rows of the timeline that stay together on paper."""

_SHORT = 20.0
"""Seconds up to which the second is not enough to say where an image comes from."""

_HIGH = 120.0
"""Pixels of the charts below the timeline."""


@dataclass(frozen=True)
class Content:
    """What the page of a recording is made of.

    Attributes
    ----------
    summary : Summary
        Of the recording.
    states : sequence of State
        Of all people; empty where faces were not followed.
    steps : FrameSteps
        Along it.
    sums : FrameSums
        What was seen in each step.
    strip : sequence of Thumbnail or None
        Small images; None where none were asked for.
    no_strip : str
        Why there are none although they were asked for; any text.
    back : str
        Address of the page of all recordings; empty where there is none.
    """

    summary: Summary
    states: Sequence[State]
    steps: FrameSteps
    sums: FrameSums
    strip: Optional[Sequence[Thumbnail]] = None
    no_strip: str = ""
    back: str = ""


def page_of(content: Content) -> bytes:
    """Return the page."""
    summary, states, steps, sums = content.summary, content.states, content.steps, content.sums
    people = people_of(states, sums.valence_of)
    rows = longest_seen(people, MOST_ROWS)
    shown = along(rows, states, steps)
    names = tables.step_names(steps, sums)
    count = sums.people.sum(axis=1)
    most = max(1.0, float(np.nanmax(count)) if np.any(np.isfinite(count)) else 0.0)
    listed = longest_seen(people, tables.MOST_PEOPLE)
    pictures = steps.pictures
    values = {
        "BACK": f'<nav><a href="{content.back}">All recordings</a></nav>' if content.back else "",
        "NAME": shown_name(summary.name),
        "KIND": _kind(summary, pictures),
        "PROBLEMS": _problems(summary),
        "FACTS": _facts(summary, pictures),
        "EXPRESSION_TABLE": tables.expression_table(summary, states, pictures),
        "ALONG_TITLE": "Picture by picture" if pictures else "Over time",
        "STEP": _step(steps),
        "ALONG": _along(len(rows), len(people), pictures),
        "NO_STRIP": f'<p class="notice">{markup.escaped(content.no_strip)}</p>' if content.no_strip else "",
        "SLIDER": "Picture" if pictures else "Time in the recording",
        "LAST_STEP": str(steps.count - 1),
        "STRIP": _strip(content.strip, steps) if content.strip else "",
        "TIMELINE": _timeline(shown, [f"#{person.track}" for person in rows], steps) if rows else "",
        "STACKED": _side(most) + drawing.stacked(sums.people, steps, most, _HIGH),
        "VALENCE": drawing.side([(0, "+1"), (_HIGH / 2, "0"), (_HIGH, "\N{MINUS SIGN}1")], _HIGH)
        + drawing.line(sums.valence, sums.lowest, sums.highest, steps, _HIGH),
        "TICKS": drawing.ticks(steps),
        "STEP_TABLE": markup.folded("The charts as a table", tables.step_table(names, sums, pictures)),
        "STATE_TABLE": markup.folded("The states as a table", tables.state_table(states, steps)) if states else "",
        "PEOPLE": _section("People", "people", tables.people_table(listed, len(people))) if people else "",
        **_about(summary, pictures),
        "RECORD": tables.record_table(summary.record),
        "VERSION": __version__,
        "PICTURES": "It holds images of people." if content.strip else "It holds no pictures.",
    }
    data = {
        "labels": LABELS,
        "length": steps.length or 1,
        "width": steps.width,
        "steps": [_heard(number, steps, sums) for number in range(steps.count)],
        "people": [
            [f"#{person.track}", "".join("-" if one == NOBODY else str(one) for one in row.tolist())]
            for person, row in zip(rows, shown)
        ],
        "count": _known(count),
        "valence": _known(sums.valence),
    }
    title = f"fer-edge: {plain_name(summary.name)}"
    return whole(title, "recording.html", values, "recording.js", markup.for_script(data))


def _about(summary: Summary, pictures: bool) -> Dict[str, str]:
    """Return what is said of the figures, where it is not the same on all pages."""
    if pictures:
        people, share, steps = meaning.PEOPLE_IN_PICTURES, meaning.SHARE_OF_FACES, meaning.STEPS_OF_PICTURES
    elif summary.people is None:
        people, share, steps = meaning.PEOPLE_NOT_FOLLOWED, meaning.SHARE_OF_FRAMES, meaning.STEPS
    else:
        people, share, steps = meaning.PEOPLE, meaning.SHARE, meaning.STEPS
    return {"ABOUT_PEOPLE": people, "ABOUT_SHARE": share, "ABOUT_STEPS": steps}


def _heard(number: int, steps: FrameSteps, sums: FrameSums) -> str:
    """Return what the script calls a step: plain text."""
    at = tables.at(number * steps.width, steps)
    file = plain_name(sums.file[number]) if steps.pictures and steps.width == 1 else ""
    return f"{at} ({file})" if file else at


def _known(values: Floats) -> List[Optional[float]]:
    return [round(value, 2) if np.isfinite(value) else None for value in values.tolist()]


def _kind(summary: Summary, pictures: bool) -> str:
    record = summary.record
    size = (
        f"{record['width']} \N{MULTIPLICATION SIGN} {record['height']}"
        if record.get("width") and record.get("height")
        else ""
    )
    if pictures:
        words = [f"{summary.frames} pictures" if summary.frames != 1 else "1 picture"]
    else:
        rate = f"{summary.fps:.4g} frames/s" if summary.fps else ""
        words = [wording.length(summary.duration), size, rate]
    return markup.escaped(", ".join(filter(None, words))) + "."


def _problems(summary: Summary) -> str:
    if not summary.problems:
        return ""
    items = "".join(f"<li>{shown_name(problem)}</li>" for problem in summary.problems)
    return f'<div class="notice" role="note"><p>What was wrong with the recording:</p><ul>{items}</ul></div>'


def _facts(summary: Summary, pictures: bool) -> str:
    every = summary.analysed / summary.frames if summary.frames else None
    share = summary.with_faces / summary.analysed if summary.analysed else None
    of = "pictures" if pictures else "frames"
    facts = [
        (
            f"{of} analysed",
            f"{summary.analysed} of {summary.frames}" + (f" ({wording.share(every)})" if every != 1 else ""),
        ),
        (f"{of} with a face", f"{summary.with_faces} ({wording.share(share)})"),
        ("faces in all of them", str(summary.faces)),
        *([] if pictures or summary.people is None else [("people followed", str(summary.people))]),
        ("mean valence", wording.number(summary.valence, 2, signed=True)),
        *(
            [("analysed at", f"{summary.times_real_time:.3g} \N{MULTIPLICATION SIGN} real time")]
            if summary.times_real_time
            else []
        ),
    ]
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)


def _step(steps: FrameSteps) -> str:
    if steps.pictures:
        return "1 picture" if steps.width == 1 else f"{steps.width:g} pictures"
    return wording.step(int(steps.width)) if steps.width >= 60 else f"{steps.width:g} s"


def _along(rows: int, people: int, pictures: bool) -> str:
    words = "Colours and patterns are those of the list; shades behind the valence reach from the lowest to the highest face."
    if pictures:
        return f"Each picture stands for itself. {words}"
    if not people:
        return f"Faces were not followed, so there is no row for each person. {words}"
    several = f"A row is a person, the {rows} seen longest of {people}." if rows < people else "A row is a person."
    return f"{several} {words}"


def _timeline(shown: NDArray[np.int8], names: Sequence[str], steps: FrameSteps) -> str:
    """Return the rows of all people, in several drawings: a sheet of paper breaks between two of them only."""
    lanes = ""
    for first in range(0, len(names), _IN_LANE):
        several = names[first : first + _IN_LANE]
        marks = [(drawing.ROW * (number + 0.5), name) for number, name in enumerate(several)]
        rows = drawing.timeline(shown[first : first + _IN_LANE], steps)
        lanes += f'<div class="lane">{drawing.side(marks, drawing.ROW * len(several))}{rows}</div>\n'
    return f"<h3>What each person showed</h3>\n{lanes}"


def _side(most: float) -> str:
    whole_number = int(most)
    return drawing.side([(_HIGH, "0"), (_HIGH * (1 - whole_number / most), str(whole_number))], _HIGH)


def _strip(strip: Sequence[Thumbnail], steps: FrameSteps) -> str:
    """Return the images, each over the part of the recording that it is of."""
    count = cells_of(steps.count, steps.pictures)
    cells = [""] * count
    for one in strip:
        place = min(count - 1, int(count * one.time / steps.length)) if steps.length else 0
        name = tables.at(one.time, steps) if steps.pictures or steps.length < _SHORT else wording.clock(int(one.time))
        data = base64.b64encode(one.jpeg).decode("ascii")
        cells[place] = (
            f'<img src="data:image/jpeg;base64,{data}" width="{one.width}" height="{one.height}" alt="The recording at {name}">'
            f"<figcaption>{name}</figcaption>"
        )
    made = "".join(f"<figure>{cell}</figure>" for cell in cells)
    return f'<div class="lane"><span></span><div class="strip">{made}</div></div>'


def _section(title: str, name: str, content: str) -> str:
    return f'<section aria-labelledby="h-{name}" class="whole">\n<h2 id="h-{name}">{title}</h2>\n{content}</section>'
