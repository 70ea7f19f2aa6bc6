"""The program's work in one call, for use from Python."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from numbers import Real
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union, cast

import numpy as np

from fer_edge.app.kept import KeptClassifier, KeptDetector
from fer_edge.app.parts import PROGRAM, Parts, asked_of, classifier_factory, detector_factory
from fer_edge.app.session import build_session, build_stages
from fer_edge.capture.base import Source
from fer_edge.capture.geometry import Geometry
from fer_edge.capture.shaped import shaped
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import UsageError
from fer_edge.pipeline.session import Session
from fer_edge.settings import CameraSettings, Settings, check_value
from fer_edge.settings.camera_text import NAME_FORM, distinct_names, is_camera_name, split_camera
from fer_edge.settings.cameras import refuse_what_cannot_be_together
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.types import Frame, Image, Observation, ObservedFace

Watched = Union[str, int, "os.PathLike[str]", Source]

OWN = "own"
"""What a camera is called whose source a program made itself."""


def watch(
    source: Union[Watched, Sequence[Watched], Mapping[str, Watched]] = "auto",
    *,
    detector: Union[str, FaceDetector] = "blazeface",
    model: Union[str, os.PathLike[str], ExpressionClassifier] = DEFAULT_MODEL,
    min_score: float = 0.5,
    reconnect: str = "auto",
    size: Optional[Tuple[int, int]] = None,
    fps: Optional[float] = None,
    rotate: int = 0,
    flip: str = "none",
    roi: Optional[Tuple[int, int, int, int]] = None,
) -> Session:
    """Watch a source, or several at once.

    Parameters
    ----------
    source : str, int, path or Source; or several of them
        What ``--camera`` takes, also with a name (``front=0``), or a source of your own. Of several, give a list, or a mapping
        from names to sources; ``observation.frame.source`` tells which one a frame is from.
    detector : str or FaceDetector
        What ``--detector`` takes, or a detector of your own, which stays open.
    model : str, path or ExpressionClassifier
        What ``--model`` takes, or a classifier of your own, which stays open.
    min_score : float
        Faces that the detector is less sure of are left out.
    reconnect : str
        What ``--reconnect`` takes: whether a camera or stream that fails is opened anew. A source of your own is opened once.
    size : tuple of int, optional
        Width and height, as ``--size`` takes them: asked of a camera; images of others, also of your own sources, are reduced
        until they fit into it.
    fps : float, optional
        What ``--camera-fps`` takes: asked of a camera; of others no more frames a second are taken.
    rotate : int
        What ``--rotate`` takes: degrees clockwise, 0, 90, 180 or 270.
    flip : str
        What ``--flip`` takes: ``none``, ``horizontal``, ``vertical`` or ``both``; after turning.
    roi : tuple of int, optional
        What ``--roi`` takes: left, top, width and height, in pixels of the turned image, of the part that is used.

    Returns
    -------
    Session
        Iterate over it for observations; nothing happens before. Of several picture files, one that cannot be read gives an
        observation, too: ``frame.file`` is its name, ``frame.problem`` the reason, and ``frame.image`` is empty.

    Raises
    ------
    FerEdgeError
        Here for an argument that makes no sense (`UsageError`) and for a source or model that cannot be, and while iterating
        for whatever goes wrong then. Of several cameras, one that fails for good ends alone; its error comes at the end.

    Examples
    --------
    >>> session = watch(["demo", "door=demo:3"])
    >>> [lane.name for lane in session.lanes]
    ['demo', 'door']
    """
    settings = Settings.of(min_score=_number(min_score), reconnect=check_value("reconnect", reconnect))
    asked = CameraSettings(
        size=_given("size", size),
        fps=_given("camera_fps", fps, "fps"),
        rotate=check_value("rotate", rotate),
        flip=check_value("flip", flip),
        roi=_given("roi", roi),
    )
    cameras, given = _cameras(source, asked)
    parts = Parts(
        detector=lambda settings, _name: _detector(settings, detector),
        classifier=lambda settings: _classifier(settings, model),
    )
    return build_session(replace(settings, cameras=cameras), parts, given=given)


def deliver(session: Session, *sinks: Sink) -> None:
    """Give every observation of a session to sinks, until its sources end.

    Parameters
    ----------
    session : Session
        From `watch`.
    sinks : Sink
        Your own, or those of `fer_edge.sinks`; opened at the first observation, and closed at the end, whatever happens. They
        get observations of files that could not be read as well, whose ``frame.problem`` is not empty.
    """
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        opened = False
        for observation in session:
            if not opened:
                info = _stream(session, observation)
                for sink in sinks:
                    sink.open(info)
                opened = True
            for sink in sinks:
                sink.write(observation, session.lane(observation.frame.source).rates())


def _stream(session: Session, first: Observation) -> StreamInfo:
    """Return what sinks are told, which get the observations of all cameras."""
    lane = session.lane(first.frame.source)
    if len(session.lanes) > 1:
        return StreamInfo(live=any(one.live for one in session.lanes))
    if first.frame.problem and lane.info is not None:
        return StreamInfo(lane.name, lane.info.width, lane.info.height, lane.info.fps, lane.live)
    return StreamInfo.of(first, lane.info.fps if lane.info is not None else 0.0, live=lane.live)


def read_image(
    image: Union[Image, str, os.PathLike[str]],
    *,
    detector: Union[str, FaceDetector] = "blazeface",
    model: Union[str, os.PathLike[str], ExpressionClassifier] = DEFAULT_MODEL,
    min_score: float = 0.5,
    rotate: int = 0,
    flip: str = "none",
    roi: Optional[Tuple[int, int, int, int]] = None,
) -> Tuple[ObservedFace, ...]:
    """Find the faces of one image and name their expressions.

    Parameters
    ----------
    image : Image, str or path
        An image file, of which the first image is taken where it holds several, or an array of height x width x 3, uint8,
        BGR.
    detector : str or FaceDetector
        As for `watch`; one that was given as an object stays open.
    model : str, path or ExpressionClassifier
        As for `watch`; one that was given as an object stays open.
    min_score : float
        Faces that the detector is less sure of are left out.
    rotate, flip, roi
        As for `watch`.

    Returns
    -------
    tuple of ObservedFace
        Best detection score first; boxes and points are in pixels of the turned, flipped and cut image.

    Raises
    ------
    FerEdgeError
        An argument that makes no sense (`UsageError`), or whatever goes wrong.
    """
    settings = Settings.of(min_score=_number(min_score))
    geometry = Geometry(check_value("rotate", rotate), check_value("flip", flip), _given("roi", roi))
    if isinstance(image, (str, os.PathLike)):
        settings = settings.changed(camera=_text(image, "image"), pages="first")
        with PROGRAM.source(settings, settings.cameras[0], True, ()) as source:
            source.grab()
            pixels = source.retrieve()
    else:
        pixels = _image(image)
    pixels = geometry.of(pixels)
    parts = Parts(
        detector=lambda settings, _name: _detector(settings, detector),
        classifier=lambda settings: _classifier(settings, model),
    )
    frame = Frame(0, time.monotonic(), datetime.now(timezone.utc), pixels, settings.cameras[0].name)
    observation = Observation(frame)
    # The stages of a session, one after the other in the thread of the caller: an object that was given may belong to it.
    with ExitStack() as stack:
        for stage in build_stages(settings, parts):
            work = stage.build()
            stack.callback(work.close)
            (observation,) = work.work([observation])
    return observation.faces


def _cameras(
    source: Union[Watched, Sequence[Watched], Mapping[str, Watched]], asked: CameraSettings
) -> Tuple[Tuple[CameraSettings, ...], Dict[str, Source]]:
    """Return what is asked of the cameras, and the sources that were given as objects, by name."""
    listed: List[Tuple[str, Watched]]
    if isinstance(source, Mapping):
        listed = list(source.items())
    elif isinstance(source, (list, tuple)):
        listed = [("", one) for one in source]
    else:
        listed = [("", cast(Watched, source))]
    if not listed:
        raise UsageError("source: there is none.", "Give at least one.")
    parts: List[Tuple[str, str]] = []
    for name, one in listed:
        if (
            not isinstance(name, str)
            or (name and not is_camera_name(name))
            or (not name and isinstance(source, Mapping))
        ):
            raise UsageError(f"source: {name!r:.80} will not do as the name of a camera.", f"It has {NAME_FORM}.")
        if isinstance(one, Source):
            parts.append((name, OWN))
        else:
            parts.append((name, _text(one)) if name else split_camera(_text(one)))
    own = [one for _, one in listed if isinstance(one, Source)]
    if len(set(map(id, own))) < len(own):
        raise UsageError("source: one Source object is given twice.", "Make one for each camera.")
    names = distinct_names(parts)
    cameras = tuple(replace(asked, name=name, source=text) for name, (_, text) in zip(names, parts))
    refuse_what_cannot_be_together(cameras, lambda camera: "source")
    wanted = asked_of(asked)
    return cameras, {name: shaped(one, wanted) for name, (_, one) in zip(names, listed) if isinstance(one, Source)}


def _detector(settings: Settings, detector: Union[str, FaceDetector]) -> Callable[[], FaceDetector]:
    if isinstance(detector, FaceDetector):
        # Not closed: after an error it is used on, and in a thread that hangs it still is.
        return lambda: KeptDetector(detector)
    return detector_factory(settings, check_value("detector", detector))


def _classifier(
    settings: Settings, model: Union[str, os.PathLike[str], ExpressionClassifier]
) -> Callable[[], ExpressionClassifier]:
    if isinstance(model, ExpressionClassifier):
        return lambda: KeptClassifier(model)
    name = check_value("model", os.fspath(model) if isinstance(model, os.PathLike) else model)
    return classifier_factory(settings.changed(model=name))


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


def _given(name: str, value: Any, told: str = "") -> Any:
    """Return what was given for an option, checked; None where nothing was."""
    if value is None:
        return None
    try:
        return check_value(name, list(value) if isinstance(value, (tuple, list)) else value)
    except UsageError as error:
        raise UsageError(error.message.replace(name, told or name, 1), error.remedy) from None


def _number(min_score: Any) -> float:
    # numpy's numbers are as good as Python's.
    number = isinstance(min_score, Real) and not isinstance(min_score, bool)
    checked: float = check_value("min_score", float(min_score) if number else min_score)
    return checked


def _image(image: object) -> Image:
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if isinstance(image, np.ndarray) and fits and image.size:
        return image
    what = f"an array of {list(image.shape)}, {image.dtype}" if isinstance(image, np.ndarray) else f"{image!r:.80}"
    raise UsageError(
        f"image: {what} will not do: it must be an array of height x width x 3, uint8, BGR, or a picture file.",
        "cv2.imread gives such an array, and cv2.cvtColor makes one of others.",
    )
