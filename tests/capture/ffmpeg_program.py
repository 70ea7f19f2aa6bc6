"""Small videos of every kind, made by the ffmpeg program that the tests bring."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

SECOND = ("-f", "lavfi", "-i", "testsrc=size=64x96:rate=25:duration=1")
"""Input of 25 images of 64 x 96 pixels."""


def ffmpeg(*arguments: str) -> bytes:
    """Run it, and give what it wrote to its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-bitexact", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def video(place: Path, *arguments: str) -> Path:
    """Write a video of one second."""
    ffmpeg(*SECOND, *arguments, str(place))
    return place
