from __future__ import annotations

import json
import logging
import sys
from typing import Any, Dict

import pytest

from fer_edge.errors import SourceError
from fer_edge.system.logs import JsonFormatter, TextFormatter, log_the_end


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


HOSTILE = (
    "the camera says \x1b[31mred\x07 \x9b2J \u202e\u2028\x85<3>fer-edge: \r\nfer-edge: all is well\n<0>panic\t\x7f"
)
SHOWN = (
    r"the camera says \x1b[31mred\x07 \x9b2J \u202e\u2028\x85<3>fer-edge: "
    r"\r\nfer-edge: all is well\n<0>panic\t\x7f"
)


def failed(text: str) -> logging.LogRecord:
    """Give a record with a traceback, of an error with this text."""
    try:
        raise ValueError(text)
    except ValueError as error:
        where = (ValueError, error, error.__traceback__)
        return logging.makeLogRecord({"msg": "%s", "args": (text,), "exc_info": where, "levelno": logging.WARNING})


@pytest.mark.parametrize("journal", [False, True])
def test_a_stranger_can_neither_control_a_terminal_nor_begin_a_line_of_the_log(journal: bool) -> None:
    first, *rest = TextFormatter(journal).format(failed(HOSTILE)).split("\n")
    prefix = "<4>" if journal else ""
    assert first == f"{prefix}fer-edge: {SHOWN}"
    assert len(rest) > 3
    for line in rest:
        assert line.isprintable()
        assert line.startswith(prefix + "  ")


def test_no_control_character_is_in_any_field_of_a_line_for_machines() -> None:
    written = line(msg=HOSTILE, one=HOSTILE, two=[HOSTILE], three={HOSTILE: ValueError(HOSTILE)})
    assert written["message"] == written["one"] == written["two"][0] == written["three"][SHOWN] == SHOWN
    trace = json.loads(JsonFormatter().format(failed(HOSTILE)))["traceback"]
    assert all(part.isprintable() for part in trace.split("\n"))


def test_a_password_with_a_line_end_in_it_is_hidden_whole() -> None:
    record = logging.makeLogRecord({"msg": "rtsp://me:sec\nret@host/x"})
    assert TextFormatter(False).format(record) == "fer-edge: rtsp://***@host/x"


@pytest.mark.parametrize("form", ["text", "journal", "json"])
def test_what_ended_the_program_controls_no_terminal_either(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_edge.system.logs._is_journal", lambda: form == "journal")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(form == "journal"))
    logging.getLogger().addHandler(handler)
    log_the_end(SourceError(HOSTILE, f"Look.\n{HOSTILE}"))
    said = capsys.readouterr().err.splitlines()
    prefix = "<3>" if form == "journal" else ""
    if form == "json":
        assert json.loads(said[0])["message"] == SHOWN
        assert len(said) == 1
    else:
        assert said == [f"{prefix}fer-edge: error: {SHOWN}"] + [
            f"{prefix}  {part}" for part in ("Look.", *SHOWN.split(r"\n"))
        ]
