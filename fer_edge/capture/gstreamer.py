"""Frames from a GStreamer pipeline that runs in a process of its own.

OpenCV's packages on PyPI are built without GStreamer, and a Jetson's CSI camera is reached only through it.
"""

from __future__ import annotations

import re
import shlex
import time
from typing import Callable, List, Optional
from urllib.parse import quote

import numpy as np

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.child import ChildPipe, PipeClosed
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.stall import StallTimer
from fer_edge.errors import SourceError, SourceNotFound, SourceStalled, SourceUnreadable, UsageError
from fer_edge.system.masking import mask, printable
from fer_edge.types import Image

PROGRAM = "gst-launch-1.0"
_FIRST_FRAME_WAIT = 10.0  # s; a CSI camera's service needs two to three to start
_GRAB_WAIT = 0.5
_LONGEST_NAME = 1000


class GStreamerSource(Source):
    """Runs ``gst-launch-1.0`` and reads raw images from it.

    The images are scaled to the size in `settings` (640 by 480 unless given), with borders where the shape differs. The
    pipeline sets the pace; one that is not live by itself needs ``is-live=true`` or ``identity sync=true`` to have one.

    Parameters
    ----------
    pipeline : str
        As gst-launch takes it, without a sink: ``videotestsrc is-live=true ! video/x-raw,framerate=30/1``.
    name : str
        For messages.
    program : str
        What to run; another one in tests.
    """

    live = True
    keeps_rate = True

    def __init__(
        self,
        pipeline: str,
        settings: CaptureSettings = DEFAULTS,
        name: str = "",
        program: str = PROGRAM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = printable(mask(name or f"gst:{pipeline}"), _LONGEST_NAME)
        self._settings = settings
        self._program = program
        self._width, self._height = settings.size
        # GStreamer pads the rows of a BGR image to a multiple of four bytes.
        self._stride = (self._width * 3 + 3) // 4 * 4
        self._pipe = ChildPipe(_command(program, pipeline, settings, self._name))
        self._stall = StallTimer(
            self._name, settings.stall_timeout, "Check the camera's cable, and that nothing else uses it.", clock
        )
        self._frame = self._new_frame()
        self._has_first = False

    def open(self) -> SourceInfo:
        """Start the pipeline and wait for its first image, which `grab` then gives."""
        self.close()
        try:
            self._pipe.start()
        except FileNotFoundError:
            raise SourceNotFound(
                f"{self._name} needs the program {self._program}, which is not installed.",
                "Install it with:  sudo apt install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good",
            ) from None
        try:
            wait = max(_FIRST_FRAME_WAIT, self._settings.stall_timeout)
            if not self._fill(wait):
                state = (
                    "was interrupted while it started"
                    if self._pipe.interrupted.is_set()
                    else f"gave no frame in {wait:g} s"
                )
                raise SourceStalled(f"{self._name} {state}.", self._last_words() or "Try it with gst-launch-1.0 first.")
        except PipeClosed:
            error = self._ended(self._pipe.finish()) or SourceUnreadable(f"{self._name} ended before its first frame.")
            self.close()
            raise error from None
        except BaseException:
            self.close()
            raise
        self._has_first = True
        return SourceInfo(self._name, self._width, self._height, self._settings.fps or 0.0)

    def grab(self) -> Optional[bool]:
        """Wait for the next whole image, half a second at most."""
        if self._has_first:
            self._has_first = False
            return True
        self._stall.start()
        try:
            if not self._fill(_GRAB_WAIT):
                self._stall.nothing()
                return None
        except PipeClosed:
            error = self._ended(self._pipe.finish())
            if error is not None:
                raise error from None
            return False
        self._stall.frame()
        return True

    def retrieve(self) -> Image:
        """Return the image, without its padding."""
        image: Image = np.ascontiguousarray(self._frame[:, : self._width * 3])
        self._frame = self._new_frame()
        return image.reshape(self._height, self._width, 3)

    def close(self) -> None:
        """End the process."""
        self._has_first = False
        self._pipe.close()

    def interrupt(self) -> None:
        """Make a waiting call return within a tenth of a second."""
        self._pipe.interrupted.set()

    def _fill(self, timeout: float) -> bool:
        return self._pipe.fill(self._frame.data.cast("B"), timeout)

    def _new_frame(self) -> Image:
        return np.empty((self._height, self._stride), np.uint8)

    def _ended(self, status: int) -> Optional[SourceError]:
        """Return why the process is gone; None if the pipeline just came to its end."""
        words = self._last_words()
        if status == 0 and not words:
            return None
        remedy = "Try the same pipeline with gst-launch-1.0; gst-inspect-1.0 lists the elements that are installed."
        if "nvarguscamerasrc" in words:
            remedy = (
                "csi: works on a Jetson with JetPack, whose packages bring nvarguscamerasrc; elsewhere use --camera 0."
            )
        return SourceUnreadable(
            f"{self._name}: {words or f'{self._program} ended with status {status}.'}",
            remedy,
        )

    def _last_words(self) -> str:
        """Pick the message out of what gst-launch wrote to its standard error, which is mostly noise."""
        said = mask(self._pipe.errors)
        for line in said.splitlines():
            found = re.match(r"(?:WARNING: )?(?:erroneous pipeline|ERROR[^:]*): (?:from element [^ ]*: )?(.*)", line)
            if found:
                detail = re.search(r"Additional debug info:\n[^\n]*\n?([^\n]*)", said)
                more = detail.group(1).strip() if detail else ""
                return printable(f"{found.group(1)} {more}".strip(), _LONGEST_NAME)
        return ""


def csi_pipeline(number: int, settings: CaptureSettings = DEFAULTS) -> str:
    """Return the pipeline of a Jetson's CSI camera, in the form of https://github.com/JetsonHacksNano/CSI-Camera.

    Parameters
    ----------
    number : int
        The sensor, from 0.
    """
    width, height = settings.size
    # The sensor works in modes of its own; 1280 by 720 is one that every camera module for the Nano has.
    sensor = (1280, 720) if width <= 1280 and height <= 720 else (1920, 1080)
    return (
        f"nvarguscamerasrc sensor-id={number} ! "
        f"video/x-raw(memory:NVMM),width={sensor[0]},height={sensor[1]},format=NV12,framerate={round(settings.rate)}/1 ! "
        f"nvvidconv flip-method=0 ! video/x-raw,width={width},height={height},format=BGRx"
    )


def _bind_passwords(words: List[str]) -> List[str]:
    """Move user and password of an ``rtspsrc`` into its location.

    What its properties say goes to every host that the camera refers to; what its location says, to that host alone.
    """
    bound = list(words)
    starts = [0, *(index + 1 for index, word in enumerate(words) if word == "!")]
    for start, end in zip(starts, [*(start - 1 for start in starts[1:]), len(words)]):
        if "rtspsrc" not in words[start:end]:
            continue
        places = {words[index].partition("=")[0]: index for index in range(start, end) if "=" in words[index]}
        location = words[places["location"]].partition("=")[2] if "location" in places else ""
        scheme, slashes, rest = location.partition("://")
        if "user-pw" not in places or not slashes or "@" in rest:
            continue
        user, password = (
            quote(words[places[name]].partition("=")[2], safe="") if name in places else ""
            for name in ("user-id", "user-pw")
        )
        bound[places["location"]] = f"location={scheme}://{user}:{password}@{rest}"
        for name in ("user-id", "user-pw"):
            if name in places:
                bound[places[name]] = ""
    return [word for word in bound if word]


def _command(program: str, pipeline: str, settings: CaptureSettings, name: str) -> List[str]:
    try:
        # As a shell would: gst-launch itself joins its arguments again, and needs quotes inside them to be gone.
        words = shlex.split(pipeline)
    except ValueError as error:
        raise UsageError(f"{name}: {error}.", "Close every quote in the pipeline.") from None
    if not words:
        raise UsageError("gst: is followed by no pipeline.", "Try:  gst:videotestsrc is-live=true")
    words = _bind_passwords(words)
    width, height = settings.size
    form = f"video/x-raw,format=BGR,width={width},height={height},pixel-aspect-ratio=1/1"
    steps = [*words, "!", "videoconvert", "!", "videoscale"]
    if settings.fps:
        steps += ["!", "videorate"]
        form += f",framerate={round(settings.fps * 1000)}/1000"
    return [program, "-q", *steps, "!", form, "!", "fdsink", "fd=1"]
