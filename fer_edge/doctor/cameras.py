"""Findings about where pictures come from and go: cameras, permissions, GStreamer, a display."""

from __future__ import annotations

import grp
import os
from typing import Any, List, Optional, Sequence

from fer_edge.board.program import Runner
from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.system.users import own_name

TRY_CAMERAS = """
from dataclasses import asdict
from fer_edge.capture.v4l2.devices import list_devices
facts = [asdict(device) for device in list_devices()]
"""

TRY_DISPLAY = """
from fer_edge.ui.display import display_available
available, reason = display_available()
facts = {"available": available, "reason": reason}
"""

VIDEO_GROUP = "video"

_INSPECTION = 30.0
"""Seconds for gst-inspect-1.0, which at its first start looks at every plugin."""

_TOPIC = "cameras"


def group_membership(name: str = VIDEO_GROUP) -> Optional[str]:
    """Return how this process stands to a group.

    Returns
    -------
    str or None
        ``root``, ``member``, ``after login`` for a user who was added but has not logged in since, ``no``; None where there is
        no such group.
    """
    if os.geteuid() == 0:
        return "root"
    try:
        group = grp.getgrnam(name)
    except KeyError:
        return None
    if group.gr_gid in (*os.getgroups(), os.getegid()):
        return "member"
    return "after login" if own_name() in group.gr_mem else "no"


def camera_findings(cameras: Probe, membership: Optional[str], jetson: bool) -> List[Finding]:
    """Return which cameras there are and whether this user may use them.

    Parameters
    ----------
    cameras : Probe
        Of `TRY_CAMERAS`.
    membership : str, optional
        From `group_membership`.
    """
    found = [_camera(device) for device in cameras.facts or []]
    if cameras.facts is None:
        meaning = (
            f"Asking them failed: {cameras.reason}. Unplug and replug the one that hangs;  dmesg | tail  says more."
        )
        found.append(Finding(_TOPIC, "USB cameras", "cannot be listed", WARNING, meaning))
    elif not found:
        meaning = "Nothing is lost: --camera auto shows the built-in demo.  fer-edge cameras  says what to check."
        found.append(Finding(_TOPIC, "USB cameras", "none found", NOTE, meaning))
    if membership == "root":
        found.append(Finding(_TOPIC, "permission", "runs as root", OK, "Everything may be opened."))
    elif membership == "member":
        found.append(Finding(_TOPIC, "permission", "in group video", OK, "Cameras, and a Jetson's GPU, may be opened."))
    elif membership == "after login":
        meaning = "This user was added to the group video since the last login: log out and in again, or reboot."
        found.append(Finding(_TOPIC, "permission", "after the next login", WARNING, meaning))
    elif membership == "no":
        meaning = (
            "Cameras, and a Jetson's GPU, belong to it. Join with:  sudo usermod -aG video $USER  and log in again."
        )
        level = WARNING if jetson or cameras.facts else NOTE
        found.append(Finding(_TOPIC, "permission", "not in group video", level, meaning))
    return found


def gstreamer_findings(run: Runner, argus: bool, jetson: bool) -> List[Finding]:
    """Return whether gst:PIPELINE and, on a Jetson, csi:0 can work.

    Parameters
    ----------
    argus : bool
        Whether /tmp/argus_socket is there, through which CSI cameras are reached.
    """
    launch = run(["gst-launch-1.0", "--version"], _INSPECTION)
    install = "sudo apt install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    if launch is None or launch.status != 0:
        level = WARNING if jetson else NOTE
        meaning = f"csi:0 and gst:PIPELINE need it; USB cameras do not. Install it with:  {install}"
        return [Finding(_TOPIC, "gst-launch-1.0", "not found", level, meaning)]
    words = launch.output.split()
    version = next((word for word in words if word[:1].isdigit()), "there")
    found = [Finding(_TOPIC, "gst-launch-1.0", version, OK, "csi:0 and gst:PIPELINE use it.")]
    if not jetson:
        return found
    element = run(["gst-inspect-1.0", "--exists", "nvarguscamerasrc"], _INSPECTION)
    if element is None or element.status != 0:
        meaning = (
            "csi:0 needs the element nvarguscamerasrc:  sudo apt install nvidia-l4t-gstreamer  or JetPack's image."
        )
        found.append(Finding(_TOPIC, "CSI camera", "no nvarguscamerasrc", WARNING, meaning))
    elif not argus:
        meaning = "Start it with:  sudo systemctl start nvargus-daemon ; in a container: -v /tmp/argus_socket:/tmp/argus_socket"
        found.append(Finding(_TOPIC, "CSI camera", "no /tmp/argus_socket", WARNING, meaning))
    else:
        meaning = "Its service runs; whether a sensor is connected shows  fer-edge --camera csi:0"
        found.append(Finding(_TOPIC, "CSI camera", "can be asked", OK, meaning))
    return found


def display_findings(display: Probe) -> List[Finding]:
    """Return whether a window can be opened.

    Parameters
    ----------
    display : Probe
        Of `TRY_DISPLAY`.
    """
    topic, subject = "pictures", "display"
    if display.facts is None:
        meaning = f"It could not be asked: {display.reason}. Use --display none."
        return [Finding(topic, subject, "unknown", NOTE, meaning)]
    if display.facts["available"]:
        return [Finding(topic, subject, "available", OK, "A window can be opened.")]
    meaning = f"No window: {display.facts['reason']}. Recording, JSON and the benchmark work without one."
    return [Finding(topic, subject, "none", NOTE, meaning)]


def _camera(device: Any) -> Finding:
    path, value = device["path"], _description(device)
    if device["problem"]:
        return Finding(_TOPIC, path, value, WARNING, f"It cannot be used: {device['problem']}.")
    if device["busy"]:
        meaning = "Another program uses it: end that one;  fer-edge cameras  names it."
        return Finding(_TOPIC, path, f"{value}, in use", WARNING, meaning)
    return Finding(_TOPIC, path, value, OK, f"It gives pictures: --camera {path}")


def _description(device: Any) -> str:
    modes: Sequence[Any] = device["modes"]
    largest = max(modes, key=lambda mode: mode["width"] * mode["height"], default=None)
    size = f", up to {largest['width']}x{largest['height']}" if largest else ""
    return f"{device['card'] or 'unknown'}{size}"
