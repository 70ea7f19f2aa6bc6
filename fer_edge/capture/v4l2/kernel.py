"""What the kernel tells about a video device: the few V4L2 ioctls that fer-edge needs, with the standard library alone.

Numbers and layouts are those of linux/videodev2.h, which are the same on every 64-bit machine.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Tuple

from fer_edge.system.masking import printable

Ioctl = Callable[[int, int, bytearray], Any]
"""``fcntl.ioctl``, or what stands in for it: changes the buffer and raises OSError."""

QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
REQBUFS = 0xC0145608

_CAPABILITY = struct.Struct("<16s32s32sIII12x")
_FORMAT = struct.Struct("<III32sI16x")
_FRAME_SIZE = struct.Struct("<III6I8x")
_FRAME_INTERVAL = struct.Struct("<IIIII6I8x")
_REQUEST = struct.Struct("<IIII4x")

_VIDEO_CAPTURE = 0x00000001
_VIDEO_CAPTURE_MPLANE = 0x00001000
_DEVICE_CAPS = 0x80000000
_BUFFER_CAPTURE, _BUFFER_CAPTURE_MPLANE, _MEMORY_MMAP = 1, 9, 1
_DISCRETE = 1
_MOST = 256  # of anything; a driver that never says EINVAL must not hold us


@dataclass(frozen=True)
class Mode:
    """A pixel format with a size, and the rates at which it comes.

    Attributes
    ----------
    fourcc : str
        For instance ``MJPG`` or ``YUYV``.
    width, height : int
        Pixels; the largest where the driver takes any size in a range.
    fps : tuple of float
        Frames per second, highest first; empty if the driver does not say.
    """

    fourcc: str
    width: int
    height: int
    fps: Tuple[float, ...]


@dataclass(frozen=True)
class Capability:
    """Who a device is: its driver, its name, where it is plugged in, and whether it gives images."""

    driver: str
    card: str
    bus: str
    captures: bool
    planes: bool


def query(descriptor: int, ioctl: Ioctl = fcntl.ioctl) -> Capability:
    """Ask an open device who it is. Raises OSError (ENOTTY) when it is no video device at all."""
    buffer = bytearray(_CAPABILITY.size)
    ioctl(descriptor, QUERYCAP, buffer)
    driver, card, bus, _, capabilities, of_this_node = _CAPABILITY.unpack(buffer)
    # A camera has several nodes (one for metadata); only the second mask speaks of this one.
    mask = of_this_node if capabilities & _DEVICE_CAPS else capabilities
    planes = bool(mask & _VIDEO_CAPTURE_MPLANE)
    return Capability(_text(driver), _text(card), _text(bus), bool(mask & _VIDEO_CAPTURE) or planes, planes)


def is_busy(descriptor: int, capability: Capability, ioctl: Ioctl = fcntl.ioctl) -> bool:
    """Return whether another program streams from the device, by giving back buffers that we do not have."""
    kind = _BUFFER_CAPTURE_MPLANE if capability.planes else _BUFFER_CAPTURE
    try:
        ioctl(descriptor, REQBUFS, bytearray(_REQUEST.pack(0, kind, _MEMORY_MMAP, 0)))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def modes(descriptor: int, capability: Capability, ioctl: Ioctl = fcntl.ioctl) -> List[Mode]:
    """List every pixel format and size of an open device, in the driver's order."""
    kind = _BUFFER_CAPTURE_MPLANE if capability.planes else _BUFFER_CAPTURE
    found = []
    for index in range(_MOST):
        fmt = _ask(descriptor, ENUM_FMT, _FORMAT, (index, kind, 0, b"", 0), ioctl)
        if not fmt:
            break
        pixels = fmt[4]
        for width, height in _sizes(descriptor, pixels, ioctl):
            found.append(Mode(_fourcc(pixels), width, height, _rates(descriptor, pixels, width, height, ioctl)))
    return found


def _sizes(descriptor: int, pixels: int, ioctl: Ioctl) -> Iterator[Tuple[int, int]]:
    for index in range(_MOST):
        size = _ask(descriptor, ENUM_FRAMESIZES, _FRAME_SIZE, (index, pixels, 0, 0, 0, 0, 0, 0, 0), ioctl)
        if not size:
            return
        if size[2] == _DISCRETE:
            yield size[3], size[4]
        else:  # a range: smallest, largest and step of the width, then of the height
            yield size[4], size[7]
            return


def _rates(descriptor: int, pixels: int, width: int, height: int, ioctl: Ioctl) -> Tuple[float, ...]:
    rates = []
    for index in range(_MOST):
        fields = (index, pixels, width, height, 0, 0, 0, 0, 0, 0, 0)
        interval = _ask(descriptor, ENUM_FRAMEINTERVALS, _FRAME_INTERVAL, fields, ioctl)
        if not interval:
            break
        # Seconds per frame as a fraction; of a range the shortest is given first.
        if interval[5]:
            rates.append(round(interval[6] / interval[5], 2))
        if interval[4] != _DISCRETE:
            break
    return tuple(sorted(rates, reverse=True))


def _ask(descriptor: int, number: int, layout: struct.Struct, fields: Tuple[Any, ...], ioctl: Ioctl) -> Tuple[Any, ...]:
    """Fill a structure; empty when the driver says that there is no such entry."""
    buffer = bytearray(layout.pack(*fields))
    try:
        ioctl(descriptor, number, buffer)
    except OSError:
        return ()
    return layout.unpack(buffer)


def _text(raw: bytes) -> str:
    # A USB device calls itself as it likes.
    return printable(raw.split(b"\0", 1)[0].decode("utf-8", "replace"))


def _fourcc(pixels: int) -> str:
    return printable(struct.pack("<I", pixels & 0x7FFFFFFF).decode("ascii", "replace").rstrip())
