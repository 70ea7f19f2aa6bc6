from __future__ import annotations

from pathlib import Path

from tiers import LONGEST, SLOW

TESTS = Path(__file__).parents[1]


def test_what_the_quick_tests_leave_out_and_what_begins_first_is_there() -> None:
    assert [place for place in SLOW + LONGEST if not (TESTS / place).exists()] == []
