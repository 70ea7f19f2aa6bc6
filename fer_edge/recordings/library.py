"""Recordings from Python: what was seen in each frame, one after the other, and as a table."""

from __future__ import annotations

import importlib
import logging
import os
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Sequence, Union

from fer_edge.app.given import model_name, number_of, text_of
from fer_edge.app.kept import parts_with
from fer_edge.app.session import build_stages
from fer_edge.app.tracking import build_tracker
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect.registry import DEFAULT_DETECTOR
from fer_edge.errors import FerEdgeError
from fer_edge.recordings.failures import NONE, PARTIAL, Failure, concerns_one
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.part import seen
from fer_edge.recordings.reading import LANE, PictureReader, Reader, SourceReader, video_source
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.recordings.rows import FRAMES, frame_rows
from fer_edge.recordings.selection import Selection
from fer_edge.settings import CameraSettings, Settings, check_value
from fer_edge.types import Observation

logger = logging.getLogger("fer_edge")

Named = Union[str, "os.PathLike[str]"]


class Analysis:
    """Recordings to be analysed in this process: each loop over it, and each table, reads them from their beginning.

    Attributes
    ----------
    recordings : tuple of str
        Their names, in the order in which they are read; ``observation.frame.source`` is one of them.
    failures : list of Failure
        What could not be read, or not wholly, in the last loop.
    """

    def __init__(self, recordings: Sequence[Recording], settings: Settings, selection: Selection) -> None:
        self._recordings = tuple(recordings)
        self._settings = settings
        self._selection = selection
        self.failures: List[Failure] = []

    @property
    def recordings(self) -> Sequence[str]:
        """Their names."""
        return tuple(one.name for one in self._recordings)

    def __iter__(self) -> Iterator[Observation]:
        """Yield what was seen in each frame.

        Raises
        ------
        FerEdgeError
            The only recording cannot be read; of several, `failures` tells. Or whatever else goes wrong.
        """
        self.failures = []
        settings = self._settings
        with ExitStack() as stack:
            parts = parts_with(settings.analysis.detector, settings.analysis.model)
            detector = parts.detector(settings, settings.analysis.detector)()
            stack.callback(detector.close)
            classifier = parts.classifier(settings)()
            stack.callback(classifier.close)
            kept = parts_with(detector, classifier)
            for recording in self._recordings:
                reader = _reader_of(recording)
                with ExitStack() as of_one:
                    stages = [stage.build() for stage in build_stages(settings, kept)]
                    for stage in stages:
                        of_one.callback(stage.close)
                    tracker = build_tracker(settings)
                    try:
                        for frame in reader.read(replace(self._selection)):
                            observation = seen(Observation(frame), stages)
                            if tracker is not None:
                                observation = tracker.follow(observation)
                            yield observation.richer(frame=replace(frame, source=recording.name))
                    except FerEdgeError as error:
                        if len(self._recordings) == 1 or not concerns_one(error):
                            raise
                        self._note(recording, type(error).__name__, error.message, error.remedy, NONE)
                if reader.truncated:
                    self._note(recording, "SourceTruncated", "; ".join(reader.problems), "", PARTIAL)

    def table(self) -> Any:
        """Return what was seen as a table: the columns of ``frames.csv``, behind the name of the recording.

        Returns
        -------
        pandas.DataFrame or list of dict
            A row for each frame and face; a list where pandas is not installed.
        """
        rows = list(self.rows())
        names = ["recording", *(column.name for column in FRAMES)]
        try:
            pandas: Any = importlib.import_module("pandas")
        except ImportError:
            return rows
        return pandas.DataFrame(rows, columns=names)

    def rows(self) -> Iterator[Dict[str, Any]]:
        """Yield the rows of the table, one by one."""
        for observation in self:
            for row in frame_rows(observation):
                yield {
                    "recording": observation.frame.source,
                    **{column.name: row.get(column.name) for column in FRAMES},
                }

    def _note(self, recording: Recording, error: str, reason: str, hint: str, results: str) -> None:
        self.failures.append(Failure(recording.name, recording.path, error, reason, hint, results))
        logger.warning("%s: %s", recording.name, reason)


def analyse(
    source: Union[Named, Sequence[Named]],
    *,
    detector: str = DEFAULT_DETECTOR,
    model: Named = DEFAULT_MODEL,
    precision: str = "auto",
    min_score: float = 0.5,
    min_face: int = 0,
    tracks: bool = True,
    track_memory: float = 1.5,
    half_life: float = 0.3,
    rest: Named = "off",
    every: int = 1,
    fps: float = 0.0,
) -> Analysis:
    """Analyse recordings: videos, pictures, folders of both, and patterns.

    This is one loop in this process, which keeps each image until the next; ``fer-edge analyse`` uses all cores and writes
    files.

    Parameters
    ----------
    source : str, path, or several of them
        What ``fer-edge analyse`` takes.
    detector, model, precision, min_score, min_face, tracks, track_memory, half_life, rest
        What the options of these names take.
    every : int
        Of so many frames one is analysed.
    fps : float
        At most so many frames a second of the recording are analysed; 0 for all.

    Returns
    -------
    Analysis
        Iterate over it for observations; nothing is read before. Its `table` gives rows.

    Raises
    ------
    FerEdgeError
        Here for an argument that makes no sense, and for a source that is not there.

    Examples
    --------
    >>> from fer_edge.capture.synthetic import PORTRAIT
    >>> [row["label"] for row in analyse(PORTRAIT).rows()]
    ['happy']
    """
    named = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    found = find_recordings([text_of(one) for one in named])
    selection = Selection.of(every, fps)
    settings = Settings.of(
        detector=check_value("detector", detector),
        model=model_name(model),
        precision=check_value("precision", precision),
        min_score=number_of("min_score", min_score),
        tracks=check_value("tracks", tracks),
        track_memory=number_of("track_memory", track_memory),
        half_life=number_of("half_life", half_life),
        rest=check_value("rest", os.fspath(rest)),
    )
    checked = check_value("min_face", min_face) if min_face else None
    settings = replace(settings, cameras=(CameraSettings(name=LANE, min_face=checked),))
    build_tracker(settings)
    return Analysis(found.recordings, settings, selection)


def _reader_of(recording: Recording) -> Reader:
    return PictureReader(recording) if recording.kind == PICTURES else SourceReader(video_source(recording.path))
