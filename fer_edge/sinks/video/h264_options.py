"""FFmpeg's encoders of H.264, and how each is asked for little work and little delay."""

from __future__ import annotations

from typing import Callable, Dict, Mapping, Tuple

from fer_edge.sinks.video.encoder import VideoFormat

Options = Callable[[VideoFormat], Mapping[str, str]]

_THREADS_ABOVE = 1280 * 720
"""Pixels. Up to there one thread is fast enough, and the others are the detector's and the classifier's."""


def _x264(video: VideoFormat) -> Dict[str, str]:
    threads = "1" if video.size[0] * video.size[1] <= _THREADS_ABOVE else "2"
    return {"preset": "superfast", "tune": "zerolatency", "crf": "25", "threads": threads}


def _by_bits(video: VideoFormat) -> Dict[str, str]:
    return {"b": str(video.bit_rate)}


def _openh264(video: VideoFormat) -> Dict[str, str]:
    return {**_by_bits(video), "allow_skip_frames": "0"}


def _nvenc(video: VideoFormat) -> Dict[str, str]:
    return {**_by_bits(video), "delay": "0", "zerolatency": "1"}


FFMPEG_ENCODERS: Tuple[Tuple[str, Options], ...] = (
    ("libx264", _x264),
    ("libopenh264", _openh264),
    ("h264_nvenc", _nvenc),
    ("h264_v4l2m2m", _by_bits),
    ("h264_omx", _by_bits),
)
"""By name, the first choice first: only such as take images from memory."""
