"""What ``/metrics`` says of each camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping

_SERIES = {
    ("fer_edge_frames_captured_total", ""): "captured",
    ("fer_edge_frames_total", "emitted"): "emitted",
    ("fer_edge_frames_total", "dropped"): "dropped",
    ("fer_edge_frames_in_flight", ""): "in_flight",
    ("fer_edge_source_reconnects_total", ""): "reconnects",
}


@dataclass(frozen=True)
class CameraCounts:
    """Frames of a camera, or of all, by what became of them, and how often it came back."""

    captured: int = 0
    emitted: int = 0
    dropped: int = 0
    in_flight: int = 0
    reconnects: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every captured frame is accounted for."""
        return self.captured == self.emitted + self.dropped + self.in_flight


def counts_by_camera(figures: Mapping[str, float]) -> Dict[str, CameraCounts]:
    """Return the counts of each camera.

    Parameters
    ----------
    figures : mapping of str to float
        As `Program.figures` gives them: a series' name, its camera and its other label, with blanks between.
    """
    found: Dict[str, Dict[str, int]] = {}
    for series, value in figures.items():
        name, camera, outcome = (*series.split(" "), "", "")[:3]
        field = _SERIES.get((name, outcome))
        if field is not None:
            found.setdefault(camera, {})[field] = int(value)
    return {camera: CameraCounts(**counts) for camera, counts in found.items()}


def all_together(cameras: Mapping[str, CameraCounts]) -> CameraCounts:
    """Return the sums over all cameras."""
    columns = {field: sum(getattr(one, field) for one in cameras.values()) for field in _SERIES.values()}
    return CameraCounts(**columns)


def frames_analysed(figures: Mapping[str, float]) -> int:
    """Return the number of frames that went through the whole chain, of all cameras."""
    return all_together(counts_by_camera(figures)).emitted
