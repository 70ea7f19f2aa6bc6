"""Where results go: the seam, its fake, and the registry of what there is."""

from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.fake import MemorySink
from fer_edge.sinks.registry import SINKS, SinkKind
from fer_edge.sinks.request import SinkRequest

__all__ = ["SINKS", "MemorySink", "Sink", "SinkKind", "SinkRequest", "StreamInfo"]
