from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from fer_edge.doctor.probe import Probe
from fer_edge.doctor.telemetry import TRY_TELEMETRY, identifier_file, telemetry_findings


def test_the_doctor_says_that_telemetry_is_off(sealed: Callable) -> None:
    seen = sealed("-m", "fer_edge", "doctor", "--json")
    found = {finding["subject"]: finding for finding in json.loads(seen.words)["findings"]}
    assert (found["telemetry"]["value"], found["telemetry"]["level"]) == ("off", "ok")
    assert "identifier" not in found


def test_what_the_doctor_tries_tells_a_library_that_reports(sealed: Callable) -> None:
    program = f"{TRY_TELEMETRY}\nprint(facts['reports'])"
    if sealed("-c", program, telemetry="0").words == "False\n":
        pytest.skip("this release of ONNX Runtime has no telemetry")
    assert sealed("-c", program, telemetry="1").words == "False\n"
    (finding,) = telemetry_findings(Probe({"reports": True}), Path("/none"))
    assert (finding.value, finding.level) == ("on", "warning")


def test_an_identifier_that_was_left_is_named_and_not_removed(tmp_path: Path) -> None:
    file = identifier_file({"XDG_CACHE_HOME": str(tmp_path)})
    file.parent.mkdir(parents=True)
    file.write_text("0")
    (finding,) = telemetry_findings(Probe(reason="it crashed"), file)
    assert (finding.value, finding.level) == ("left behind", "note")
    assert str(file) in finding.meaning
    assert file.exists()
    assert identifier_file({"HOME": "/home/maker"}).parts[:4] == ("/", "home", "maker", ".cache")
