"""``--from`` and ``--to``: what people write for a time."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from fer_edge.errors import MissingExtra, UsageError
from fer_edge.report.local_time import LocalTime
from fer_edge.report.period import Period, asked_period

BERLIN = LocalTime("Europe/Berlin")
NOW = datetime(2026, 11, 27, 11, 30, 20, tzinfo=timezone.utc).timestamp()
KEPT = (datetime(2026, 11, 1, 12, 0, 30, tzinfo=timezone.utc).timestamp(), NOW - 10)


def asked(first: object, last: object) -> str:
    period = asked_period(first, last, BERLIN, KEPT, NOW)  # type: ignore[arg-type]
    told = [datetime.fromtimestamp(at, timezone.utc) for at in (period.start, period.end)]
    return " ".join(f"{at:%m-%dT%H:%M}" for at in told)


@pytest.mark.parametrize(
    ("first", "last", "meant"),
    [
        ("2026-11-26", "2026-11-26", "11-25T23:00 11-26T23:00"),
        ("yesterday", "yesterday", "11-25T23:00 11-26T23:00"),
        ("today", "now", "11-26T23:00 11-27T11:31"),
        ("today", "today", "11-26T23:00 11-27T11:31"),
        ("-90m", "-1h", "11-27T10:00 11-27T10:31"),
        ("-7d", None, "11-20T11:30 11-27T11:31"),
        ("-1w", "-1d", "11-20T11:30 11-26T11:31"),
        (None, None, "11-01T12:00 11-27T11:31"),
        ("2026-11-26T08:30", "2026-11-26 09:00:30", "11-26T07:30 11-26T08:01"),
        ("2026-11-26T08:30Z", "2026-11-26T08:30-02:00", "11-26T08:30 11-26T10:30"),
    ],
)
def test_a_day_is_one_of_the_clocks_on_the_wall_and_other_times_are_whole_minutes(
    first: object, last: object, meant: str
) -> None:
    assert asked(first, last) == meant


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_a_day_on_which_clocks_are_moved_is_whole(day: str, hours: int) -> None:
    assert asked_period(day, day, BERLIN, (0, NOW), NOW).minutes == 60 * hours


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "26.11.2026",
        "2026-13-01",
        "2026-11-26T25:00",
        "-7",
        "-7y",
        "7d",
        "20261126",
        "0001-01-01",
        "9999-12-31",
    ]
    + [
        "-999999w",
        "1e9",
        "nan",
        "2026-11-26T08:30+99:00",
        "\x1b[2J",
        "2026-11-26T08:30:61",
        "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0666",
    ],
)
def test_what_is_no_time_is_refused_with_the_forms_that_are(text: str) -> None:
    for first, last, option in ((text, None, "--from"), (None, text, "--to")):
        with pytest.raises(UsageError) as refused:
            asked(first, last)
        assert "2026-11-26T08:30" in str(refused.value)
        assert option in str(refused.value)
        assert str(refused.value).replace("\n", "").isprintable()


def test_a_time_that_ends_before_it_begins_or_is_yet_to_come_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-11-26 00:00 is not before 2026-11-25 00:00"):
        asked("2026-11-26", "2026-11-24")
    with pytest.raises(UsageError, match="yet to come"):
        asked("2026-12-24", "2026-12-25")


def test_a_time_of_which_the_history_has_nothing_is_told_with_what_it_has() -> None:
    for first, last in (("2026-10-01", "2026-10-20"), (None, "2026-10-20"), ("-5m", None)):
        with pytest.raises(UsageError, match=r"from 2026-11-01 13:00 to 2026-11-2. ..:.. \(Europe/Berlin\)"):
            asked_period(first, last, BERLIN, (KEPT[0], NOW - 86400), NOW)


def test_what_was_before_the_history_began_is_no_time_in_which_something_was_missed() -> None:
    assert asked("2026-10-01", "2026-11-02") == "11-01T12:00 11-02T23:00"


def test_a_minute_of_1970_from_a_board_without_a_clock_does_not_stretch_a_page() -> None:
    kept = (60.0, NOW)
    assert asked_period(None, None, BERLIN, kept, NOW).minutes <= 5 * 366 * 1440 + 1
    with pytest.raises(UsageError, match="five years"):
        asked_period("1999-01-01", None, BERLIN, kept, NOW)


def test_a_period_counts_its_minutes() -> None:
    assert Period(0, 25 * 3600).minutes == 1500


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "x\0y", " "])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        LocalTime(name)


def test_on_a_board_whose_python_knows_no_zones_it_is_told_that_the_package_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(module: str, *_of: str) -> None:
        raise MissingExtra(f"It needs {module}.", "Install it.")

    monkeypatch.setattr("fer_edge.report.local_time.import_library", nothing)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(MissingExtra, match="compiled:  pip install backports.zoneinfo"):
        LocalTime("Europe/Berlin")
