"""Where frames come from. To import it is cheap: a source's own libraries come when it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_edge.capture.registry import FORMS, KINDS, SourceKind, kind_of, source_files
from fer_edge.capture.settings import CaptureSettings
from fer_edge.system.lazy_names import lazy_names

if TYPE_CHECKING:
    from fer_edge.capture.base import Source, SourceInfo
    from fer_edge.capture.fake import FakeSource
    from fer_edge.capture.open import open_source

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
    "source_files",
]

__getattr__ = lazy_names(
    __name__, {"FakeSource": "fake", "Source": "base", "SourceInfo": "base", "open_source": "open"}
)
