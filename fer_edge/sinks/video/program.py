"""An encoder that is a program of its own: raw images go into its standard input, encoded ones come out of its output."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from io import FileIO
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, cast

import numpy as np

from fer_edge.errors import EncoderFailed, OutputError
from fer_edge.sinks.video.colour import packed
from fer_edge.sinks.video.encoder import Consume, Encoder, EncoderHangs, EncoderMissing, VideoFormat
from fer_edge.sinks.video.h264 import parameter_sets
from fer_edge.types import Image

Split = Callable[[bytes], Iterator[bytes]]
"""Takes what the program wrote, in pieces as they come, and gives the encoded images that are complete."""

PATIENCE = 10.0
"""Seconds without a byte in or out after which a program counts as hanging."""

_SOON = 0.5
"""Seconds in which a program without delay gives an image back. One with a delay is not waited for again."""

_LAST_WAIT = 5.0
"""Seconds for a killed program to go, also on a busy machine. One that hangs in a driver is left behind."""

_TRIAL = 3
"""Images with which a program is tried."""

_CHUNK = 1 << 18
_KEPT_ERRORS = 4096

_tried: Dict[Tuple[Sequence[str], Tuple[int, int]], Optional[EncoderMissing]] = {}
"""Why a command does not encode images of a size; None where it does. It is as it is for as long as this program runs."""


class ProgramEncoder(Encoder):
    """Feeds a program, in the caller's thread; ends with this process, as its input does.

    Attributes
    ----------
    hung : bool
        Whether it failed as it did not answer in time.

    Parameters
    ----------
    name : str
        For people.
    command : sequence of str
        The program and its arguments; no shell is involved.
    split : callable
        Cuts its output into images.
    consume : callable
        Gets each encoded image.
    align : int
        Bytes of which each row of raw images has a multiple.

    Raises
    ------
    EncoderMissing
        It cannot be started.
    """

    def __init__(self, name: str, command: Sequence[str], split: Split, consume: Consume, align: int = 1) -> None:
        self._align = align
        self.name = name
        self._split = split
        self._consume = consume
        self._errors = b""
        self._given = self._taken = self._behind = 0
        self.hung = False
        if not hasattr(os, "set_blocking"):
            raise EncoderMissing("this system has no pipes that do not block")
        try:
            # A session of its own: Ctrl-C in a terminal is for us, and we end the program in our own time.
            process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise EncoderMissing(f"'{command[0]}' cannot be started: {error.strerror}") from error
        self._process = process
        self._in, self._out, self._err = (cast(FileIO, s) for s in (process.stdin, process.stdout, process.stderr))
        self._open = {stream.fileno() for stream in (self._out, self._err)}
        for stream in (self._in, self._out, self._err):
            os.set_blocking(stream.fileno(), False)

    def write(self, image: Image) -> None:
        """Hand one image over, and wait a little for what comes of it. Raises as the seam says."""
        data = memoryview(packed(image, self._align))
        self._given += 1
        heard = time.monotonic()
        while data:
            if self._exchange(True, PATIENCE):
                heard = time.monotonic()
            with suppress(BlockingIOError):
                data = data[self._send(data) :]
                heard = time.monotonic()
            if time.monotonic() - heard > PATIENCE:
                self.hung = True
                raise self._failed(f"did not take an image within {PATIENCE:g} s")
        deadline = time.monotonic() + _SOON
        while self._given - self._taken > self._behind:
            left = deadline - time.monotonic()
            if left <= 0:
                self._behind = self._given - self._taken
            else:
                self._exchange(False, left)

    def close(self) -> None:
        """Let it encode what is left, and end it. Raises as the seam says."""
        try:
            self._in.close()
            while self._out.fileno() in self._open:
                if not self._exchange(False, PATIENCE):
                    self.hung = True
                    raise self._failed(f"did not end within {PATIENCE:g} s")
            if self._taken < self._given:
                raise self._failed(f"left out {self._given - self._taken} images at its end")
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the program at once. May be called twice."""
        if self._out.closed:
            return
        with suppress(OSError):
            self._in.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.0 if self._out.fileno() in self._open else 1.0)
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_WAIT)
        for stream in (self._out, self._err):
            stream.close()

    def _send(self, data: memoryview) -> int:
        try:
            return os.write(self._in.fileno(), data[:_CHUNK])
        except BrokenPipeError as error:
            raise self._failed("ended by itself") from error

    def _exchange(self, sending: bool, seconds: float) -> bool:
        """Wait until something can be sent or was written, and take what was; tell whether anything happened."""
        poll = select.poll()
        for descriptor in self._open:
            poll.register(descriptor, select.POLLIN)
        if sending:
            poll.register(self._in.fileno(), select.POLLOUT)
        ready = [descriptor for descriptor, _ in poll.poll(max(0, round(1000 * seconds)))]
        for descriptor in ready:
            if descriptor in self._open:
                self._receive(descriptor)
        if sending and self._out.fileno() not in self._open:
            raise self._failed("ended by itself")
        return bool(ready)

    def _receive(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._open.discard(descriptor)
        elif descriptor == self._err.fileno():
            self._errors = (self._errors + data)[-_KEPT_ERRORS:]
        else:
            for image in self._split(data):
                self._taken += 1
                self._consume(image)

    def _failed(self, how: str) -> EncoderFailed:
        """Return the error, with what the program said last."""
        deadline = time.monotonic() + (0.0 if self.hung else 1.0)
        while self._err.fileno() in self._open and time.monotonic() < deadline:
            with suppress(OutputError):
                self._exchange(False, 0.1)
        if not self.hung:
            # Its pipes close a moment before it has a status.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        status = self._process.poll()
        ended = "" if status is None else f" (exit status {status})" if status >= 0 else f" (signal {-status})"
        said = self._errors.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return EncoderFailed(
            f"The program that encodes the recording, {self.name}, {how}{ended}{f': {last}' if last else ''}.",
            "What was recorded before plays. Run `fer-edge doctor`, or record to .avi, if it does so again.",
        )


def open_program(
    name: str,
    command: Sequence[str],
    make_split: Callable[[], Split],
    video: VideoFormat,
    consume: Consume,
    align: int = 1,
) -> ProgramEncoder:
    """Start a program that encodes H.264, once it has shown that it can. Raises EncoderMissing where it cannot."""
    key = tuple(command), video.size
    if key not in _tried:
        _tried[key] = _trial(name, command, make_split(), video, align)
    refusal = _tried[key]
    if refusal is not None:
        raise refusal
    return ProgramEncoder(name, command, make_split(), consume, align)


def _trial(name: str, command: Sequence[str], split: Split, video: VideoFormat, align: int) -> Optional[EncoderMissing]:
    units: List[bytes] = []
    encoder: Optional[ProgramEncoder] = None
    try:
        encoder = ProgramEncoder(name, command, split, units.append, align)
        for _ in range(_TRIAL):
            encoder.write(np.zeros((video.size[1], video.size[0], 3), np.uint8))
        encoder.close()
    except EncoderMissing as error:
        return error
    except EncoderFailed as error:
        kind = EncoderHangs if encoder is not None and encoder.hung else EncoderMissing
        return kind(error.message.rstrip("."))
    finally:
        if encoder is not None:
            encoder.abandon()
    return None if units and parameter_sets(units[0]) else EncoderMissing(f"{name} does not describe its stream")
