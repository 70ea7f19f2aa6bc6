from __future__ import annotations

from fer_edge.system.table import table_lines


def test_cells_stand_below_each_other_to_the_left_or_to_the_right() -> None:
    rows = [("name", "KB", "state"), ("fernet", "7", "ok"), ("a", "1234", "not fetched")]
    assert table_lines(rows, right=(1,)) == [
        "name      KB  state",
        "fernet     7  ok",
        "a       1234  not fetched",
    ]


def test_a_column_is_as_wide_as_was_asked_and_no_line_ends_in_blanks() -> None:
    assert table_lines([("ok", "", "")], widths=(7, 3)) == ["ok"]
    assert table_lines([("ok", "b", "c")], widths=(7, 3)) == ["ok       b    c"]


def test_no_rows_are_no_lines() -> None:
    assert table_lines([]) == []
