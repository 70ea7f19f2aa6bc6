"""Where expressions are read: the seam, its fake, and what implements it, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_edge.classify.registry import BACKENDS, BackendEntry
from fer_edge.system.lazy_names import lazy_names

if TYPE_CHECKING:
    from fer_edge.classify.backend_choice import open_classifier
    from fer_edge.classify.base import ExpressionClassifier
    from fer_edge.classify.fake import FakeClassifier

__all__ = ["BACKENDS", "BackendEntry", "ExpressionClassifier", "FakeClassifier", "open_classifier"]

__getattr__ = lazy_names(
    __name__,
    {"ExpressionClassifier": "base", "FakeClassifier": "fake", "open_classifier": "backend_choice"},
)
