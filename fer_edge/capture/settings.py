"""What can be asked of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.errors import UsageError

WIDTH, HEIGHT, FPS = 640, 480, 30.0
"""What a camera, a GStreamer pipeline and the demo are asked for when nothing else is wanted."""


@dataclass(frozen=True)
class CaptureSettings:
    """What can be asked of a source; each source takes what means something to it.

    Attributes
    ----------
    width, height : int, optional
        Size in pixels for cameras, pipelines and the demo; None means 640 by 480. A file or a stream keeps its own size.
    fps : float, optional
        Frames per second for cameras, pipelines and the demo; None means 30.
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
    """

    width: Optional[int] = None
    height: Optional[int] = None
    fps: Optional[float] = None
    fourcc: str = "MJPG"
    loop: bool = False
    paced: bool = True
    stall_timeout: float = 5.0
    connect_timeout: float = 5.0

    def __post_init__(self) -> None:
        """Refuse values that no source could fulfil."""
        for name, value in (("width", self.width), ("height", self.height)):
            if value is not None and not 16 <= value <= 16384:
                raise UsageError(f"A {name} of {value} pixels was asked for.", "Give a number from 16 to 16384.")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise UsageError(f"{self.fps} frames per second were asked for.", "Give a number above 0, at most 1000.")
        if len(self.fourcc) != 4 or not self.fourcc.isascii():
            raise UsageError(f"'{self.fourcc}' is no pixel format.", "Give its four letters, for example MJPG or YUYV.")
        for name, seconds in (("stall", self.stall_timeout), ("connect", self.connect_timeout)):
            if not seconds > 0:
                raise UsageError(f"A {name} timeout of {seconds} s was asked for.", "Give seconds, more than 0.")

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
