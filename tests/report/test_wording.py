"""Figures as people read them."""

from typing import Optional

import pytest

from fer_edge.report.wording import UNKNOWN, length


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, UNKNOWN),
        (4.2, "4.2 s"),
        (9.96, "10 s"),
        (42.0, "42 s"),
        (59.96, "1 min"),
        (200.0, "3 min 20 s"),
        (599.6, "10 min"),
        (630.0, "10 min"),
        (3600.0, "1 h 00 min"),
        (8000.0, "2 h 13 min"),
        (180_000.0, "2 d 2 h"),
    ],
)
def test_a_length_of_time_is_told_with_the_units_that_matter(seconds: Optional[float], told: str) -> None:
    assert length(seconds) == told
