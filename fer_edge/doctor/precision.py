"""Findings about what the classifier computes in on the CPU."""

from __future__ import annotations

from typing import List

from fer_edge.doctor.finding import NOTE, OK, Finding
from fer_edge.doctor.probe import Probe

TRY_PRECISION = """
from fer_edge.app.layout import layout_of
from fer_edge.classify.onnx_cpu import outlook_of, timings_beside
from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.inference.model_files import find_model
from fer_edge.settings import Settings
asked = Settings()
outlook = outlook_of(find_model(asked.analysis.model), layout_of(asked).threads, timings_beside(EngineCache()))
facts = [outlook.precision, outlook.reason]
"""


def precision_findings(outlook: Probe) -> List[Finding]:
    """Return what ``--precision auto`` comes to on the CPU, and why; nothing where that cannot be asked.

    Parameters
    ----------
    outlook : Probe
        Of `TRY_PRECISION`.
    """
    if not outlook.facts:
        return []
    precision, reason = outlook.facts
    value = precision.upper() or "FP32 or INT8"
    return [
        Finding("backends", "precision", value, OK if precision else NOTE, f"On the CPU, --precision auto: {reason}.")
    ]
