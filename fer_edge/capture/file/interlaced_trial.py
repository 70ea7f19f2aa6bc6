"""Tries whether the installed OpenCV decodes interlaced video, on two gray images that come with the package.

The trial runs in a process of its own, where what FFmpeg prints can be looked at.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from fer_edge.system.installation import pip_install
from fer_edge.system.python_child import python_child

SAMPLE = Path(__file__).with_name("interlaced.m2v")
"""64 x 64 pixels of MPEG-2, two interlaced frames, gray all over."""

RIGHT, REFUSED, WRONG, UNREADABLE = "right", "refused", "wrong", "unreadable"
"""What came of the trial: gray images; none, and FFmpeg said so; others than were in the file; no video at all."""

_GRAY, _NEAR = 128, 12
_FIRST_IN_DOUBT = (4, 13)
"""Older releases use an interface of libswscale that knows nothing of interlacing."""

_PATIENCE = 20.0
_PACKAGES = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


@lru_cache(maxsize=1)
def decodes_interlaced() -> bool:
    """Return whether images of interlaced video can be believed; False as well where that cannot be found out.

    A second, and only the first time; nothing where OpenCV is older than 4.13.
    """
    from fer_edge.capture.opencv import cv2

    if tuple(int(part) for part in re.findall(r"\d+", cv2.__version__)[:2]) < _FIRST_IN_DOUBT:
        return True
    child = python_child(__name__)
    try:
        done = subprocess.run(  # noqa: S603  (a list, not a shell line)
            child.command, env=child.environment, capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == RIGHT.encode()


def outcome() -> str:
    """Decode the sample in this process, whose standard streams are taken meanwhile; one of the four words."""
    from fer_edge.capture.file.complaints import LEVEL, Complaints, tells_of_refusal

    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = LEVEL
    from fer_edge.capture.file.decoder import OpenCvDecoder
    from fer_edge.errors import SourceUnreadable

    with Complaints() as complaints:
        try:
            decoder = OpenCvDecoder(SAMPLE)
        except (SourceUnreadable, OSError):
            return UNREADABLE
        image = decoder.retrieve() if decoder.grab() else None
        decoder.close()
        refused = tells_of_refusal(complaints.take())
    if refused:
        return REFUSED
    if image is None:
        return UNREADABLE
    return RIGHT if abs(image.astype(int) - _GRAY).max() <= _NEAR else WRONG


def remedy() -> str:
    """Return what to install where interlaced video cannot be decoded."""
    return (
        f"Install PyAV, which reads it:  {pip_install('media')}  or an OpenCV that does:  "
        f"pip install '{_installed_package()}<{'.'.join(map(str, _FIRST_IN_DOUBT))}'"
    )


def _installed_package() -> str:
    for package in _PACKAGES:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return package
    return _PACKAGES[0]


if __name__ == "__main__":
    found = outcome()
    sys.stdout.write(f"{found}\n")
