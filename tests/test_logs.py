from __future__ import annotations

import json
import logging
from typing import Any, Dict

from fer_edge.logs import JsonFormatter


def line(**extra: Any) -> Dict[str, Any]:
    """Give what a collector reads of a record with these fields."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    record = logging.makeLogRecord({"msg": "something", **extra})
    return dict(json.loads(JsonFormatter().format(record), parse_constant=refuse))


def test_credentials_are_hidden_however_deep_they_stand() -> None:
    url, shown = "rtsp://me:secret@host/x", "rtsp://***@host/x"
    written = line(one=url, two=[url, (url,)], three={"four": {"five": url}, url: 1}, six=ValueError(url))
    assert written["one"] == shown
    assert written["two"] == [shown, [shown]]
    assert written["three"] == {"four": {"five": shown}, shown: 1}
    assert written["six"] == shown


def test_numbers_that_json_does_not_have_are_written_as_null() -> None:
    written = line(rate=float("nan"), limits=[float("inf"), 1.5], deep={"x": float("-inf"), "y": True, "z": None})
    assert written["rate"] is None
    assert written["limits"] == [None, 1.5]
    assert written["deep"] == {"x": None, "y": True, "z": None}
