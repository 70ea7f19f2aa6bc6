"""From settings to what is wanted of every recording, checked before any work is done."""

from __future__ import annotations

import os

from fer_edge.app.parts import classifier_factory, detector_factory
from fer_edge.app.remote import KSERVE
from fer_edge.app.tracking import build_tracker, rest_file_of
from fer_edge.errors import UsageError
from fer_edge.inference.model_files import find_model, known_models, sha256_of
from fer_edge.recordings.jobs import Asked
from fer_edge.recordings.selection import Selection
from fer_edge.settings import Settings
from fer_edge.sinks.table_files import TABLES
from fer_edge.system.libraries import import_library
from fer_edge.version import __version__


def asked_of(settings: Settings, every: int = 1, fps: float = 0.0, form: str = "csv") -> Asked:
    """Return what is wanted of every recording; the networks are loaded once, to see whether they work here.

    Parameters
    ----------
    settings : Settings
        With one camera, whose `min_face` counts.
    every, fps, form
        As of `Asked`.

    Raises
    ------
    UsageError
        Something makes no sense.
    FerEdgeError
        A network, or a library, is not to be had here.
    """
    selection = Selection.of(every, fps)
    if form not in TABLES:
        raise UsageError(f"There is no format '{form}'.", f"Choose one of {', '.join(TABLES)}.")
    if form == "parquet":
        import_library("pyarrow", "parquet", "A Parquet file")
    analysis, tracks = settings.analysis, settings.tracks
    if analysis.backend == KSERVE or settings.remote.server:
        with settings.located("backend" if analysis.backend == KSERVE else "server"):
            raise UsageError(
                "Recordings are analysed where the program runs, and not by a server.",
                "Leave out --backend kserve and --server; several machines do it together with --on ray.",
            )
    rest = rest_file_of(settings)
    settings = settings.changed(threads=1, detect_threads=1)
    path = find_model(analysis.model)
    build_tracker(settings)
    detector_factory(settings)().close()
    classifier = classifier_factory(settings)()
    computes = classifier.precision
    classifier.close()
    return Asked(
        analysis.model if analysis.model in known_models() else os.path.abspath(path),
        sha256_of(path),
        analysis.backend,
        analysis.device,
        analysis.precision,
        analysis.detector,
        analysis.min_score,
        settings.cameras[0].min_face or 0,
        tracks.on,
        tracks.memory,
        tracks.half_life,
        os.path.abspath(rest) if rest else tracks.rest,
        sha256_of(rest) if rest else "",
        selection.every,
        selection.fps,
        form,
        __version__,
        computes,
    )
