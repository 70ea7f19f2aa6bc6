from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.soak.verdict import FRAMES, MOST_GROWTH, Sample, judge


def run(growth: float, frames: int = 40_000, count: int = 200, warm_up: float = 60.0) -> List[Sample]:
    """Make the samples of a run that fills its caches in the warm-up and then grows by `growth` MB per 10,000 frames."""
    samples = []
    for number in range(count):
        share = number / (count - 1)
        filling = 40.0 * min(1.0, share / 0.2)
        memory = 150.0 + filling + growth * frames * share / FRAMES
        samples.append(Sample(warm_up * 5 * share, round(frames * share), memory, 12, 9, 1))
    return samples


@given(st.floats(-5, 5), st.integers(4_000, 200_000))
def test_a_steady_growth_is_found_whatever_the_warm_up_did(growth: float, frames: int) -> None:
    verdict = judge(run(growth, frames), 60.0)
    assert verdict.growth == pytest.approx(growth, abs=0.02)
    if abs(growth - MOST_GROWTH) > 0.05:
        assert bool(verdict.complaints) == (growth > MOST_GROWTH)


@given(st.lists(st.integers(0, 199), max_size=15, unique=True))
def test_single_spikes_are_no_growth(spikes: List[int]) -> None:
    samples = run(0.0)
    for place in spikes:
        samples[place] = replace(samples[place], memory=900.0, descriptors=40, threads=30)
    assert judge(samples, 60.0).complaints == ()


@given(st.lists(st.tuples(st.integers(0, 199), st.floats(0, 20)), max_size=1), st.floats(0, 10))
def test_a_step_in_which_an_allocator_grows_is_no_leak_and_hides_none(
    steps: List[Tuple[int, float]], growth: float
) -> None:
    samples = run(growth)
    for place, size in steps:
        samples = samples[:place] + [replace(one, memory=one.memory + size) for one in samples[place:]]
    if abs(growth - MOST_GROWTH) > 0.05:
        assert bool(judge(samples, 60.0).complaints) == (growth > MOST_GROWTH)


@pytest.mark.parametrize("what", ["descriptors", "threads", "children"])
def test_one_more_at_the_end_than_at_the_beginning_is_a_leak(what: str) -> None:
    samples = run(0.0)
    samples = samples[:100] + [replace(sample, **{what: getattr(sample, what) + 1}) for sample in samples[100:]]
    assert [complaint.split()[0] for complaint in judge(samples, 60.0).complaints] == [what]


def test_too_little_is_not_judged() -> None:
    with pytest.raises(ValueError, match="frames .* too few: 965"):
        judge(run(9.0, frames=1_500), 60.0)
    with pytest.raises(ValueError, match="samples .* too few: 5,"):
        judge(run(9.0)[:45], 60.0)
