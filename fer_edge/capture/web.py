"""An ``http://`` or ``https://`` address, whatever is behind it: pictures one by one, or a video or playlist."""

from __future__ import annotations

import threading

from fer_edge.capture.base import SourceInfo
from fer_edge.capture.http import HttpSource
from fer_edge.capture.media.names import has_av
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.wrapped import WrappedSource
from fer_edge.errors import MissingExtra, OtherMedia
from fer_edge.system.installation import pip_install

_PLAYED = (
    "video/",
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "application/dash+xml",
    "application/mp4",
)
"""How the types begin that FFmpeg reads; what is sound, text or a page is refused by `HttpSource`."""


class WebSource(WrappedSource):
    """Reads pictures by `HttpSource`, and where the answer is a video or a playlist that by PyAV.

    Parameters
    ----------
    url : str
        As `HttpSource` takes it.
    settings : CaptureSettings
        Time limits, rate and trust.
    """

    def __init__(self, url: str, settings: CaptureSettings = DEFAULTS) -> None:
        super().__init__(HttpSource(url, settings))
        self._url = url
        self._settings = settings
        self._interrupted = threading.Event()
        self.opening_limit = 2 * self._source.opening_limit

    def open(self) -> SourceInfo:
        """Open what the address gives.

        Raises
        ------
        MissingExtra
            It gives a video or a playlist, and PyAV is not installed.
        SourceError
            As the sources do.
        """
        try:
            return super().open()
        except OtherMedia as other:
            if not other.kind.startswith(_PLAYED):
                raise
            if not has_av():
                raise MissingExtra(
                    f"{other.message} Such is read by the Python package 'av', which is not installed.",
                    f"Install it with:  {pip_install('media')}",
                ) from other
        from fer_edge.capture.media.source import MediaSource
        from fer_edge.capture.media.stream_input import StreamInput

        self._source = MediaSource(StreamInput(self._url, self._settings), self._settings)
        if self._interrupted.is_set():
            self._source.interrupt()
        return super().open()

    def interrupt(self) -> None:
        """Make a blocked call return soon."""
        self._interrupted.set()
        super().interrupt()
