"""A history in which somebody wrote by hand, and questions about it that make no sense or have no end."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from programs import ROOT

from fer_edge.app.answering import _history
from fer_edge.cli.main import main
from fer_edge.errors import OutputError, UsageError
from fer_edge.sinks.history.reading import HistoryReader
from fer_edge.sinks.history.schema import migrate

LONG_AGO, FAR_AHEAD = datetime(1970, 1, 2, tzinfo=timezone.utc), datetime(9000, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "week.db"
    with closing(sqlite3.connect(str(made))) as database:
        migrate(database)
        database.execute("INSERT INTO cameras VALUES (1, 'hall')")
        database.execute("INSERT INTO states VALUES (1, 1, 1, 'happy', 1e9, 1e9 + 1, 1, 0.9, 0.9, 0.9, 0, 30)")
        database.execute(f"INSERT INTO minutes VALUES (1, 1000000020, 60, 900, 900, 0, NULL, 1, 1, 0.5{', 1' * 7})")
        database.commit()
    return made


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("states", "ended = 'x'"),
        ("states", "ended = 1e300"),
        ("states", "ended = 9e999"),
        ("states", "duration = 'long'"),
        ("states", "confidence = 'much'"),
        ("states", "label = x'ff'"),
        ("states", "track = 'first'"),
        ("minutes", "persons = 'two'"),
        ("minutes", "temperature = 'hot'"),
        ("minutes", "happy = x'00'"),
        ("cameras", "name = x'ff'"),
        ("cameras", "name = cast(x'ff' AS TEXT)"),
    ],
)
def test_what_somebody_wrote_into_it_by_hand_is_told_wherever_it_is_read(
    path: Path, tmp_path: Path, table: str, change: str
) -> None:
    with closing(sqlite3.connect(str(path))) as database:
        database.execute(f"UPDATE {table} SET {change}")
        database.commit()
    what = "states" if table == "cameras" else table
    with pytest.raises(OutputError, match=r"week\.db"):
        main(["history", "export", str(path), "--to", str(tmp_path / "x.csv"), "--what", what])
    assert not (tmp_path / "x.csv").exists()
    rows = _history(str(path))
    assert rows is not None
    with pytest.raises(OutputError, match=r"week\.db"):
        rows(None, LONG_AGO, FAR_AHEAD, what, 10)


def test_a_name_in_it_controls_no_terminal(
    path: Path, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(str(path))) as database:
        database.execute("UPDATE cameras SET name = ?", ("=a\x1b[31m\x9b2J\r\nb",))
        database.commit()
    main(["history", "export", str(path), "--to", "-"])
    written = capfdbinary.readouterr().out.decode().splitlines()
    assert len(written) == 2
    assert written[1].startswith("'=a [31m 2J  b,")
    with pytest.raises(UsageError) as told:
        main(["history", "export", str(path), "--to", str(tmp_path / "x.csv"), "--camera", "none"])
    assert "\x1b" not in told.value.remedy
    assert "[31m" in told.value.remedy


@pytest.mark.slow
def test_a_search_that_takes_too_long_ends(path: Path) -> None:
    with closing(sqlite3.connect(str(path))) as database:
        database.executemany(
            "INSERT INTO states VALUES (NULL, 1, 1, 'happy', 1e9, 1e9 + 1, 1, 0.9, 0.9, 0.9, 0, 30)", [()] * 20_000
        )
        database.commit()
    with HistoryReader(str(path), 0.0) as reader, pytest.raises(OutputError, match="too long"):
        list(reader.states("nobody"))
    with HistoryReader(str(path), 60.0) as reader:
        assert sum(1 for _ in reader.states()) == 20_001


def test_an_export_from_later_to_earlier_is_refused(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    with pytest.raises(UsageError, match="before"):
        main(["history", "export", str(path), "-o", str(target), "--from", "2026-01-02", "--to", "2026-01-01"])
    assert not target.exists()


@pytest.mark.slow
def test_an_export_to_a_standard_output_that_is_closed_says_so(path: Path) -> None:
    export = [sys.executable, "-m", "fer_edge", "history", "export", str(path), "--to", "-"]
    told = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *export],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, "Traceback" in told.stderr) == (30, False)
    assert "closed" in told.stderr
