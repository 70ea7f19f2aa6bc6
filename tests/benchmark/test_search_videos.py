"""``benchmarks/auto_search.py`` measures the default detector on videos whose faces are where it says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import List

import numpy as np
import pytest

from fer_edge.errors import UsageError

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("auto_search")


@pytest.mark.parametrize("asked", [["--seed", "-1"], ["--clips", "clips"], ["--yunet", "yunet.onnx"]])
def test_what_makes_no_sense_is_refused_before_anything_is_measured(
    script: ModuleType, asked: List[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(asked) == UsageError.exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("auto_search: ")


def test_new_heads_come_into_a_video_when_it_says_and_stay_within_the_frame(script: ModuleType) -> None:
    video = list(script.people("plain", (640, 480), 40, 1.0, np.random.default_rng(0), new=True, frames=24))
    assert [len(scene.faces) for scene in video] == [0] * script.APPEARS + [3] * (24 - script.APPEARS)
    for x, y, width, height in (box for scene in video for box in scene.faces):
        assert height == pytest.approx(40, rel=0.2)
        assert min(x, y) >= 0
        assert max(x + width - 640, y + height - 480) <= 0


@pytest.mark.slow
def test_a_quick_table_has_a_row_for_each_kind_of_head(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--quick", "--only", "doubles"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" |")][1:]
    assert len(rows) == 4
    assert all(" | 10 | " in row for row in rows)
