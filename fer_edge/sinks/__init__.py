"""Where results go: the seam, its fake, and the registry of what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_edge.sinks.registry import SINKS, SinkKind
from fer_edge.sinks.request import SinkRequest
from fer_edge.system.lazy_names import lazy_names

if TYPE_CHECKING:
    from fer_edge.sinks.base import Sink, StreamInfo
    from fer_edge.sinks.fake import MemorySink

__all__ = ["SINKS", "MemorySink", "Sink", "SinkKind", "SinkRequest", "StreamInfo"]

__getattr__ = lazy_names(__name__, {"MemorySink": "fake", "Sink": "base", "StreamInfo": "base"})
