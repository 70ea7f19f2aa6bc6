"""Who is who over time, what each face shows steadily, and when that changes. No identity is computed."""

from fer_edge.track.base import Tracker, moment_of
from fer_edge.track.fake import FakeTracker

__all__ = ["FakeTracker", "Tracker", "moment_of"]
