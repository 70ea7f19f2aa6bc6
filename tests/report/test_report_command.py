"""``fer-edge report``, from a history that the program's own sink would have written to a page, or to an error."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from made_minutes import BERLIN_MIDNIGHT, busy_day

from fer_edge.cli.main import main
from fer_edge.errors import MissingExtra, OutputError, OutputNotWritable, UsageError
from fer_edge.report.local_time import LocalTime
from fer_edge.report.reading import content_of
from fer_edge.sinks.history.schema import migrate
from fer_edge.system import libraries

pytest.importorskip("plotly")

BERLIN = LocalTime("Europe/Berlin")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a day of two cameras, and two states."""
    path = tmp_path_factory.mktemp("history") / "history.db"
    minutes = busy_day(["hall", "door"])
    with closing(sqlite3.connect(str(path), isolation_level=None)) as database:
        migrate(database)
        database.execute("BEGIN")
        for number, name in enumerate(minutes.cameras, 1):
            database.execute("INSERT INTO cameras VALUES (?, ?)", (number, name))
        for row in range(len(minutes)):
            valence = float(minutes.valence[row])
            shown = [float(value) for value in minutes.shown[row]]
            values = [int(minutes.camera[row]) + 1, int(minutes.start[row]), 60.0, 900, 900, 9, None, sum(shown) / 60]
            values += [int(minutes.most[row]), None if valence != valence else valence, *shown]
            database.execute(f"INSERT INTO minutes VALUES ({', '.join('?' * len(values))})", values)
        for camera, began, seconds in ((1, 9.5, 4.0), (2, 12.0, 8.0), (2, 23.9999, 60.0)):
            at = BERLIN_MIDNIGHT + 3600 * began
            database.execute(
                "INSERT INTO states (camera, track, label, began, ended, duration, confidence, valence, intensity, uncertain, "
                "frames) VALUES (?, 1, 'happy', ?, ?, ?, 0.9, 0.8, 0.9, 0, 60)",
                (camera, at, at + seconds, seconds),
            )
        database.execute("COMMIT")
    return path


def report(*arguments: str) -> int:
    return main(["report", *arguments, "--timezone", "Europe/Berlin"])


def test_a_history_becomes_a_page_and_an_old_page_is_replaced(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "day.html"
    for _ in range(2):
        assert report(str(history), "--from", "2026-11-26", "--to", "2026-11-26", "-o", str(page)) == 0
        assert "the report is in" in capsys.readouterr().err
    text = page.read_text(encoding="utf-8")
    assert "<h1>What faces showed: Thursday 26 November 2026</h1>" in text
    assert re.search(r"hall</th><td>24 h 00 min \(100 %\)</td><td>0.38</td>", text)
    assert stat.S_IMODE(page.stat().st_mode) & 0o007 == 0, "nobody else may read it"
    assert os.listdir(tmp_path) == ["day.html"], "no draft is left"


def test_one_camera_and_a_part_of_the_day_can_be_asked_for(history: Path) -> None:
    content = content_of(str(history), "2026-11-26T09:00", "2026-11-26T10:00", ["door"], BERLIN)
    assert content.minutes.cameras == ("door",)
    assert len(content.minutes) == content.period.minutes == 60
    assert content.states == []
    whole = content_of(str(history), None, None, [], BERLIN)
    assert whole.period.start == BERLIN_MIDNIGHT
    assert [state.seconds for state in whole.states] == [4.0, 8.0], "one that ended after it does not count"


def test_a_time_ago_is_understood_although_it_looks_like_an_option(history: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="-1m"):
        # Nobody can tell what that means, but it got that far.
        report(str(history), "--from", "-1m", "--to", "-1mm", "-o", str(tmp_path / "page.html"))


def test_the_minutes_that_a_run_has_not_written_yet_are_no_gap(history: Path) -> None:
    now = BERLIN_MIDNIGHT + 86400 + 70.0
    assert content_of(str(history), None, "now", [], BERLIN, now).period.end == BERLIN_MIDNIGHT + 86400
    later = now + 3600
    end = content_of(str(history), "2026-11-26", "2026-11-27", [], BERLIN, later).period.end
    assert end == BERLIN_MIDNIGHT + 86400 + 3600 + 120, "of a run that has stopped they are"


def test_bad_input_is_told_with_what_to_do(history: Path, tmp_path: Path) -> None:
    page = str(tmp_path / "page.html")
    text = tmp_path / "diary.txt"
    text.write_text("my own")
    cases = [
        (UsageError, "no camera 'cellar'.*'hall', 'door'", [str(history), "--camera", "cellar", "-o", page]),
        (UsageError, "nothing of the time", [str(history), "--from", "2026-11-01", "--to", "2026-11-02", "-o", page]),
        (UsageError, "no time", [str(history), "--from", "soon", "-o", page]),
        (OutputError, "no history file", [str(tmp_path / "none.db"), "-o", page]),
        (OutputError, "no SQLite database|diary.txt", [str(text), "-o", page]),
        (OutputNotWritable, "no folder", [str(history), "-o", str(tmp_path / "there" / "page.html")]),
        (OutputNotWritable, "a directory", [str(history), "-o", str(tmp_path)]),
        (OutputNotWritable, "no HTML page", [str(history), "-o", str(text)]),
        (OutputNotWritable, "no HTML page", [str(history), "-o", str(history)]),
        (OutputNotWritable, "standard error", [str(history), "-o", "/dev/stderr"]),
    ]
    for kind, words, arguments in cases:
        with pytest.raises(kind) as refused:
            report(*arguments)
        assert re.search(words, str(refused.value), re.DOTALL), (arguments, str(refused.value))
    assert text.read_text() == "my own"
    assert not os.path.exists(page)


def test_a_history_that_holds_nothing_yet_or_what_is_no_figure_is_told(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(str(path))) as database:
        migrate(database)
        with pytest.raises(UsageError, match="nothing yet"):
            content_of(str(path), None, None, [], BERLIN)
        database.execute("INSERT INTO cameras VALUES (1, 'hall')")
        database.execute(f"INSERT INTO minutes VALUES (1, 1764111600, 'x', 1, 1, 1, NULL, 1, 1, 1{', 1' * 7})")
        database.commit()
    with pytest.raises(OutputError, match="no figure"):
        content_of(str(path), None, None, [], BERLIN)


def test_the_page_goes_to_the_standard_output_as_it_is(
    history: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert report(str(history), "-o", "-") == 0
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"<!doctype html>")
    assert out.endswith(b"</html>\n")
    assert b"report is in" not in err


def test_without_plotly_it_is_told_what_to_install(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module.partition(".")[0])

    monkeypatch.setattr(libraries.importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"plotly.*\n.*report"):
        main(["report", str(history), "-o", str(tmp_path / "page.html")])


def test_the_day_of_the_fixture_is_one_of_berlin() -> None:
    assert BERLIN.wall_time(BERLIN_MIDNIGHT) == datetime(2026, 11, 26)
