"""Findings about the model files, and about the main job itself."""

from __future__ import annotations

from typing import Callable, Dict, List

from fer_edge.detect.registry import DETECTORS
from fer_edge.doctor.finding import NOTE, OK, PROBLEM, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.errors import FerEdgeError
from fer_edge.inference.model_files import KnownModel
from fer_edge.settings import Settings

NEEDED = (Settings().analysis.model, *DETECTORS[Settings().analysis.detector].models)
"""What runs when nobody chooses: the default classifier, and the files of the default detector."""

# On the processor, since the GPU might first build an engine for minutes.
TRY_MAIN_JOB = """
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.app.library import read_image
from fer_edge.inference.model_files import find_model
from fer_edge.settings import Settings
classifier = OnnxClassifier(find_model(Settings().analysis.model))
facts = [face.expression.label for face in read_image(PORTRAIT, detector=Settings().analysis.detector, model=classifier)]
classifier.close()
"""

_MEANINGS = {
    "ok": "The file is what was published.",
    "missing": "The file is gone: install fer-edge again.",
    "damaged": "The file is not what was published: install fer-edge again.",
    "not fetched": "Not shipped. Fetch it with:  fer-edge models pull {name}",
}


def model_findings(known: Callable[[], Dict[str, KnownModel]], state_of: Callable[[KnownModel], str]) -> List[Finding]:
    """Return of each known model whether its file is whole.

    Parameters
    ----------
    known : callable
        `fer_edge.inference.model_files.known_models`.
    state_of : callable
        `fer_edge.inference.model_files.state_of`, which compares the sha256.
    """
    try:
        models = known()
    except (FerEdgeError, OSError, ValueError) as error:
        meaning = f"The list of the models cannot be read: {_in_words(error)} Install fer-edge again."
        return [Finding("models", "manifest", "missing", PROBLEM, meaning)]
    return [_model(model, state_of) for model in models.values()]


def main_job_findings(job: Probe) -> List[Finding]:
    """Return whether a face was found and read in the picture of the demo.

    Parameters
    ----------
    job : Probe
        Of `TRY_MAIN_JOB`.
    """
    topic, subject = "main job", "one picture"
    if job.facts:
        meaning = "The demo's portrait went through detector and classifier on the processor."
        return [Finding(topic, subject, f"a face, {job.facts[0]}", OK, meaning)]
    if job.facts is not None:
        meaning = "The detector found no face in the demo's portrait: install fer-edge again."
        return [Finding(topic, subject, "no face", PROBLEM, meaning)]
    meaning = f"The demo's portrait could not be read: {job.reason.rstrip('.')}. What is wrong stands above, or install again."
    return [Finding(topic, subject, "failed", PROBLEM, meaning)]


def _in_words(error: Exception) -> str:
    return error.message if isinstance(error, FerEdgeError) else f"{error}."


def _model(model: KnownModel, state_of: Callable[[KnownModel], str]) -> Finding:
    try:
        state = state_of(model)
    except OSError as error:
        meaning = f"{model.path} cannot be read: {error.strerror}. Check its permissions."
        return Finding("models", model.name, "cannot be read", PROBLEM if model.name in NEEDED else WARNING, meaning)
    level = {"ok": OK, "not fetched": NOTE}.get(state, PROBLEM if model.name in NEEDED else WARNING)
    meaning = _MEANINGS[state].format(name=model.name)
    if state == "damaged" and not model.shipped:
        meaning = f"The file is not what was published. Fetch it again:  fer-edge models pull {model.name}"
    return Finding(
        "models", model.name, f"{state}, sha256 {model.sha256[:12]}" if state == "ok" else state, level, meaning
    )
