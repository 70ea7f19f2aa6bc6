"""What a long command writes at its end must have a place before its beginning."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import cv2
import numpy as np
import pytest

from fer_edge.cli.main import main
from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.history.schema import migrate

COMMANDS: Dict[str, Tuple[List[str], str, str]] = {
    "train --run": (
        ["train", "--data", "NOTHING", "--validation", "NOTHING", "--run", "PLACE"],
        "fer_edge.training.data.arguments.pair_of",
        "torch",
    ),
    "export OUTPUT": (
        ["export", "NOTHING", "PLACE", "--validation", "NOTHING"],
        "fer_edge.training.data.load_faces",
        "torch",
    ),
    "export --int8": (
        ["export", "--int8", "fernet", "PLACE", "--validation", "NOTHING", "--calibration", "NOTHING"],
        "fer_edge.training.data.load_pair",
        "torch",
    ),
    "export --triton": (
        ["export", "--triton", "PLACE", "fernet"],
        "fer_edge.training.triton.repository.compare",
        "onnx",
    ),
    "evaluate --report": (
        ["evaluate", "fernet", "--data", "NOTHING", "--report", "PLACE"],
        "fer_edge.training.data.load_faces",
        "torch",
    ),
    "evaluate --stress --report": (
        ["evaluate", "fernet", "--data", "NOTHING", "--stress", "--report", "PLACE"],
        "fer_edge.training.data.load_faces",
        "torch",
    ),
    "--benchmark --report": (["--benchmark", "--report", "PLACE"], "fer_edge.benchmark.run.measure", "cv2"),
    "soak --report": (["soak", "--report", "PLACE"], "fer_edge.soak.run.Program", "cv2"),
    "rest --save": (["rest", "--camera", "demo", "--save", "PLACE"], "fer_edge.cli.rest.record_rest", "cv2"),
    "report --output": (
        ["report", "HISTORY", "--output", "PLACE", "--timezone", "UTC"],
        "fer_edge.report.reading.content_of",
        "plotly",
    ),
    "history export --output": (
        ["history", "export", "HISTORY", "--output", "PLACE.csv"],
        "fer_edge.cli.history.export",
        "cv2",
    ),
    "analyse --out": (["analyse", "PICTURE", "--out", "PLACE"], "fer_edge.cli.analyse.Run", "cv2"),
}
"""For each option: a command, where its work begins, and what it needs."""


@pytest.fixture
def words(tmp_path: Path) -> Callable[[List[str], Path], List[str]]:
    """Return what fills in the words of a command."""
    picture, history = tmp_path / "picture.png", tmp_path / "history.db"
    cv2.imwrite(str(picture), np.zeros((64, 64, 3), np.uint8))
    with closing(sqlite3.connect(str(history))) as database:
        migrate(database)

    def fill(command: List[str], place: Path) -> List[str]:
        named = {"NOTHING": tmp_path / "none.parquet", "PICTURE": picture, "HISTORY": history, "PLACE": place}
        named["PLACE.csv"] = place.with_name(place.name + ".csv")
        return [str(named.get(word, word)) for word in command]

    return fill


def refuse_work(*_given: object, **_named: object) -> None:
    raise AssertionError("the work has begun")


@pytest.mark.parametrize("where", ["below a file", "where no files are taken"])
@pytest.mark.parametrize("option", COMMANDS)
def test_a_place_that_cannot_be_written_is_told_before_the_work_begins(
    option: str,
    where: str,
    tmp_path: Path,
    words: Callable[[List[str], Path], List[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command, work, needed = COMMANDS[option]
    pytest.importorskip(needed)
    monkeypatch.setattr(work, refuse_work)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    # What the kernel makes takes no new files, whoever asks.
    place = tmp_path / "file" / "result" if where == "below a file" else Path("/proc/self/fdinfo/result")
    with pytest.raises(OutputNotWritable):
        main(words(command, place))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("option", ["train --run", "export --triton", "analyse --out"])
def test_a_file_where_a_folder_is_wanted_is_called_one(
    option: str, tmp_path: Path, words: Callable[[List[str], Path], List[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command, work, needed = COMMANDS[option]
    pytest.importorskip(needed)
    monkeypatch.setattr(work, refuse_work)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputNotWritable, match=r"is a file, not a (directory|folder)|Not a directory") as caught:
        main(words(command, tmp_path / "file"))
    assert "file" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["summary.csv", "failures.csv", "index.html"])
def test_a_folder_where_a_table_or_a_page_of_all_is_to_lie_is_told_before_the_work(
    name: str, tmp_path: Path, words: Callable[[List[str], Path], List[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_edge.recordings.ledger.Ledger.next_job", refuse_work)
    (tmp_path / "results" / name).mkdir(parents=True)
    command = [*COMMANDS["analyse --out"][0], "--report", "--workers", "1"]
    with pytest.raises(OutputNotWritable, match=f"{name}' is a directory"):
        main(words(command, tmp_path / "results"))
