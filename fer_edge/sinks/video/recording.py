"""From settings to a recording, in one file or in pieces."""

from __future__ import annotations

from fer_edge.sinks.base import Sink
from fer_edge.sinks.request import SinkRequest
from fer_edge.sinks.video.pieces import PiecedVideoSink
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.ui.overlay import Overlay


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--record`` asks for."""
    options, overlay = request.options, Overlay(bars=request.options.bars)

    def video(path: str, append: bool = False) -> VideoSink:
        return VideoSink(path, overlay=overlay, stop=request.stop, append=append, before_opening=request.before_opening)

    if options.record_minutes is None and options.record_keep is None:
        return video(request.place, options.append or request.again)
    return PiecedVideoSink(request.place, video, options.record_minutes, options.record_keep)
