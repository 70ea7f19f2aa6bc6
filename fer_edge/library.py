"""The program's work in one call, for use from Python."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from typing import Callable, Tuple, TypeVar, Union

from fer_edge.build import build_source, classifier_factory, detector_factory
from fer_edge.capture.base import Source
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.detect.base import FaceDetector
from fer_edge.model_files import DEFAULT_MODEL
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.settings import Settings
from fer_edge.sinks.base import Sink
from fer_edge.types import Image, ObservedFace

PartT = TypeVar("PartT", FaceDetector, ExpressionClassifier)


def watch(
    source: Union[str, int, os.PathLike[str], Source] = "auto",
    *,
    detector: Union[str, FaceDetector] = "blazeface",
    model: Union[str, os.PathLike[str], ExpressionClassifier] = DEFAULT_MODEL,
    min_score: float = 0.5,
) -> Pipeline:
    """Watch a source.

    Parameters
    ----------
    source : str, int, path or Source
        What ``--camera`` takes, or a source of your own.
    detector : str or FaceDetector
        What ``--detector`` takes, or a detector of your own; the pipeline closes it.
    model : str, path or ExpressionClassifier
        What ``--model`` takes, or a classifier of your own; the pipeline closes it.
    min_score : float
        Faces that the detector is less sure of are left out.

    Returns
    -------
    Pipeline
        Iterate over it for observations; nothing happens before.

    Raises
    ------
    FerEdgeError
        Here for a source or model that cannot be, and while iterating for whatever goes wrong then.
    """
    settings = Settings(min_score=min_score)
    opened = source if isinstance(source, Source) else build_source(replace(settings, camera=_text(source)))
    return Pipeline(opened, _detector(settings, detector), _classifier(settings, model))


def deliver(pipeline: Pipeline, *sinks: Sink) -> None:
    """Give every observation of a pipeline to sinks, until its source ends.

    Parameters
    ----------
    pipeline : Pipeline
        From `watch`.
    sinks : Sink
        Your own, or those of `fer_edge.sinks`; closed at the end, whatever happens.
    """
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        for observation in pipeline:
            rates = pipeline.rates()
            for sink in sinks:
                sink.write(observation, rates)


def read_image(
    image: Union[Image, str, os.PathLike[str]],
    *,
    detector: Union[str, FaceDetector] = "blazeface",
    model: Union[str, os.PathLike[str], ExpressionClassifier] = DEFAULT_MODEL,
    min_score: float = 0.5,
) -> Tuple[ObservedFace, ...]:
    """Find the faces of one picture and name their expressions.

    Parameters
    ----------
    image : Image, str or path
        A picture file, or an array of height x width x 3, uint8, BGR.
    detector, model, min_score
        As for `watch`; what was given as an object stays open.

    Returns
    -------
    tuple of ObservedFace
        Best detection score first.
    """
    settings = Settings(min_score=min_score)
    if isinstance(image, (str, os.PathLike)):
        with build_source(replace(settings, camera=os.fspath(image))) as source:
            source.grab()
            picture = source.retrieve()
    else:
        picture = image
    finder, reader = _detector(settings, detector)(), _classifier(settings, model)()
    try:
        return ExpressionReader(reader).read(picture, finder.detect(picture))
    finally:
        if finder is not detector:
            finder.close()
        if reader is not model:
            reader.close()


def _detector(settings: Settings, detector: Union[str, FaceDetector]) -> Callable[[], FaceDetector]:
    if isinstance(detector, str):
        return detector_factory(replace(settings, detector=detector))
    return lambda: detector


def _classifier(
    settings: Settings, model: Union[str, os.PathLike[str], ExpressionClassifier]
) -> Callable[[], ExpressionClassifier]:
    if isinstance(model, ExpressionClassifier):
        return lambda: model
    return classifier_factory(settings, os.fspath(model))


def _text(source: Union[str, int, os.PathLike[str]]) -> str:
    return str(source) if isinstance(source, int) else os.fspath(source)
