"""Classification on a server that speaks the KServe v2 inference protocol, with the local network in reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_edge.system.lazy_names import lazy_names

if TYPE_CHECKING:
    from fer_edge.classify.remote.transport import FakeTransport, Transport

__all__ = ["FakeTransport", "Transport"]

__getattr__ = lazy_names(__name__, {"FakeTransport": "transport", "Transport": "transport"})
