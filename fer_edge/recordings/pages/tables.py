"""The tables of the page of a recording."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from fer_edge.recordings.pages.document import expression_rows, shown_name, sized
from fer_edge.recordings.pages.drawing import key, share_bar
from fer_edge.recordings.pages.frame_sums import FrameSteps, FrameSums
from fer_edge.recordings.pages.people import Person
from fer_edge.recordings.pages.reading import State, Summary
from fer_edge.report import markup, wording
from fer_edge.report.looks import ORDER
from fer_edge.types import LABELS

MOST_PEOPLE, MOST_STATES = 200, 500
"""In the tables; the files have them all."""

_LEFT_OUT = ("seconds", "problems")
"""Of a summary: shown elsewhere in the page."""


def places_of(steps: FrameSteps) -> int:
    """Return how many decimals of a second matter."""
    return 0 if steps.pictures or steps.width >= 1 else 2 if (100 * steps.width) % 10 else 1


def at(seconds: float, steps: FrameSteps) -> str:
    """Return what a place along a recording is called."""
    return f"picture {round(seconds) + 1}" if steps.pictures else wording.clock(seconds, places_of(steps))


def step_names(steps: FrameSteps, sums: FrameSums) -> List[str]:
    """Return what each step is called: when it begins, or which picture it is."""
    by_file = steps.pictures and steps.width == 1
    return [
        shown_name(sums.file[number]) if by_file and sums.file[number] else at(number * steps.width, steps)
        for number in range(steps.count)
    ]


def expression_table(summary: Summary, states: Sequence[State], pictures: bool) -> str:
    """Return how long each expression was shown, and where people were followed how often."""
    lengths = {label: [state.duration for state in states if state.label == label] for label in LABELS}
    more = {
        label: (
            f"{summary.seconds[label]:.0f}" if pictures else wording.length(summary.seconds[label]),
            *((str(len(own)), wording.length(float(np.median(own)) if own else None)) if states else ()),
        )
        for label, own in lengths.items()
    }
    head = (
        "Expression",
        "Share",
        "Faces" if pictures else "Shown for",
        *(("Times", "Median length") if states else ()),
    )
    return markup.table("Each expression, all people together", head, expression_rows(summary.seconds, more))


def people_table(people: Sequence[Person], count: int) -> str:
    """Return what each person showed; `count` is how many there are in all."""
    rows = [
        (
            f"#{person.track}",
            wording.clock(person.first),
            wording.clock(person.last),
            wording.length(person.seen),
            share_bar(person.shares),
            _most_shown(person.shares),
            wording.number(person.valence, 2, signed=True),
            str(person.states),
        )
        for person in people
    ]
    told = f"All {count}" if count == len(people) else f"The {len(people)} seen longest of {count}"
    caption = f"{told}, in the order in which they came" if count > 1 else "The only one"
    head = ("Person", "First seen", "Last seen", "In view", "Expressions", "Shown most", "Valence", "States")
    return sized(markup.table(caption, head, rows, tall=len(people) > 20), len(rows))


def _most_shown(shares: Mapping[str, float]) -> str:
    label = max(LABELS, key=lambda label: shares[label])
    return f"{label} ({wording.share(shares[label])})" if shares[label] > 0 else wording.UNKNOWN


def step_table(names: Sequence[str], sums: FrameSums, pictures: bool) -> str:
    """Return the figures of the charts, step by step."""
    people = sums.people
    rows = []
    for number, name in enumerate(names):
        shown = [_figure(people[number, LABELS.index(label)], 2) for label in ORDER]
        rows.append((name, *shown, _figure(sums.valence[number], 2, signed=True)))
    head = ("Picture" if pictures else "From", *ORDER, "valence")
    return markup.table("People showing each expression, and valence", head, rows, tall=True)


def _figure(value: float, places: int, signed: bool = False) -> str:
    return wording.number(value if np.isfinite(value) else None, places, signed)


def state_table(states: Sequence[State], steps: FrameSteps) -> str:
    """Return the states of all people; of very many those that lasted longest."""
    chosen = sorted(
        sorted(states, key=lambda state: -state.duration)[:MOST_STATES], key=lambda state: (state.start, state.track)
    )
    places = max(1, places_of(steps))
    rows = [
        (
            f"#{state.track}",
            key(state.label) + state.label,
            wording.clock(state.start, places),
            wording.clock(state.end, places),
            f"{state.duration:.{places}f} s",
            wording.share(state.confidence),
        )
        for state in chosen
    ]
    told = f"All {len(states)}" if len(states) == len(chosen) else f"The {len(chosen)} longest of {len(states)}"
    head = ("Person", "Expression", "From", "To", "Length", "Confidence")
    return markup.table(f"{told}, in the order of time", head, rows, tall=True)


def record_table(record: Mapping[str, Any]) -> str:
    """Return all that the summary says of how it was made."""
    rows = [
        (shown_name(name), shown_name(text))
        for name, text in _flat(record)
        if name.partition(".")[0] not in _LEFT_OUT and text
    ]
    made = markup.table("What the summary says", ("Of", "Is"), rows)
    return '<div class="words">' + markup.folded("Network, settings, checksums", made) + "</div>\n"


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[Tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, bool):
            yield f"{above}{name}", str(value).lower()
        elif isinstance(value, (list, tuple)):
            yield f"{above}{name}", ", ".join(map(str, value))
        else:
            yield f"{above}{name}", _plain(value)


def _plain(value: Optional[Any]) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
