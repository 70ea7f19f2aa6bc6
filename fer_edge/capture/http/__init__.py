"""MJPEG over HTTP."""

from __future__ import annotations

from fer_edge.capture.http.source import HttpSource

__all__ = ["HttpSource"]
