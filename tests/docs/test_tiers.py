from __future__ import annotations

from pathlib import Path

from tiers import SLOW

TESTS = Path(__file__).parents[1]


def test_what_the_quick_tests_leave_out_is_there() -> None:
    assert [place for place in SLOW if not (TESTS / place).exists()] == []
