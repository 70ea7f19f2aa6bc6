from __future__ import annotations

from dataclasses import replace
from typing import Dict

import pytest

from fer_edge.detect.blazeface import VARIANTS
from fer_edge.doctor.models import NEEDED, TRY_MAIN_JOB, main_job_findings, model_findings
from fer_edge.doctor.probe import Probe, probe
from fer_edge.errors import ModelNotFound
from fer_edge.inference.model_files import KnownModel, known_models, state_of
from fer_edge.settings import Settings


def test_what_is_needed_is_what_runs_by_default() -> None:
    assert Settings().analysis.detector == "auto"
    assert (Settings().analysis.model, VARIANTS["short"].model, VARIANTS["full"].model) == NEEDED
    assert set(NEEDED) <= set(known_models())


def test_the_shipped_files_are_whole() -> None:
    found = {finding.subject: finding for finding in model_findings(known_models, state_of)}
    assert all(found[name].level == "ok" for name in NEEDED)
    assert known_models()[NEEDED[0]].sha256[:12] in found[NEEDED[0]].value


@pytest.mark.parametrize(("name", "level"), [*((name, "problem") for name in NEEDED), ("yunet", "warning")])
def test_a_damaged_file_is_a_problem_only_where_it_is_needed(name: str, level: str) -> None:
    def state(model: KnownModel) -> str:
        return "damaged" if model.name == name else "ok"

    found = {finding.subject: finding.level for finding in model_findings(known_models, state)}
    assert found.pop(name) == level
    assert set(found.values()) == {"ok"}


def test_a_file_that_was_changed_is_found_by_its_hash() -> None:
    def changed() -> Dict[str, KnownModel]:
        return {NEEDED[0]: replace(known_models()[NEEDED[0]], sha256="0" * 64)}

    (finding,) = model_findings(changed, state_of)
    assert (finding.value, finding.level) == ("damaged", "problem")


def test_a_file_that_may_not_be_read_is_told() -> None:
    def state(model: KnownModel) -> str:
        raise PermissionError(13, "Permission denied")

    assert all("Permission denied" in finding.meaning for finding in model_findings(known_models, state))


def test_a_missing_list_is_a_problem() -> None:
    def known() -> Dict[str, KnownModel]:
        raise ModelNotFound("The model files of fer-edge are missing.", "Install fer-edge again.")

    (finding,) = model_findings(known, state_of)
    assert finding.level == "problem"
    assert "are missing" in finding.meaning


def test_the_main_job_finds_the_face_of_the_demo() -> None:
    (finding,) = main_job_findings(probe(TRY_MAIN_JOB))
    assert (finding.value, finding.level) == ("a face, happy", "ok")


def test_a_main_job_that_fails_or_finds_nothing_is_a_problem() -> None:
    assert main_job_findings(Probe([]))[0].level == "problem"
    (finding,) = main_job_findings(Probe(reason="it crashed with SIGILL", signal=4))
    assert (finding.level, "SIGILL" in finding.meaning) == ("problem", True)
