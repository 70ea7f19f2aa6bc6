"""What can be asked of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.errors import UsageError

LONGEST_TIMEOUT = 3600.0
"""Seconds; somebody who waits for an hour wants to hear of it."""

WIDTH, HEIGHT, FPS = 640, 480, 30.0
"""What a camera, a GStreamer pipeline and the demo are asked for when nothing else is wanted."""


@dataclass(frozen=True)
class CaptureSettings:
    """What can be asked of a source; each source takes what means something to it.

    Attributes
    ----------
    width, height : int, optional
        Size in pixels for cameras, pipelines and the demo, where None means 640 by 480. Images of a file or a stream are
        reduced until they fit into it.
    fps : float, optional
        Frames per second for cameras, pipelines and the demo, where None means 30. Of a file or a stream no more are taken.
    fourcc : str
        Pixel format of a camera. Most USB cameras reach 30 frames per second at 640 by 480 and above only with ``MJPG``.
    loop : bool
        Start a file or a list of images again at its end.
    paced : bool
        Let the demo keep its frame rate; without, it gives a frame whenever one is asked for.
    stall_timeout : float
        Seconds without a frame after which a live source counts as stalled.
    connect_timeout : float
        Seconds within which a network source must answer.
    first_image_timeout : float
        Seconds from the answer of a network source to its first image. A stream begins at a key frame, and many cameras send
        one only every 10 to 25 s.
    transport : str
        Of RTSP: ``tcp``, ``udp``, or ``auto``, which takes TCP, and UDP where TCP is refused.
    tls_ca : str
        File with the certificates to trust for a network source, in place of the system's; empty for those.
    tls_insecure : bool
        Do not check who answers.
    rotate : int
        Degrees clockwise by which images are turned: 0, 90, 180 or 270.
    flip : str
        ``none``, ``horizontal`` (left and right are swapped), ``vertical`` or ``both``; after turning.
    roi : tuple of int, optional
        Left, top, width and height, in pixels of the turned image, of the part that is used.
    pages : str
        Of a file with several pictures in it, ``all`` or the ``first``.
    """

    width: Optional[int] = None
    height: Optional[int] = None
    fps: Optional[float] = None
    fourcc: str = "MJPG"
    loop: bool = False
    paced: bool = True
    stall_timeout: float = 15.0
    connect_timeout: float = 10.0
    first_image_timeout: float = 30.0
    transport: str = "auto"
    tls_ca: str = ""
    tls_insecure: bool = False
    rotate: int = 0
    flip: str = "none"
    roi: Optional[Tuple[int, int, int, int]] = None
    pages: str = "all"

    def __post_init__(self) -> None:
        """Refuse values that no source could fulfil."""
        for name, value in (("width", self.width), ("height", self.height)):
            if value is not None and not 16 <= value <= 16384:
                raise UsageError(f"A {name} of {value} pixels was asked for.", "Give a number from 16 to 16384.")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise UsageError(f"{self.fps} frames per second were asked for.", "Give a number above 0, at most 1000.")
        if len(self.fourcc) != 4 or not self.fourcc.isascii():
            raise UsageError(f"'{self.fourcc}' is no pixel format.", "Give its four letters, for example MJPG or YUYV.")
        for name, seconds in (
            ("stall", self.stall_timeout),
            ("connect", self.connect_timeout),
            ("first-image", self.first_image_timeout),
        ):
            if not 0 < seconds <= LONGEST_TIMEOUT:
                raise UsageError(
                    f"A {name} timeout of {seconds} s was asked for.",
                    f"Give seconds, above 0 and at most {LONGEST_TIMEOUT:g}.",
                )

    @property
    def size(self) -> Tuple[int, int]:
        """Width and height, with the default filled in."""
        return self.width or WIDTH, self.height or HEIGHT

    @property
    def rate(self) -> float:
        """Frames per second, with the default filled in."""
        return self.fps or FPS


DEFAULTS = CaptureSettings()
"""Nothing in particular is asked for."""
