"""The page of all recordings: a line and a link for each, and those that failed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from made_recordings import Made, write_recording, write_tables
from page_parts import Parts

from fer_edge.errors import OutputError
from fer_edge.recordings.pages import write_index, write_recording_page

NAMES = [
    "interview.mp4",
    "day 2/#1 100%?.mp4",
    "<img src=x onerror=alert(2)>\"'.mp4",
    "two\nlines.mp4",
    os.fsdecode(b"caf\xe9.mp4"),
]


def with_page(out: Path, name: str, **more: object) -> Made:
    made = write_recording(out, name, [(1, "happy", 0, 3), (2, "sad", 2, 5)], 5.0, **more)
    write_recording_page(made.folder, out)
    return made


def test_each_recording_has_a_line_that_leads_to_its_page(tmp_path: Path) -> None:
    write_tables(tmp_path, [with_page(tmp_path, name) for name in NAMES])
    parts = Parts(write_index(tmp_path))
    links = [one["href"] or "" for one in parts.all("a") if not (one["href"] or "").startswith("#")]
    assert [unquote_to_bytes(link) for link in links] == [os.fsencode(f"{name}/report.html") for name in NAMES]
    assert all((tmp_path / os.fsdecode(unquote_to_bytes(link))).is_file() for link in links)
    for words in (
        "interview.mp4",
        "two lines.mp4",
        r"caf\xe9.mp4",
        "What faces showed in 5 recordings",
        "25 s in all",
    ):
        assert words in parts.text, words
    assert not parts.all("img")
    assert len(parts.scripts) == 1
    bars = [one["aria-label"] for one in parts.all("svg") if one.get("class") == "shares"]
    assert bars == ["happy 50 %, sad 50 %"] * 5


def test_failures_stand_there_with_their_reasons(tmp_path: Path) -> None:
    failures = [
        ("broken.mp4", "/r/broken.mp4", "SourceUnreadable", "broken.mp4 is <no> video.", "Copy it again.", "none"),
        ("odd.mp4", "/r/odd.mp4", "WorkerLost", "", "", "none"),
        ("one.mp4", "/r/one.mp4", "SourceTruncated", "it is cut off", "", "partial"),
    ]
    write_tables(tmp_path, [with_page(tmp_path, "one.mp4", problems=["cut off & damaged"])], failures)
    text = Parts(write_index(tmp_path)).text
    for words in (
        "2 recordings could not be analysed and 1 recording could not be read to the end",
        *("broken.mp4 is <no> video.", "Copy it again.", "WorkerLost", "in part"),
    ):
        assert words in text, words
    assert "cut off & damaged" in text
    (tmp_path / "failures.csv").unlink()
    assert "could not be analysed" not in Parts(write_index(tmp_path)).text


def test_a_recording_without_a_page_or_with_a_name_that_leads_elsewhere_is_no_link(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = [write_recording(out, "plain.mp4", [], 5.0)]
    outside = with_page(tmp_path, "outside.mp4")
    names = ["../outside.mp4", str(outside.folder), "x" * 5000, "", "."]
    made += [Made(out, {**outside.record, "name": name}) for name in names]
    write_tables(out, made)
    write_index(out)
    parts = Parts(write_index(out))
    assert [one for one in parts.all("a") if one["href"] != "#meaning"] == []
    assert "plain.mp4" in parts.text


def test_people_who_were_not_followed_are_not_told_as_nobody(tmp_path: Path) -> None:
    write_tables(tmp_path, [with_page(tmp_path, "one.mp4", followed=False), with_page(tmp_path, "two.mp4")])
    text = Parts(write_index(tmp_path)).text
    assert "not followed" in text
    assert "nobody seen" not in text
    assert "2 people followed" in text
    assert "without the 1 in which nobody was followed" in text
    assert "\N{EN DASH}" in text[text.index("one.mp4") : text.index("not followed")]


def test_where_nobody_was_followed_no_zeros_are_added_up(tmp_path: Path) -> None:
    write_tables(tmp_path, [with_page(tmp_path, "one.mp4", followed=False)])
    text = Parts(write_index(tmp_path)).text
    assert "nobody followed." in text
    assert "All together" not in text


def test_none_at_all_makes_a_page_and_a_missing_table_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=re.escape("summary.csv")):
        write_index(tmp_path)
    assert not (tmp_path / "index.html").exists()
    write_tables(tmp_path, [])
    assert "0 recordings" in Parts(write_index(tmp_path)).text


def test_five_hundred_recordings_make_a_page_of_under_a_megabyte(tmp_path: Path) -> None:
    one = with_page(tmp_path, "one.mp4")
    write_tables(
        tmp_path, [Made(one.folder, {**one.record, "name": f"interview-{number}.mp4"}) for number in range(500)]
    )
    assert write_index(tmp_path).stat().st_size < 1_000_000
