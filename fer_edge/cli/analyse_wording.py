"""What ``fer-edge analyse`` says at its end, and of what it would do."""

from __future__ import annotations

from typing import List

from fer_edge.recordings.forecast import Forecast, Planned
from fer_edge.recordings.found import Found
from fer_edge.recordings.run import Outcome
from fer_edge.report.wording import length
from fer_edge.system.masking import mask, printable, shown


def outcome_lines(found: Found, outcome: Outcome, out: str) -> List[str]:
    """Return what became of a run, for people."""
    figures = outcome.figures
    done = [f"{outcome.finished} analysed"]
    if outcome.skipped:
        done.append(f"{outcome.skipped} finished before")
    if outcome.failed:
        done.append(f"{outcome.failed} failed")
    if outcome.interrupted:
        done.append("ended before the rest: run it again to go on")
    lines = [f"{recordings(len(found.recordings))}: {', '.join(done)}"]
    if figures.frames:
        real = f", {figures.times_real_time:.1f} x real time" if figures.times_real_time > 0 else ""
        took = length(figures.elapsed_s)
        lines.append(f"{figures.frames} frames in {took} ({figures.fps:.0f} frames/s{real})")
    lines += _found_lines(found)
    lines.append(f"the results are in {shown(mask(out))}")
    return lines


def failed_words(found: Found, outcome: Outcome) -> str:
    """Return how many recordings could not be analysed, or not wholly."""
    failed, partial = outcome.failed, len(outcome.failures) - outcome.failed
    of = f"of {recordings(len(found.recordings))} could not be analysed"
    if not failed:
        return f"{partial} {of} wholly"
    return f"{failed} {of}" + (f", and {partial} not wholly" if partial else "")


def _found_lines(found: Found) -> List[str]:
    lines = [f"not searched: {shown(folder)}: {why}" for folder, why in found.unreadable]
    if found.others:
        lines.append(
            f"{found.others} other file{'s' if found.others > 1 else ''} left out: no video and no picture by name"
        )
    return lines


def forecast_lines(found: Found, foreseen: Forecast) -> List[str]:
    """Return what would be done with each recording, and how long it would take."""
    lines = [_planned(one) for one in foreseen.planned]
    to_do = sum(not one.finished and not one.problem for one in foreseen.planned)
    lines += _found_lines(found)
    lines.append(
        f"{recordings(len(foreseen.planned))}, {to_do} to be analysed by {foreseen.workers} workers; nothing was written"
    )
    trial = foreseen.trial
    if foreseen.seconds is not None and trial is not None:
        lines.append(
            f"about {length(foreseen.seconds)}: an estimate from a trial of {trial.frames} frames of "
            f"{printable(trial.recording.name)} ({trial.frames / max(trial.seconds, 1e-9):.0f} frames/s in one process); "
            "more faces and larger images take longer"
        )
    return lines


def _planned(one: Planned) -> str:
    name = printable(one.recording.name)
    if one.problem:
        return f"{name}: would fail: {one.problem}"
    if one.finished:
        return f"{name}: finished before, would be skipped"
    facts = []
    if one.division.seconds > 0:
        facts.append(length(one.division.seconds))
    if one.division.frames:
        facts.append(f"{one.division.frames} {'frames' if not one.recording.files else 'pictures'}")
    if one.division.spans:
        facts.append(f"in {len(one.division.spans)} parts")
    elif one.division.why_not:
        facts.append(f"in one: {one.division.why_not}")
    if one.division.fresh:
        facts.append(f"where the detector begins afresh at {len(one.division.fresh)} key frames")
    return f"{name}: {', '.join(facts) or 'of unknown length'}"


def recordings(count: int) -> str:
    """Return a number of recordings in words."""
    return f"{count} recording{'s' if count != 1 else ''}"
