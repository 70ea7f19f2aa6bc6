from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_event_that_the_log_can_have_is_explained_to_who_watches_it() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "fer_edge").rglob("*.py"))
    told = set(re.findall(r'"event": "([a-z_]+)"', code))
    guide = (ROOT / "docs/service.md").read_text(encoding="utf-8").partition("## The log")[2]
    assert len(told) > 30
    assert told - set(re.findall(r"`([a-z_]+)`", guide)) == set()
