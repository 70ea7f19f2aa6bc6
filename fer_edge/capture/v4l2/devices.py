"""The cameras of this machine, for ``fer-edge cameras`` and for error messages."""

from __future__ import annotations

import errno
import fcntl
import glob
import grp
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from fer_edge.capture.v4l2 import kernel
from fer_edge.capture.v4l2.kernel import Ioctl, Mode
from fer_edge.system.masking import printable, shown
from fer_edge.system.table import table_lines

Opener = Callable[[str], int]


@dataclass(frozen=True)
class Device:
    """A video device.

    Attributes
    ----------
    path : str
        ``/dev/video0``, for ``--camera``.
    names : tuple of str
        Links to it under ``/dev/v4l/by-id`` and ``by-path``, which stay the same when cameras are plugged in another order.
    card, driver, bus : str
        As the kernel names it; empty if it could not be asked.
    modes : tuple of Mode
        What it gives.
    busy : bool
        Another program streams from it.
    problem : str
        Why it cannot be used; empty if it can.
    """

    path: str
    names: Tuple[str, ...] = ()
    card: str = ""
    driver: str = ""
    bus: str = ""
    modes: Tuple[Mode, ...] = field(default=())
    busy: bool = False
    problem: str = ""


def open_node(path: str) -> int:
    """Open a device without waiting for anything."""
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def list_devices(root: str = "/dev", opener: Opener = open_node, ioctl: Ioctl = fcntl.ioctl) -> List[Device]:
    """List the cameras, in the order of their numbers; nodes that carry no images are left out.

    Parameters
    ----------
    root : str
        The folder of the device nodes.
    opener, ioctl : callable
        The system calls, for tests.
    """
    links = _links(root)
    nodes = [path for path in glob.glob(os.path.join(glob.escape(root), "video*")) if re.search(r"video\d+$", path)]
    nodes.sort(key=lambda path: int(re.sub(r".*video", "", path)))
    found = (_describe(path, tuple(links.get(os.path.realpath(path), ())), opener, ioctl) for path in nodes)
    return [device for device in found if device is not None]


def lasting_names(path: str, devices: Sequence[Device]) -> Tuple[str, ...]:
    """Return the names under which a camera can be found when it comes back under another number, the best first.

    The only camera of its make has the name of that make (``by-id``), which finds it in any socket, and does not lead to a
    stranger that was plugged into the old one. Where there are two of a make, or udev gives no such name, it is that of the
    socket (``by-path``): cheap cameras have no serial number, so the name of the make would lead to either. For the same
    reason a second one that is plugged in while the only one is away is taken for it.

    Parameters
    ----------
    path : str
        The node by which it was opened; also the only name when there is no better one.
    devices : sequence of Device
        The cameras that there are.
    """
    node = os.path.realpath(path)
    this = next((device for device in devices if os.path.realpath(device.path) == node), None)
    if this is None:
        return (path,)
    unique = [device.card for device in devices].count(this.card) == 1
    places = [name for name in this.names if f"{os.sep}by-path{os.sep}" in name]
    makes = [name for name in this.names if name not in places]
    return tuple((unique and makes) or places) or (path,)


def _describe(path: str, names: Tuple[str, ...], opener: Opener, ioctl: Ioctl) -> Optional[Device]:
    try:
        descriptor = opener(path)
    except PermissionError:
        return Device(path, names, problem=permission_advice(path))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):  # unplugged just now
            return None
        return Device(path, names, busy=error.errno == errno.EBUSY, problem=os.strerror(error.errno or 0).lower())
    try:
        who = kernel.query(descriptor, ioctl)
        if not who.captures:
            return None
        busy = kernel.is_busy(descriptor, who, ioctl)
        return Device(path, names, who.card, who.driver, who.bus, tuple(kernel.modes(descriptor, who, ioctl)), busy)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def permission_advice(path: str) -> str:
    """Return which group may use a device node, and how to get into it."""
    try:
        group = grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "this user may not open it"
    if group == "root":
        return f"only root may open it; allow a group with:  sudo chgrp video {path} && sudo chmod 660 {path}"
    return f"it belongs to the group '{group}'; join with:  sudo usermod -aG {group} $USER  and log in again"


def holders(path: str, proc: str = "/proc") -> List[str]:
    """Name the programs that have a device open, as far as this user may see them: ``cheese (4711)``."""
    wanted = os.path.realpath(path)
    found = []
    for folder in sorted(glob.glob(f"{proc}/[0-9]*"), key=lambda name: int(os.path.basename(name))):
        pid = os.path.basename(folder)
        if int(pid) == os.getpid():
            continue
        with suppress(OSError):  # another user's, or gone
            if wanted in {os.path.realpath(link) for link in glob.glob(f"{folder}/fd/*")}:
                name = Path(folder, "comm").read_text(encoding="utf-8", errors="replace").strip()
                found.append(f"{printable(name)} ({pid})")
    return found


def describe_devices(devices: Optional[Sequence[Device]] = None) -> str:
    """Make the text of ``fer-edge cameras``: each camera with its modes, or what to do when there is none.

    Parameters
    ----------
    devices : sequence of Device, optional
        Those of this machine if not given.
    """
    found = list_devices() if devices is None else devices
    if not found:
        return (
            "No camera was found: there is no /dev/video* that gives pictures.\n"
            "  - Is it plugged in? `lsusb` lists USB devices, `dmesg | tail` what the kernel said about them.\n"
            "  - In a container, pass it on with:  --device /dev/video0\n"
            "  - A Jetson's CSI camera is not listed here: use  --camera csi:0\n"
            "  - Everything works without a camera, too:  --camera demo"
        )
    blocks = []
    for device in found:
        title = f"{device.path}  {device.card or 'unknown'}"
        if device.driver:
            title += f"  [{device.driver}, {device.bus}]"
        lines = [title]
        lines += [f"  also as {shown(name)}" for name in device.names]
        if device.problem:
            lines.append(f"  cannot be used: {device.problem}")
        if device.busy:
            users = holders(device.path)
            lines.append("  in use" + (f" by {', '.join(users)}" if users else " by another program"))
        lines += _table(device.modes)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _table(modes: Sequence[Mode]) -> List[str]:
    rows = [
        (mode.fourcc, f"{mode.width}x{mode.height}", ", ".join(f"{rate:g}" for rate in mode.fps) or "?")
        for mode in modes
    ]
    if not rows:
        return []
    rows.insert(0, ("format", "size", "frames per second"))
    return [f"  {line}" for line in table_lines(rows, right=(1,))]


def _links(root: str) -> Dict[str, List[str]]:
    links: Dict[str, List[str]] = {}
    for kind in ("by-id", "by-path"):
        for path in sorted(glob.glob(os.path.join(glob.escape(root), "v4l", kind, "*"))):
            links.setdefault(os.path.realpath(path), []).append(path)
    return links
