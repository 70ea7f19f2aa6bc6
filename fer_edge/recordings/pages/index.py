"""The page of all recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

from fer_edge.recordings.failures import PARTIAL, Failure
from fer_edge.recordings.pages.document import expression_rows, links_of, shown_name, sized, whole
from fer_edge.recordings.pages.drawing import share_bar
from fer_edge.recordings.pages.reading import PAGE, Summary
from fer_edge.report import markup, wording
from fer_edge.types import LABELS
from fer_edge.version import __version__

_COLUMNS = (
    "Recording",
    "Length",
    "People",
    "With a face",
    "Expressions",
    "Shown most",
    "Valence",
    "\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}real time",
)


def index_of(out: Path, summaries: Sequence[Summary], failures: Sequence[Failure]) -> bytes:
    """Return the page; recordings that have one of their own in `out` are links."""
    count = f"{len(summaries)} recordings" if len(summaries) != 1 else "1 recording"
    values = {
        "COUNT": count,
        "TOTAL": _total(summaries),
        "FAILED": _failed(failures),
        "RECORDINGS": _recordings(out, summaries),
        "ALL_TOGETHER": _all_together(summaries),
        "FAILURES": _failures(failures),
        "VERSION": __version__,
    }
    return whole(f"fer-edge: {count}", "index.html", values, "index.js")


def _all_together(summaries: Sequence[Summary]) -> str:
    """Return the recordings in which people were followed added up; nothing where there is none."""
    followed = [one for one in summaries if one.people is not None]
    if not followed:
        return ""
    seconds = {label: sum(one.seconds[label] for one in followed) for label in LABELS}
    more = {label: (wording.length(seconds[label]),) for label in LABELS}
    caption = "Each expression, all people of all recordings together"
    if len(followed) < len(summaries):
        caption += f" (without the {len(summaries) - len(followed)} in which nobody was followed)"
    made = markup.table(caption, ("Expression", "Share", "Shown for"), expression_rows(seconds, more))
    return f'<section aria-labelledby="h-sum" class="whole">\n<h2 id="h-sum">All together</h2>\n{made}</section>'


def _total(summaries: Sequence[Summary]) -> str:
    length = sum(one.duration or 0.0 for one in summaries)
    followed = [one.people for one in summaries if one.people is not None]
    people = f"{sum(followed)} people followed" if followed or not summaries else "nobody followed"
    frames = sum(one.analysed for one in summaries)
    return f"{wording.length(length)} in all, {frames} frames analysed, {people}."


def _recordings(out: Path, summaries: Sequence[Summary]) -> str:
    rows = []
    links = links_of(out, PAGE)
    for one in summaries:
        name, address = shown_name(one.name), links.get(one.name)
        problems = "".join(f'<div class="problem">{shown_name(problem)}</div>' for problem in one.problems)
        share = one.with_faces / one.analysed if one.analysed else None
        most = max(LABELS, key=lambda label: one.shares[label])
        rows.append(
            (
                (f'<a href="{address}">{name}</a>' if address else name) + problems,
                _sorted_by(one.duration, wording.length(one.duration)),
                _sorted_by(one.people, wording.UNKNOWN if one.people is None else str(one.people)),
                _sorted_by(share, wording.share(share)),
                share_bar(one.shares) if any(one.seconds.values()) else "",
                f"{most} ({wording.share(one.shares[most])})"
                if one.shares[most] > 0
                else ("not followed" if one.faces else "nobody seen"),
                _sorted_by(one.valence, wording.number(one.valence, 2, signed=True)),
                _sorted_by(one.times_real_time, wording.number(one.times_real_time, 1)),
            )
        )
    return sized(markup.table("One line for each", _COLUMNS, rows, name="recordings"), len(rows))


def _sorted_by(value: Optional[float], text: str) -> str:
    return text if value is None else f'<span data-v="{value:.6g}">{text}</span>'


def _failed(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    partial = sum(one.results == PARTIAL for one in failures)
    counts = [(len(failures) - partial, "could not be analysed"), (partial, "could not be read to the end")]
    told = " and ".join(
        f"{count} {'recordings' if count > 1 else 'recording'} {what}" for count, what in counts if count
    )
    return f'<p class="notice">{told}: <a href="#h-failures">which, and why</a>.</p>'


def _failures(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    rows = [
        (
            shown_name(one.name),
            "in part" if one.results == PARTIAL else "none",
            shown_name(one.reason or one.error),
            shown_name(one.hint),
        )
        for one in failures
    ]
    made = markup.table("Recordings without whole results", ("Recording", "Results", "Why", "What to do"), rows)
    title = '<h2 id="h-failures">Failures</h2>'
    return f'<section aria-labelledby="h-failures">\n{title}\n<div class="words">{made}</div></section>'
