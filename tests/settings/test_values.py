from __future__ import annotations

import pytest

from fer_edge.errors import UsageError
from fer_edge.settings import load_settings
from fer_edge.settings.load import check_value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("10m", 600.0), ("1h", 3600.0), ("1D", 86400.0), ("1.5 h", 5400.0), ("0.4s", 0.4)],
)
def test_a_length_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    assert check_value("segment", text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "size"), [("500MB", 5e8), ("20GB", 2e10), ("1tb", 1e12), ("0.5 GB", 5e8)])
def test_a_size_is_a_number_with_its_unit(text: str, size: float) -> None:
    assert check_value("keep", text) == pytest.approx(size)


@pytest.mark.parametrize(
    "value", ["10", 10, "", "m", "0s", "-1m", "1w", "1e3s", "1 0s", "٣m", "inf s", "10mm", "9" * 40 + "d"]
)
def test_a_length_without_a_unit_or_with_another_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="such as 30s, 10m, 1h or 1d"):
        check_value("segment", value)


@pytest.mark.parametrize("value", ["10", 10, "10G", "10KB", "0MB", "-1GB", "20GiB", "1m"])
def test_a_size_without_a_unit_or_with_another_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="such as 500MB or 20GB"):
        check_value("keep", value)


@pytest.mark.parametrize("option", ["record", "output"])
@pytest.mark.parametrize("name", ["out-%Q.{}", "%Y/out.{}", "100%.{}"])
def test_a_name_with_a_time_that_stands_for_nothing_is_refused_before_anything_begins(option: str, name: str) -> None:
    with pytest.raises(UsageError, match="time|nothing"):
        load_settings({option: name.format("mp4")}, {})
