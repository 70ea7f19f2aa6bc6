"""The page on the architecture lists the stages as they are."""

from __future__ import annotations

import re
from pathlib import Path

from fer_edge.app.session import build_stages
from fer_edge.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_table_of_stages_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\d+) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    stages = build_stages(Settings.of(blur=True))
    assert rows == [(stage.name, stage.figure, str(stage.workers), str(stage.batch)) for stage in stages]
