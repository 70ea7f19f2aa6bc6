"""Changes to valid bytes, as a bad disk, a broken camera or somebody malicious makes them; and how many are tried."""

from __future__ import annotations

import os
from typing import Callable, Tuple, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# Taken out of the environment, where the program would take it for a setting.
LONG = os.environ.pop("FER_EDGE_FUZZ", "") == "long"
FACTOR = 20

Test = TypeVar("Test", bound=Callable[..., None])

NUMBERS = [0, 1, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF]


def examples(count: int) -> Callable[[Test], Test]:
    """Try `count` examples, always the same ones; in the long run many more, and each time others."""
    return settings(
        max_examples=count * FACTOR if LONG else count,
        deadline=None,
        derandomize=not LONG,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


Change = Tuple[str, int, int, bytes]

_CHANGES: st.SearchStrategy[Change] = st.tuples(
    st.sampled_from(["flip", "cut", "remove", "repeat", "insert", "big", "little"]),
    st.one_of(st.integers(0, 200), st.integers(0, 1 << 24)),
    st.one_of(st.integers(0, 300), st.integers(0, 1 << 16)),
    st.binary(max_size=12),
)


def apply(data: bytes, change: Change) -> bytes:
    """Make one change at a place that is taken modulo the length."""
    kind, where, size, extra = change
    at = where % (len(data) + 1)
    if kind == "flip" and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << size % 8]) + data[at + 1 :]
    if kind == "cut":
        return data[:at]
    if kind == "remove":
        return data[:at] + data[at + size :]
    if kind == "repeat":
        return data[: at + size] + data[at : at + size] * 2 + data[at + size :]
    if kind in ("big", "little"):
        number = NUMBERS[size % len(NUMBERS)].to_bytes(4, "big" if kind == "big" else "little")
        return data[:at] + number + data[at + 4 :]
    return data[:at] + extra + data[at:]


def mutated(*seeds: bytes, most: int = 6) -> st.SearchStrategy[bytes]:
    """Give `seeds` with up to `most` changes each, and sometimes two of them spliced."""

    def make(first: bytes, second: bytes, splice: bool, at: int, changes: Tuple[Change, ...]) -> bytes:
        data = first
        if splice:
            data = first[: at % (len(first) + 1)] + second[at % (len(second) + 1) :]
        for change in changes:
            data = apply(data, change)
        return data

    return st.builds(
        make,
        st.sampled_from(seeds),
        st.sampled_from(seeds),
        st.sampled_from([False, False, False, True]),
        st.integers(0, 1 << 24),
        st.lists(_CHANGES, max_size=most).map(tuple),
    )
