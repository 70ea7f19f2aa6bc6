"""What is asked of one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.capture.registry import FORMS
from fer_edge.detect.regions import Polygon
from fer_edge.detect.registry import DETECTORS
from fer_edge.settings.field import setting
from fer_edge.settings.regions import REGIONS
from fer_edge.settings.values import (
    CAMERA_NAME,
    FLAG,
    FOURCC,
    PATH,
    POSITIVE,
    REGION,
    ROTATION,
    SIZE,
    TEXT,
    WHOLE,
    choice,
)


@dataclass(frozen=True)
class CameraSettings:
    """What is asked of one camera.

    Attributes
    ----------
    name : str
        What its results, its picture and its figures are called after; no two of a run are alike, whatever their case.
    source : str
        Where its frames come from, as `fer_edge.capture.open` takes it, or ``auto``.
    size : tuple of int, optional
        Width and height that it is asked for, in pixels; of a stream or a file, the largest.
    fps : float, optional
        Frames per second that it is asked for; of a stream or a file, the most.
    format : str
        Pixel format that a USB camera is asked for.
    detector : str
        Finds its faces; empty for that of all cameras.
    rotate : int
        Degrees clockwise by which its images are turned: 0, 90, 180 or 270.
    flip : str
        Swaps left and right (``horizontal``), above and below (``vertical``) or ``both`` of its images, after turning.
    roi : tuple of int, optional
        Left, top, width and height, in pixels of the turned image, of the part that is used of it.
    min_face : int, optional
        Least height of a face's box, in pixels of the image that is analysed; smaller ones are left out.
    region : tuple of Polygon, optional
        Where faces are wanted, in pixels of the image that is analysed: one whose box has its centre outside them all is left
        out.
    mirror : bool
        Whether the window shows it as a mirror does; nothing else is changed.
    pages : str
        Of a file with several pictures in it, as an animation: ``all``, or the ``first``.
    connect_timeout, first_image_timeout, stall_timeout : float
        Seconds within which a network camera must answer, then give its first image, and each further one.
    transport : str
        How an RTSP camera sends its images: ``tcp``, ``udp``, or ``auto`` for what works.
    tls_ca : str
        File with the certificates that are trusted for this camera, in place of the system's.
    tls_insecure : bool
        Whether nobody checks who answers in place of this camera.
    """

    name: str = setting(
        "",
        "camera",
        CAMERA_NAME,
        "NAME",
        "source",
        "what its results, its picture and its figures are called after (default: made from the source)",
    )
    source: str = setting(
        "camera",
        "auto",
        TEXT,
        "SRC",
        "source",
        f"where frames come from: auto (camera 0 if there is one, else the demo), {FORMS}: a built-in portrait with so many "
        "faces; NAME=SRC gives the camera a name, and several --camera watch several; "
        "an address with a password is better given as FER_EDGE_CAMERA (of several: FER_EDGE_CAMERA__NAME__SOURCE) or in the "
        "settings file, as everybody can read a command line",
    )
    size: Optional[Tuple[int, int]] = setting(
        "size",
        None,
        SIZE,
        "WxH",
        "source",
        "ask a camera for this size, e.g. 640x480; reduce images of a stream or a file until they fit into it "
        "(default: as they are)",
    )
    fps: Optional[float] = setting(
        "camera_fps",
        None,
        POSITIVE,
        "FPS",
        "source",
        "ask a camera for this frame rate; of a stream or a video, take no more frames a second; fetch a snapshot so often",
    )
    format: str = setting("pixel_format", "MJPG", FOURCC, "FOURCC", "source", "pixel format to ask a USB camera for")
    detector: str = setting(
        "",
        "",
        choice(*DETECTORS),
        "NAME",
        "source",
        "face detector for this camera (default: that of all cameras)",
    )
    rotate: int = setting(
        "rotate", 0, ROTATION, "DEGREES", "source", "turn the images clockwise by 90, 180 or 270 degrees"
    )
    flip: str = setting(
        "flip",
        "none",
        choice("none", "horizontal", "vertical", "both"),
        "HOW",
        "source",
        "swap left and right (horizontal), above and below (vertical) or both, after turning",
    )
    roi: Optional[Tuple[int, int, int, int]] = setting(
        "roi",
        None,
        REGION,
        "X,Y,W,H",
        "source",
        "use only this part of the images, in pixels after turning: left, top, width, height",
    )
    min_face: Optional[int] = setting(
        "min_face",
        None,
        WHOLE,
        "PX",
        "source",
        "leave out faces that are less high, in pixels of the image that is analysed",
    )
    region: Optional[Tuple[Polygon, ...]] = setting(
        "region",
        None,
        REGIONS,
        "X,Y,W,H",
        "source",
        "leave out faces whose centre lies elsewhere: left, top, width, height in pixels of the image that is analysed, or the "
        "corners of a polygon ('X,Y X,Y X,Y'); several --region are several; the key r shows them",
    )
    mirror: bool = setting(
        "mirror",
        False,
        FLAG,
        "BOOL",
        "source",
        "show the camera in the window as a mirror does; nothing else is changed",
    )
    pages: str = setting(
        "pages",
        "all",
        choice("all", "first"),
        "WHICH",
        "source",
        "of a file with several pictures in it (animated GIF, WebP, PNG or AVIF, TIFF with pages) use all, or the first",
    )
    connect_timeout: float = setting(
        "connect_timeout", 10.0, POSITIVE, "S", "source", "seconds within which a network camera must answer"
    )
    first_image_timeout: float = setting(
        "first_image_timeout",
        30.0,
        POSITIVE,
        "S",
        "source",
        "seconds from its answer to the first image; a stream begins at a key frame, for which some cameras take long",
    )
    stall_timeout: float = setting(
        "stall_timeout", 15.0, POSITIVE, "S", "source", "seconds without an image after which a camera counts as lost"
    )
    transport: str = setting(
        "transport",
        "auto",
        choice("auto", "tcp", "udp"),
        "HOW",
        "source",
        "how an RTSP camera sends its images; auto takes tcp, and udp where the camera refuses tcp",
    )
    tls_ca: str = setting(
        "tls_ca",
        "",
        PATH,
        "FILE",
        "source",
        "trust the certificates in this file for https:// and rtsps:// cameras, in place of the system's",
    )
    tls_insecure: bool = setting(
        "tls_insecure",
        False,
        FLAG,
        "BOOL",
        "source",
        "do not check who answers at https:// and rtsps://; it may be anybody",
    )
