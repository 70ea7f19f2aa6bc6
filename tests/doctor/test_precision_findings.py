from __future__ import annotations

from fer_edge.doctor.precision import TRY_PRECISION, precision_findings
from fer_edge.doctor.probe import Probe, probe


def test_the_precision_on_this_machines_cpu_is_told_with_its_reason() -> None:
    (finding,) = precision_findings(probe(TRY_PRECISION))
    assert finding.value in ("FP32", "INT8", "FP32 or INT8")
    assert "INT8" in finding.meaning


def test_what_the_first_run_will_measure_is_a_note() -> None:
    (finding,) = precision_findings(Probe(["", "this processor has AVX-VNNI; the first run times both"]))
    assert (finding.level, finding.value) == ("note", "FP32 or INT8")
    assert "the first run times both." in finding.meaning


def test_a_precision_that_cannot_be_asked_is_left_out() -> None:
    assert precision_findings(Probe(reason="No module named 'onnxruntime'")) == []
