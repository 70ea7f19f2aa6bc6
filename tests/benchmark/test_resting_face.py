"""``benchmarks/resting_face.py`` measures on a folder of pictures that anybody can make."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from fer_edge.capture.synthetic import PORTRAIT

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "resting_face.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("resting_face", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where its dataclasses look for their own names
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_it_counts_as_what_the_pictures_of_each_person_are_read(
    tmp_path: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    portrait = cv2.imread(str(PORTRAIT))
    for person in ("anna", "ben"):
        folder = tmp_path / person
        folder.mkdir()
        cv2.imwrite(str(folder / "neutral.png"), portrait)
        cv2.imwrite(str(folder / "slight.png"), cv2.GaussianBlur(portrait, (5, 5), 0))
    cv2.imwrite(str(tmp_path / "ben" / "nobody.png"), np.zeros((200, 200, 3), np.uint8))
    (tmp_path / "ben" / "notes.txt").write_text("no picture")
    assert script.main([str(tmp_path), "--seconds", "2", "--margins", "1.5", "2"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("2 people; 1 pictures")
    rows = [line.split() for line in told[2:]]
    assert [row[:2] for row in rows if row[0] != "off"][::2] == [
        ["file", "1.5"],
        ["auto", "1.5"],
        ["file", "2"],
        ["auto", "2"],
    ]
    # She smiles in both: that is her rest for a file, which is trusted, and a smile for auto.
    assert ["off", "slight", "2", "happy", "2"] in rows
    assert ["auto", "1.5", "slight", "2", "happy", "2"] in rows


def test_a_folder_without_people_is_told(
    tmp_path: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "anna").mkdir()
    assert script.main([str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "0 people" in told
    assert "no picture 'neutral' with exactly one face: anna" in told
    assert "neutral.jpg" in told


def test_a_folder_that_is_not_there_is_told(
    tmp_path: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script.main([str(tmp_path / "none")])
    assert f"there is no folder {tmp_path / 'none'}" in capsys.readouterr().err
