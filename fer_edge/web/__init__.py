"""The HTTP side: health and metrics."""

from __future__ import annotations

from fer_edge.web.endpoint import Endpoint
from fer_edge.web.late_endpoint import LateEndpoint

__all__ = ["Endpoint", "LateEndpoint"]
