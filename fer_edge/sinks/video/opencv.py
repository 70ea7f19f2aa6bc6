"""OpenCV's video encoder, with its output in our hands.

OpenCV writes videos to paths only, keeps up to a quarter of a megabyte back, puts what a player needs at the end, and hides
a full disk. Here its path is a pipe: FFmpeg sends each image through it at once, in an AVI stream (which is written
without ever going back), and the caller decides what becomes of it.
"""

from __future__ import annotations

import os
import select
import tempfile
import threading
from contextlib import contextmanager, suppress
from typing import Callable, Iterator, Optional, Tuple

import cv2

from fer_edge.errors import OutputNotWritable, ResultUnwritable
from fer_edge.sinks.video.avi import AviSplitter
from fer_edge.sinks.video.encoder import Consume, Encoder, VideoFormat
from fer_edge.system.installation import pip_install
from fer_edge.system.unix import CLOEXEC, DIRECTORY
from fer_edge.types import Image

_CHUNK = 1 << 20
_PROBE = (64, 64)


class StreamEncoder:
    """Encodes images, at a nominal rate, and gives the bytes of an AVI stream to a function, in a thread of its own.

    Parameters
    ----------
    fourcc : str
        The codec: ``mp4v`` or ``MJPG``.
    fps : float
        Images per second: the stream's own, which the file need not have.
    size : tuple of int
        Width and height in pixels, both even.
    consume : callable
        Called with each piece of bytes. When it raises, the rest is thrown away and the error is raised
        by the next `write`, or by `close`.

    Raises
    ------
    OutputNotWritable
        This build of OpenCV cannot encode that.
    ResultUnwritable
        It can, but not in this size.
    """

    def __init__(self, fourcc: str, fps: float, size: Tuple[int, int], consume: Callable[[bytes], None]) -> None:
        self._consume = consume
        self._failure: Optional[BaseException] = None
        self._released = threading.Event()
        if not hasattr(os, "mkfifo"):
            raise OutputNotWritable(
                "OpenCV records through a named pipe, which only Unix has.",
                f"Record to .mp4 with the extra media ({pip_install('media')}), or on Linux.",
            )
        try:
            folder = tempfile.mkdtemp(prefix="fer-edge-")
        except OSError as error:
            raise _no_pipe(error) from error
        path = os.path.join(folder, "stream.avi")
        try:
            os.mkfifo(path, 0o600)
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with _name_for_opencv(folder, "stream.avi") as name:
                self._writer = cv2.VideoWriter(name, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), float(fps), size)
        except OSError as error:
            raise _no_pipe(error) from error
        finally:
            # Both ends are open by now; without a name nothing is left behind, however the program ends.
            # (Not with rmtree, which takes a descriptor, and so leaves the folder there when none is free.)
            with suppress(OSError):
                os.unlink(path)
            with suppress(OSError):
                os.rmdir(folder)
        if not self._writer.isOpened():
            os.close(self._fd)
            if size != _PROBE and _can_encode(fourcc):
                raise ResultUnwritable(
                    f"A picture of {size[0]} x {size[1]} pixels cannot be encoded as {fourcc} video."
                )
            raise OutputNotWritable(
                f"OpenCV {cv2.__version__} cannot encode {fourcc} video of {size[0]} x {size[1]} pixels on this machine.",
                "Install an OpenCV that has FFmpeg, as the packages opencv-python and opencv-python-headless do.",
            )
        self._thread = threading.Thread(target=self._carry, name="video-writer", daemon=True)
        self._thread.start()

    def write(self, image: Image) -> None:
        """Encode one image of the given size. Raises what `consume` raised."""
        self._raise_failure()
        self._writer.write(image)
        self._raise_failure()

    def close(self) -> None:
        """Encode what is left and wait until `consume` has had all. Raises what `consume` raised. Only once."""
        self._writer.release()
        self._released.set()
        self._thread.join(10.0)
        if self._thread.is_alive():
            raise OutputNotWritable(
                "The disk did not take the end of the recording within 10 seconds.", "Check the disk."
            )
        os.close(self._fd)
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _carry(self) -> None:
        working = True
        while True:
            readable, _, _ = select.select([self._fd], [], [], 0.2)
            if not readable:
                if self._released.is_set():
                    return
                continue
            piece = os.read(self._fd, _CHUNK)
            if not piece:
                return
            if not working:
                continue  # The pipe is still emptied: a full one would block the encoder for ever.
            try:
                self._consume(piece)
            except Exception as error:  # noqa: BLE001  # It is raised again in the caller's thread.
                working, self._failure = False, error


@contextmanager
def _name_for_opencv(folder: str, name: str) -> Iterator[str]:
    """Give a path to a file that OpenCV can take: one that is no UTF-8 ends the process."""
    if folder.isascii() or not os.path.isdir("/proc/self/fd"):
        yield os.path.join(folder, name)
        return
    descriptor = os.open(folder, os.O_RDONLY | DIRECTORY | CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def _can_encode(fourcc: str) -> bool:
    """Return whether it is the size of an image only that the codec does not take."""
    try:
        StreamEncoder(fourcc, 30.0, _PROBE, lambda piece: None).close()
    except OutputNotWritable:
        return False
    return True


def _no_pipe(error: OSError) -> OutputNotWritable:
    return OutputNotWritable(
        f"Recording needs a pipe in the folder for temporary files, and none can be made there ({error.strerror}).",
        "Let the environment variable TMPDIR name a folder with space that this user may write to.",
    )


class OpencvEncoder(Encoder):
    """Encodes MPEG-4 Part 2 or Motion JPEG, and gives each image as it stands in an AVI stream.

    Parameters
    ----------
    fourcc : str
        ``mp4v`` or ``MJPG``.
    video : VideoFormat
        What is encoded.
    consume : callable
        Gets each encoded image, in another thread.
    splitter : AviSplitter, optional
        Cuts the stream; it has its header.

    Raises
    ------
    OutputNotWritable, ResultUnwritable
        As of `StreamEncoder`.
    """

    def __init__(
        self, fourcc: str, video: VideoFormat, consume: Consume, splitter: Optional[AviSplitter] = None
    ) -> None:
        cutter = splitter if splitter is not None else AviSplitter()
        self.name = f"{fourcc} by OpenCV {cv2.__version__}"

        def cut(piece: bytes) -> None:
            for image in cutter.feed(piece):
                consume(image)

        self._stream = StreamEncoder(fourcc, video.fps, video.size, cut)

    def write(self, image: Image) -> None:
        """Encode one image. Raises what `consume` raised."""
        self._stream.write(image)

    def close(self) -> None:
        """Encode what is left. Raises what `consume` raised."""
        self._stream.close()
