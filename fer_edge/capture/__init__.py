"""Where frames come from. To import it is cheap: a source's own libraries come when it is built."""

from __future__ import annotations

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.capture.open import open_source
from fer_edge.capture.registry import FORMS, KINDS, SourceKind, kind_of
from fer_edge.capture.settings import CaptureSettings

__all__ = [
    "FORMS",
    "KINDS",
    "CaptureSettings",
    "FakeSource",
    "Source",
    "SourceInfo",
    "SourceKind",
    "kind_of",
    "open_source",
]
