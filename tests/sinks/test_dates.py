from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import UsageError
from fer_edge.sinks.dates import FIELDS, DatedName
from fer_edge.sinks.names import for_camera

MOMENT = datetime(2026, 11, 26, 10, 15, 7)
FORMS = ["out.mp4", "%Y-%m-%d", "%Y%m%dT%H%M%SZ", "%d.%m.%Y", "%Y-%j", "%H", "100%%-%Y", "%Y-%Y", "%Y.%m.%S.log"]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("day/log-%Y-%m-%d.jsonl", "day/log-2026-11-26.jsonl"),
        ("out-%H%M%S.mp4", "out-101507.mp4"),
        ("out-%j.mp4", "out-330.mp4"),
        ("100%%/50%%-%Y", "100%/50%-2026"),
        ("out.mp4", "out.mp4"),
    ],
)
def test_the_moment_is_filled_in(place: str, path: str) -> None:
    assert DatedName(place).at(MOMENT) == path


@pytest.mark.parametrize("place", ["%y", "out-%s", "%Q.mp4", "100%", "%-d", "%%%", "%\n", "%é"])
def test_a_field_that_stands_for_nothing_is_refused_with_those_that_do(place: str) -> None:
    with pytest.raises(UsageError, match="stands for nothing") as caught:
        DatedName(place)
    assert "%Y" in caught.value.remedy
    assert "%%" in caught.value.remedy


@pytest.mark.parametrize("place", ["%Y/out.mp4", "a/%d/b/out-%Y.mp4"])
def test_the_time_in_the_name_of_a_folder_is_refused_as_none_is_made(place: str) -> None:
    with pytest.raises(UsageError, match="folder"):
        DatedName(place)


def test_a_percent_sign_in_the_name_of_a_camera_is_no_field() -> None:
    assert DatedName(for_camera("{camera}-%Y.mp4", "100%Y")).at(MOMENT) == "100%Y-2026.mp4"


@given(st.sampled_from(FORMS), st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)), st.integers(2, 999))
def test_every_name_that_is_made_is_known_again(form: str, moment: datetime, number: int) -> None:
    name = DatedName(form)
    path = name.at(moment)
    assert name.order(path) is not None
    stem, dot, ending = path.rpartition(".")
    again = f"{stem}+{number}{dot}{ending}" if dot else f"{path}+{number}"
    found = name.order(again)
    assert found is not None
    assert found[1] == number


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)), st.timedeltas(timedelta(seconds=1), timedelta(days=300))
)
def test_names_tell_which_began_first(moment: datetime, later: timedelta) -> None:
    name = DatedName("out.mp4").with_beginning()
    first, second = (name.order(name.at(at)) for at in (moment, moment + later))
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize(
    "path",
    [
        "log-2026-02-30.jsonl",
        "log-2026-1-1.jsonl",
        "log-2026-01-01.jsonl.gz",
        "a-log-2026-01-01.jsonl",
        "log-2026-01-01+.jsonl",
    ],
)
def test_another_name_is_not_taken_for_ours(path: str) -> None:
    assert DatedName("log-%Y-%m-%d.jsonl").order(path) is None


@pytest.mark.parametrize("path", ["2026-2027", "2026-2026+2-2026"])
def test_fields_that_contradict_each_other_are_no_name_of_ours(path: str) -> None:
    assert DatedName("%Y-%Y").order(path) is None


def test_the_smallest_field_tells_how_long_a_name_stays() -> None:
    assert DatedName("%Y-%m-%d").seconds == 86400
    assert DatedName("%d-%H.jsonl").seconds == 3600
    assert DatedName("out").seconds == float("inf")
    assert list(FIELDS) == sorted(FIELDS, key=lambda field: -FIELDS[field].seconds)
