"""Analysing recordings: many files on all cores, or on a cluster."""

from __future__ import annotations

from fer_edge.recordings.jobs import Asked, JoinJob, JoinResult, PartJob, PartResult, Span, Survey, SurveyJob
from fer_edge.recordings.pool import Done, Failed, FakePool, Lost, Pool, Progress
from fer_edge.recordings.recording import Recording

__all__ = [
    "Asked",
    "Done",
    "Failed",
    "FakePool",
    "JoinJob",
    "JoinResult",
    "Lost",
    "PartJob",
    "PartResult",
    "Pool",
    "Progress",
    "Recording",
    "Span",
    "Survey",
    "SurveyJob",
]
