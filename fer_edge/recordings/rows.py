"""The tables of a recording: which columns they have, and how what was seen becomes rows."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Tuple

from fer_edge.sinks.jsonl import told
from fer_edge.sinks.lines import number
from fer_edge.sinks.table_files import FLAG, REAL, TEXT, WHOLE, Column
from fer_edge.types import LABELS, Observation, ObservedFace, StateChange

FRAMES_TABLE, STATES_TABLE = "frames", "states"
"""Names of the tables; with the form as an ending those of their files."""

POINTS = ("right_eye", "left_eye", "nose", "mouth", "right_mouth", "left_mouth", "right_ear", "left_ear")
"""Landmarks; a detector gives some of them."""

FRAMES: Tuple[Column, ...] = (
    Column("time", REAL),
    Column("frame", WHOLE),
    Column("file", TEXT),
    Column("face", WHOLE),
    Column("track", WHOLE),
    *(Column(name, REAL) for name in ("x", "y", "width", "height", "score")),
    *(Column(f"{point}_{axis}", REAL) for point in POINTS for axis in "xy"),
    Column("label", TEXT),
    Column("confidence", REAL),
    Column("uncertain", FLAG),
    *(Column(label, REAL) for label in LABELS),
    Column("steady_label", TEXT),
    Column("steady_confidence", REAL),
    *(Column(f"smooth_{label}", REAL) for label in LABELS),
    Column("valence", REAL),
)
"""One row for each frame and face; a frame without a face has one row, whose columns from `face` on are empty."""

STATES: Tuple[Column, ...] = (
    Column("track", WHOLE),
    Column("label", TEXT),
    Column("start", REAL),
    Column("end", REAL),
    Column("duration", REAL),
    Column("confidence", REAL),
)
"""One row for each time that somebody showed something; in seconds of the recording, in the order in which they ended."""


def frame_rows(observation: Observation) -> Iterator[Dict[str, Any]]:
    """Yield the rows of a frame: seconds with three decimals, pixels with one, other figures with four, as in JSON Lines."""
    frame = observation.frame
    head = {
        "time": None if frame.media_time is None else number(frame.media_time, 3),
        "frame": frame.index,
        "file": told(frame.file) if frame.file else None,
    }
    if not observation.faces:
        yield head
    for index, observed in enumerate(observation.faces):
        yield {**head, "face": index, **face_cells(observed)}


def face_cells(observed: ObservedFace) -> Dict[str, Any]:
    """Return the cells of a face."""
    face, expression, track = observed.face, observed.expression, observed.track
    cells: Dict[str, Any] = {
        "track": None if track is None else track.id,
        **{name: number(value, 1) for name, value in zip(("x", "y", "width", "height"), face.box)},
        "score": number(face.score, 4),
    }
    for name, (x, y) in face.landmarks.items():
        cells[f"{name}_x"], cells[f"{name}_y"] = number(x, 1), number(y, 1)
    cells.update(label=expression.label, confidence=number(expression.confidence, 4))
    cells["uncertain"] = bool(expression.uncertain)
    cells.update((label, number(value, 4)) for label, value in zip(LABELS, expression.probabilities))
    if track is not None:
        steady = track.expression
        cells.update(steady_label=steady.label, steady_confidence=number(steady.confidence, 4))
        cells.update((f"smooth_{label}", number(value, 4)) for label, value in zip(LABELS, steady.probabilities))
    cells["valence"] = number(observed.steady.valence, 4)
    return cells


def state_row(change: StateChange) -> Mapping[str, Any]:
    """Return the row of a state that is over."""
    return {
        "track": change.track,
        "label": change.label,
        "start": number(change.media_start or 0.0, 3),
        "end": number(change.media_end or 0.0, 3),
        "duration": number(change.duration, 3),
        "confidence": number(change.confidence, 4),
    }
