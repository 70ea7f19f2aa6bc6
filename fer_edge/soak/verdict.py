"""Whether memory, descriptors and threads stayed flat."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Callable, Dict, List, Sequence

FRAMES = 10_000
"""Frames to which a growth of memory is related."""

MOST_GROWTH = 1.0
"""MB per `FRAMES`."""

FEWEST_FRAMES = 2_000
"""With fewer frames the steps in which an allocator grows would be taken for a trend."""

FEWEST_SAMPLES = 10

_PARTS = 5
"""The samples are divided into so many parts, of which each counts by its median."""


@dataclass(frozen=True)
class Sample:
    """What the program used at one moment.

    Attributes
    ----------
    seconds : float
        Since it was healthy for the first time.
    frames : int
        Analysed so far.
    memory : float
        Resident, in MB (of 10**6 bytes), with that of its child processes.
    descriptors, threads, children : int
        Of the process itself.
    """

    seconds: float
    frames: int
    memory: float
    descriptors: int
    threads: int
    children: int


@dataclass(frozen=True)
class Verdict:
    """What the samples after the warm-up say.

    Attributes
    ----------
    first, last : Sample
        Medians of the first and of the last fifth.
    growth : float
        Of the memory, in MB per `FRAMES` frames: what it grew by at least from one fifth of the run to the next, but for one of
        these four. An allocator grows in a few steps, and stops; a leak goes on.
    complaints : tuple of str
        What was not flat, for people; empty when everything was.
    """

    first: Sample
    last: Sample
    growth: float
    complaints: Sequence[str]

    def to_json(self) -> Dict[str, Any]:
        """Return it for a report."""
        return {**asdict(self), "complaints": list(self.complaints)}


def judge(samples: Sequence[Sample], warm_up: float) -> Verdict:
    """Compare the end of a run with its beginning.

    Parameters
    ----------
    samples : sequence of Sample
        In the order of time.
    warm_up : float
        Seconds at the beginning that do not count.

    Raises
    ------
    ValueError
        There are too few samples or frames to say anything; the message says how many.
    """
    counted = [sample for sample in samples if sample.seconds >= warm_up]
    if len(counted) < FEWEST_SAMPLES:
        raise ValueError(
            f"the samples after the warm-up of {warm_up:g} s are too few: {len(counted)}, and {FEWEST_SAMPLES} are needed"
        )
    parts = [
        _middle(counted[number * len(counted) // _PARTS : (number + 1) * len(counted) // _PARTS])
        for number in range(_PARTS)
    ]
    first, last = parts[0], parts[-1]
    frames = last.frames - first.frames
    if frames < FEWEST_FRAMES:
        raise ValueError(f"the frames analysed after the warm-up are too few: {frames}, and {FEWEST_FRAMES} are needed")
    rates = [
        (after.memory - before.memory) / max(1, after.frames - before.frames) for before, after in zip(parts, parts[1:])
    ]
    growth = sorted(rates)[1] * FRAMES
    complaints: List[str] = []
    if growth > MOST_GROWTH:
        complaints.append(f"memory grew on and on, by {growth:.2f} MB per {FRAMES:,} frames, more than {MOST_GROWTH:g}")
    for what in ("descriptors", "threads", "children"):
        before, after = getattr(first, what), getattr(last, what)
        if after > before:
            complaints.append(f"{what} grew from {before} to {after}")
    return Verdict(first, last, growth, tuple(complaints))


def _middle(samples: Sequence[Sample]) -> Sample:
    def of(value: Callable[[Sample], float]) -> float:
        return median(value(sample) for sample in samples)

    return Sample(
        of(lambda sample: sample.seconds),
        round(of(lambda sample: sample.frames)),
        of(lambda sample: sample.memory),
        round(of(lambda sample: sample.descriptors)),
        round(of(lambda sample: sample.threads)),
        round(of(lambda sample: sample.children)),
    )
