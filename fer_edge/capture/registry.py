"""The kinds of sources that there are: how their names look, and what builds them.

A new one is a module of its own, and an entry here: settings, ``--help`` and messages take what they say from it. Nothing is
imported for a source before it is built.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, List, Optional, Pattern, Tuple
from urllib.parse import unquote

from fer_edge.capture.file.places import image_files, is_image_place, meant, path_of
from fer_edge.capture.media.names import has_av, is_pipe, is_stream
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import UsageError
from fer_edge.system.libraries import missing_extra
from fer_edge.system.masking import mask, printable
from fer_edge.system.unix import HAS_FCNTL

if TYPE_CHECKING:
    from fer_edge.capture.base import Source

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")


@dataclass(frozen=True)
class SourceKind:
    """One kind of source.

    Attributes
    ----------
    name : str
        In one word.
    forms : tuple of str
        How what it takes looks, for people.
    live : bool
        Whether its frames come by themselves, so that only the newest matters.
    reader : str
        What reads it, for people.
    takes : callable, optional
        Whether it takes a text; None where it takes what no other kind does.
    build : callable
        Makes the source that a text means, not open yet; raises `UsageError` where the text makes no sense.
    default_reader : str
        What reads it where PyAV is not installed, if that is something else.
    files : callable
        Gives the paths of the files that a text has it read; of those that may be none, or not there.
    sized : bool
        Whether it asks a device for the size that is wanted, where others reduce what they get.
    pictures : bool
        Whether it gives pictures, each of which stands for itself.
    """

    name: str
    forms: Tuple[str, ...]
    live: bool
    reader: str
    takes: Optional[Callable[[str], bool]]
    build: Callable[[str, CaptureSettings], Source]
    files: Callable[[str], List[str]] = lambda text: []
    default_reader: str = ""
    sized: bool = False
    pictures: bool = False


def kind_of(text: str) -> SourceKind:
    """Return the kind of source that `text` means.

    Raises
    ------
    UsageError
        It is empty, or names a protocol that is not supported.
    """
    if not text or "\0" in text:
        raise UsageError("No source was named.", f"--camera takes {FORMS}.")
    for kind in KINDS:
        if kind.takes is not None and kind.takes(text):
            return kind
    if _scheme(text):
        raise UsageError(f"{_scheme(text)}:// is not supported.", f"--camera takes {FORMS}.")
    return next(kind for kind in KINDS if kind.takes is None)


def source_files(text: str) -> List[str]:
    """Return the paths of what a source reads that `text` names, as far as they are files; nothing is opened.

    Parameters
    ----------
    text : str
        What `fer_edge.capture.open_source` takes. One that it refuses reads nothing.
    """
    text = meant(text)
    try:
        return kind_of(text).files(text)
    except (UsageError, OSError):
        return []


def _scheme(text: str) -> str:
    found = _SCHEME.match(text)
    return found.group(1).lower() if found else ""


def _like(pattern: Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _camera(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.v4l2.camera import CameraSource

    return CameraSource(text, settings)


def _csi(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.gstreamer import GStreamerSource, csi_pipeline

    number = text.partition(":")[2]
    if not re.fullmatch(r"[0-9]{1,2}", number):
        raise UsageError(f"'{text}' names no CSI camera.", "Give csi:0, or csi:1 for the second.")
    return GStreamerSource(csi_pipeline(int(number), settings), settings, name=text)


def _gstreamer(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.gstreamer import GStreamerSource

    return GStreamerSource(text.partition(":")[2], settings)


def _rtsp(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.rtsp.source import RtspSource

    return RtspSource(text, settings)


def _http(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.web import WebSource

    return WebSource(text, settings)


def _pipe(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.media.pipe_input import PipeInput
    from fer_edge.capture.media.source import MediaSource

    return MediaSource(PipeInput(text, settings), settings)


def _stream(text: str, settings: CaptureSettings) -> Source:
    if not has_av():
        raise missing_extra("av", "media", printable(mask(text)))
    from fer_edge.capture.media.source import MediaSource
    from fer_edge.capture.media.stream_input import StreamInput

    return MediaSource(StreamInput(text, settings), settings)


def _video(text: str, settings: CaptureSettings) -> Source:
    if not (has_av() and HAS_FCNTL):  # a process of its own is left and fed by ways that only Unix has
        from fer_edge.capture.file.video import VideoFileSource

        return VideoFileSource(text, settings)
    from fer_edge.capture.media.file_input import FileInput
    from fer_edge.capture.media.source import MediaSource

    return MediaSource(FileInput(text, settings), settings)


def _images(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.file.images import ImageSource

    return ImageSource(text, settings)


def _demo(text: str, settings: CaptureSettings) -> Source:
    from fer_edge.capture.synthetic import DemoSource

    return DemoSource(int(text.partition(":")[2] or 1), settings)


def _of_pipeline(text: str) -> List[str]:
    """Return what may be a file of all that a pipeline's elements are given, such as ``location=clip.avi``."""
    try:
        words = shlex.split(text.partition(":")[2])
    except ValueError:  # a quote without its other half
        return []
    values = [word.partition("=")[2].strip("\"'") or word for word in words]
    return [unquote(value[len("file://") :]) if value.startswith("file://") else value for value in values]


KINDS: Tuple[SourceKind, ...] = (
    SourceKind(
        "camera",
        ("0", "/dev/video0", "/dev/v4l/by-id/..."),
        True,
        "OpenCV, by V4L2",
        _like(re.compile(r"[0-9]{1,9}|/dev/(?!stdin$|fd/).*", re.DOTALL)),
        _camera,
        sized=True,
    ),
    SourceKind("csi", ("csi:0",), True, "GStreamer", lambda text: text.partition(":")[0] == "csi", _csi, sized=True),
    SourceKind(
        "gstreamer",
        ("gst:PIPELINE",),
        True,
        "GStreamer",
        lambda text: text.partition(":")[0] == "gst",
        _gstreamer,
        _of_pipeline,
        sized=True,
    ),
    SourceKind(
        "rtsp",
        ("rtsp://...",),
        True,
        "PyAV",
        lambda text: _scheme(text) in ("rtsp", "rtsps"),
        _rtsp,
        default_reader="OpenCV",
    ),
    SourceKind(
        "stream",
        ("rtmp://...", "udp://...", "http://.../live.m3u8"),
        True,
        "PyAV",
        is_stream,
        _stream,
        default_reader="nothing",
    ),
    SourceKind(
        "http", ("http://...",), True, "fer-edge itself", lambda text: _scheme(text) in ("http", "https"), _http
    ),
    SourceKind(
        "video", ("a video file",), False, "PyAV", None, _video, lambda text: [path_of(text)], default_reader="OpenCV"
    ),
    SourceKind("pipe", ("- for the standard input", "a pipe"), False, "PyAV", is_pipe, _pipe, default_reader="OpenCV"),
    SourceKind(
        "images",
        ("a picture", "a folder or pattern of pictures"),
        False,
        "OpenCV, pillow-heif",
        lambda text: not _scheme(text) and is_image_place(text),
        _images,
        lambda text: image_files(path_of(text)),
        pictures=True,
    ),
    SourceKind(
        "demo",
        ("demo", "demo:1 to demo:8"),
        True,
        "fer-edge itself",
        _like(re.compile(r"demo(?::[0-9]{1,9})?")),
        _demo,
        sized=True,
    ),
)
"""In the order in which people are told of them."""

_EACH = [form for kind in KINDS for form in kind.forms]

FORMS = f"{', '.join(_EACH[:-1])}, or {_EACH[-1]}"
"""What `fer_edge.capture.open_source` takes, for help texts and messages."""
