"""From settings to a recording, in one file or in pieces."""

from __future__ import annotations

from fer_edge.sinks.base import Sink
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.pieces import PiecedSink
from fer_edge.sinks.recognise import check_recording
from fer_edge.sinks.request import SinkRequest
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.ui.overlay import Overlay


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--record`` asks for."""
    options, overlay = request.options, Overlay(bars=request.options.bars)

    def video(path: str, append: bool = False) -> VideoSink:
        return VideoSink(path, overlay=overlay, stop=request.stop, append=append, before_opening=request.before_opening)

    name = DatedName(request.place)
    if not name.in_pieces(options.segment, options.keep):
        return video(name.plain, options.append or request.again)
    return PiecedSink(name, video, check_recording, seconds=options.segment, keep=options.keep)
