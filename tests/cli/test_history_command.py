"""``fer-edge history``: what a run kept, for other programs and for people."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Dict, List

import pytest

from fer_edge.cli.main import main
from fer_edge.errors import OutputError, OutputNotWritable, UsageError
from fer_edge.sinks import table_files
from fer_edge.sinks.history.store import HistoryStore, RunRow
from fer_edge.sinks.minutes import CountedMinute
from fer_edge.track.minutes import MinuteFigures
from fer_edge.types import LABELS, StateChange

START = datetime(2026, 11, 26, 10, 0, tzinfo=timezone.utc)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "week.db"
    shown = {**dict.fromkeys(LABELS, 0.0), "sad": 30.0}
    with closing(HistoryStore(str(path), 1e9, 500e6)) as store:
        for number in range(10):
            begin, camera = START + timedelta(minutes=number), "door" if number % 2 else "=cmd()"
            change = StateChange(
                camera, number, "sad", begin, begin + timedelta(seconds=9), 9.0, 0.9, -0.5, 0.7, False, 90
            )
            figures = MinuteFigures(camera, begin, 600, 60.0, 0.5, 1, shown, None if number == 3 else -0.5)
            store.write(
                [change, CountedMinute(figures, 700, 100)], RunRow(START.timestamp(), "0.1.0", "fernet-r"), 1.8e9
            )
    return path


def rows(path: Path) -> List[Dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_states_and_minutes_become_rows_of_which_no_cell_is_a_formula(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "export", str(history), "--to", str(tmp_path / "events.csv")]) == 0
    assert main(["history", "export", str(history), "--to", str(tmp_path / "minutes.csv")]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"10 minutes are in {tmp_path / 'minutes.csv'}"
    states, minutes = rows(tmp_path / "events.csv"), rows(tmp_path / "minutes.csv")
    assert [row["camera"] for row in states[:2]] == ["'=cmd()", "door"]
    assert (states[1]["start"], states[1]["expression"], states[1]["valence"]) == (
        "2026-11-26T10:01:00.000Z",
        "sad",
        "-0.5",
    )
    assert [row["sad_s"] for row in minutes] == ["30.0"] * 10
    assert [row["valence"] for row in minutes[2:5]] == ["-0.5", "", "-0.5"]
    assert (tmp_path / "events.csv").stat().st_mode & 0o007 == 0


def test_an_export_takes_a_camera_and_a_time(history: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    times = ["--from", "2026-11-26T11:03", "--timezone", "Europe/Berlin", "--to", "2026-11-26T11:08:00+01:00"]
    assert main(["history", "export", str(history), "-o", str(path), "--camera", "door", *times]) == 0
    assert [row["start"][11:16] for row in rows(path)] == ["10:03", "10:05", "10:07"]
    assert main(["history", "export", str(history), "--to", str(path), "--camera", "door", "--camera", "=cmd()"]) == 0
    assert len(rows(path)) == 10


def test_an_export_reads_times_as_the_report_does(history: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    base = ["history", "export", str(history)]
    assert main([*base, "--timezone", "UTC", "--from", "2026-11-26", "--to", "2026-11-26", "-o", str(path)]) == 0
    assert len(rows(path)) == 10  # a date is the whole day
    assert main([*base, "--from", "-2500w", "-o", str(path)]) == 0
    assert len(rows(path)) == 10
    assert main([*base, "--to", "-2500w", "-o", str(path)]) == 0
    assert rows(path) == []
    for more, words in (
        (["--from", "soon", "-o", str(path)], "--from: 'soon' is no time"),
        (["--from", "-1d", "--to", "-2d", "-o", str(path)], "ends before it begins"),
        (["--from", "-1d", "--timezone", "Europe/Nowhere", "-o", str(path)], "no time zone"),
        (["--from", "-1d"], "Nothing says where"),
    ):
        with pytest.raises(UsageError, match=words):
            main([*base, *more])
    with pytest.raises(UsageError, match="tells a form") as told:
        main([*base, "--from", "-7d", "--to", "yesterday"])
    assert "-o names the file" in str(told.value.remedy)


@pytest.mark.parametrize("what", ["states", "minutes"])
def test_a_parquet_file_has_true_times_and_numbers_also_where_there_is_nothing(
    history: Path, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(table_files, "BATCH", 4)
    path = tmp_path / "out.parquet"
    assert main(["history", "export", str(history), "--to", str(path), "--what", what]) == 0
    table = parquet.read_table(str(path)).to_pylist()
    assert len(table) == 10
    assert table[1]["start"] == START + timedelta(minutes=1)
    assert (table[1]["camera"], table[1]["valence"], table[1]["frames"]) == (
        "door",
        -0.5,
        600 if what == "minutes" else 90,
    )
    assert main(["history", "export", str(history), "-o", str(path), "--what", what, "--to", "2026-11-25"]) == 0
    assert parquet.read_table(str(path)).num_rows == 0


def test_standard_output_gets_rows_and_its_reader_may_go_away(history: Path) -> None:
    command = f"'{sys.executable}' -m fer_edge history export '{history}' --to - | head -n 2"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    assert done.stdout.splitlines()[1].startswith("'=cmd(),0,sad,2026-11-26T10:00:00.000Z")
    assert done.stderr == ""


def test_info_tells_what_there_is_and_that_it_is_whole(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "info", str(history)]) == 0
    told = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert (told["from"], told["until"]) == ("2026-11-26T10:00:00.000Z", "2026-11-26T10:10:00.000Z")
    assert (told["cameras"], told["states"], told["minutes"]) == ("=cmd(), door", "10", "10")
    assert told["integrity"] == "whole"


def test_info_of_a_damaged_history_says_so_with_an_error(history: Path) -> None:
    with history.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(4096 * 2))
    with pytest.raises(OutputError, match="damaged") as told:
        main(["history", "info", str(history)])
    assert told.value.exit_code == 30


def test_what_cannot_be_exported_is_told_and_leaves_what_was_there(history: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_text("mine\n")
    base = ["history", "export", str(history), "--to"]
    for path, more, error, words in (
        ("out.txt", [], UsageError, r"\.csv or \.parquet"),
        ("old.csv", ["--camera", "yard"], UsageError, "no camera 'yard'"),
        ("missing/out.csv", [], OutputNotWritable, "no directory"),
    ):
        with pytest.raises(error, match=words):
            main([*base, str(tmp_path / path), *more])
    assert old.read_text() == "mine\n"
    with pytest.raises(OutputError, match="no history file"):
        main(["history", "info", str(tmp_path / "none.db")])
    assert [path.name for path in tmp_path.iterdir() if "week" not in path.name] == ["old.csv"]
