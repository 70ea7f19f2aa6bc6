from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import List

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def functions_in(path: Path) -> List[str]:
    return [node.name for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.FunctionDef)]


def test_each_row_of_the_threats_names_tests_that_there_are() -> None:
    rows = re.findall(r"^\| (?!attempt|---)(.*) \|$", TABLE, re.MULTILINE)
    assert len(rows) > 30
    missing = []
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", row.rpartition(" | ")[2])
        missing += [row] if not named else []
        for name in named:
            file, _, test = name.partition("::")
            if not (ROOT / file).exists() or (test and test not in functions_in(ROOT / file)):
                missing.append(name)
    assert missing == []
