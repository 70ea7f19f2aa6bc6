"""The program's work in one call, for use from Python."""

from __future__ import annotations

import os
from contextlib import ExitStack
from numbers import Real
from typing import Any, Callable, Tuple, TypeVar, Union

import numpy as np

from fer_edge.app.parts import build_source, classifier_factory, detector_factory
from fer_edge.capture.base import Source
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import UsageError
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.settings import Settings, check_value
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
        Here for an argument that makes no sense (`UsageError`) and for a source or model that cannot be, and while iterating
        for whatever goes wrong then.
    """
    settings = Settings.of(min_score=_number(min_score))
    opened = source if isinstance(source, Source) else build_source(settings.changed(camera=_text(source)))
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

    Raises
    ------
    FerEdgeError
        An argument that makes no sense (`UsageError`), or whatever goes wrong.
    """
    settings = Settings.of(min_score=_number(min_score))
    find, name = _detector(settings, detector), _classifier(settings, model)
    if isinstance(image, (str, os.PathLike)):
        with build_source(settings.changed(camera=_text(image, "image"))) as source:
            source.grab()
            picture = source.retrieve()
    else:
        picture = _picture(image)
    finder, reader = find(), name()
    try:
        return ExpressionReader(reader).read(picture, finder.detect(picture))
    finally:
        if finder is not detector:
            finder.close()
        if reader is not model:
            reader.close()


def _detector(settings: Settings, detector: Union[str, FaceDetector]) -> Callable[[], FaceDetector]:
    if isinstance(detector, FaceDetector):
        return lambda: detector
    return detector_factory(settings.changed(detector=check_value("detector", detector)))


def _classifier(
    settings: Settings, model: Union[str, os.PathLike[str], ExpressionClassifier]
) -> Callable[[], ExpressionClassifier]:
    if isinstance(model, ExpressionClassifier):
        return lambda: model
    name = check_value("model", os.fspath(model) if isinstance(model, os.PathLike) else model)
    return classifier_factory(settings, name)


def _text(source: Union[str, int, os.PathLike[str]], name: str = "source") -> str:
    if isinstance(source, int) and not isinstance(source, bool) and source >= 0:
        return str(source)
    text = os.fspath(source) if isinstance(source, os.PathLike) else source
    if isinstance(text, str) and text.strip() and "\0" not in text:
        return text
    raise UsageError(
        f"{name}: {source!r:.80} will not do: it must be text, a path, or the number of a camera.",
        "Give what --camera takes, or a fer_edge.Source of your own.",
    )


def _number(min_score: Any) -> float:
    # numpy's numbers are as good as Python's.
    number = isinstance(min_score, Real) and not isinstance(min_score, bool)
    checked: float = check_value("min_score", float(min_score) if number else min_score)
    return checked


def _picture(image: object) -> Image:
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if isinstance(image, np.ndarray) and fits and image.size:
        return image
    what = f"an array of {list(image.shape)}, {image.dtype}" if isinstance(image, np.ndarray) else f"{image!r:.80}"
    raise UsageError(
        f"image: {what} will not do: it must be an array of height x width x 3, uint8, BGR, or a picture file.",
        "cv2.imread gives such an array, and cv2.cvtColor makes one of others.",
    )
