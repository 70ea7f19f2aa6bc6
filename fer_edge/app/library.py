"""The program's work in one call, for use from Python."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union, cast

from fer_edge.app.given import Region, if_given, image_of, model_name, number_of, refuse_too_large, regions_of, text_of
from fer_edge.app.kept import parts_with
from fer_edge.app.parts import PROGRAM, asked_of
from fer_edge.app.searched import search_of
from fer_edge.app.session import build_session, build_stages
from fer_edge.app.tracking import rest_file_of
from fer_edge.capture.base import Source
from fer_edge.capture.geometry import Geometry
from fer_edge.capture.shaped import shaped
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.registry import DEFAULT_MODEL
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.registry import DEFAULT_DETECTOR
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
    detector: Union[str, FaceDetector] = DEFAULT_DETECTOR,
    model: Union[str, os.PathLike[str], ExpressionClassifier] = DEFAULT_MODEL,
    min_score: float = 0.5,
    reconnect: str = "auto",
    size: Optional[Tuple[int, int]] = None,
    fps: Optional[float] = None,
    rotate: int = 0,
    flip: str = "none",
    roi: Optional[Tuple[int, int, int, int]] = None,
    min_face: Optional[int] = None,
    regions: Optional[Sequence[Region]] = None,
    tracks: bool = True,
    track_memory: float = 1.5,
    half_life: float = 0.3,
    rest: Union[str, os.PathLike[str]] = "off",
    detect_every: Union[int, str] = 1,
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
    min_face : int, optional
        What ``--min-face`` takes: faces that are less high, in pixels of the image that is analysed, are left out.
    regions : sequence of regions, optional
        What ``--region`` takes: faces are left out whose centre lies in none of them, each of which is left, top, width and
        height, or the corners (x, y) of a polygon, in whole pixels of the image that is analysed.
    tracks : bool
        What ``--tracks`` takes: whether faces are followed; ``seen.track`` is None without.
    track_memory : float
        What ``--track-memory`` takes: a face that was not found for so many seconds is a new one.
    half_life : float
        What ``--half-life`` takes: seconds after which a frame counts half for the steady label.
    rest : str or path
        What ``--rest`` takes: ``off``, ``auto``, or the file of a resting face; that goes with the network file with which it
        was recorded, and with no classifier of your own.
    detect_every : int or str
        What ``--detect-every`` takes: 1, 2, 3, or ``auto``, which sees no heat here; ``observation.predicted`` says of a frame
        that nobody looked for faces in it.

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
    settings = Settings.of(
        min_score=number_of("min_score", min_score),
        reconnect=check_value("reconnect", reconnect),
        tracks=check_value("tracks", tracks),
        track_memory=number_of("track_memory", track_memory),
        half_life=number_of("half_life", half_life),
        rest=check_value("rest", os.fspath(rest) if isinstance(rest, os.PathLike) else rest),
        detect_every=check_value("detect_every", detect_every),
    )
    if not isinstance(model, ExpressionClassifier):
        settings = settings.changed(model=model_name(model))
    elif rest_file_of(settings):
        raise UsageError(
            "rest: a file of a resting face belongs to a network file, and model is a classifier of your own.",
            'Give rest="auto", or the model by its name or path.',
        )
    asked = CameraSettings(
        size=if_given("size", size),
        fps=if_given("camera_fps", fps, "fps"),
        rotate=check_value("rotate", rotate),
        flip=check_value("flip", flip),
        roi=if_given("roi", roi),
        min_face=if_given("min_face", min_face),
        region=regions_of(regions),
    )
    cameras, given = _cameras(source, asked)
    return build_session(replace(settings, cameras=cameras), parts_with(detector, model), given=given)


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
    detector: Union[str, FaceDetector] = DEFAULT_DETECTOR,
    model: Union[str, os.PathLike[str], ExpressionClassifier] = DEFAULT_MODEL,
    min_score: float = 0.5,
    rotate: int = 0,
    flip: str = "none",
    roi: Optional[Tuple[int, int, int, int]] = None,
    min_face: Optional[int] = None,
    regions: Optional[Sequence[Region]] = None,
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
    rotate, flip, roi, min_face, regions
        As for `watch`.

    Returns
    -------
    tuple of ObservedFace
        Best detection score first; boxes and points are in pixels of the turned, flipped and cut image.

    Raises
    ------
    FerEdgeError
        An argument that makes no sense, or `min_face` or a region that does not lie in the image (`UsageError`), or whatever
        goes wrong.
    """
    settings = Settings.of(min_score=number_of("min_score", min_score))
    sought = CameraSettings(min_face=if_given("min_face", min_face), region=regions_of(regions))
    geometry = Geometry(check_value("rotate", rotate), check_value("flip", flip), if_given("roi", roi))
    if isinstance(image, (str, os.PathLike)):
        settings = settings.changed(camera=text_of(image, "image"), pages="first")
        with PROGRAM.source(settings, settings.cameras[0], True, ()) as source:
            source.grab()
            pixels = source.retrieve()
    else:
        pixels = image_of(image)
    pixels = geometry.of(pixels)
    refuse_too_large(pixels)
    height, width = pixels.shape[:2]
    search = search_of(sought)
    search.check_regions(width, height)
    search.check_min_face(height)
    settings = replace(settings, cameras=(replace(sought, name=settings.cameras[0].name),))
    frame = Frame(0, time.monotonic(), datetime.now(timezone.utc), pixels, settings.cameras[0].name)
    observation = Observation(frame)
    # The stages of a session, one after the other in the thread of the caller: an object that was given may belong to it.
    with ExitStack() as stack:
        for stage in build_stages(settings, parts_with(detector, model)):
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
            parts.append((name, text_of(one)) if name else split_camera(text_of(one)))
    own = [one for _, one in listed if isinstance(one, Source)]
    if len(set(map(id, own))) < len(own):
        raise UsageError("source: one Source object is given twice.", "Make one for each camera.")
    names = distinct_names(parts)
    cameras = tuple(replace(asked, name=name, source=text) for name, (_, text) in zip(names, parts))
    refuse_what_cannot_be_together(cameras, lambda camera: "source")
    wanted = asked_of(asked)
    return cameras, {name: shaped(one, wanted) for name, (_, one) in zip(names, listed) if isinstance(one, Source)}
