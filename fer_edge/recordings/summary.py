"""What a recording comes to: the figures of its summary, and how one that is finished is known."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from fer_edge.recordings.jobs import Asked, Identity, PartResult
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.sinks.jsonl import told
from fer_edge.sinks.lines import number
from fer_edge.sinks.table_files import REAL, TEXT, WHOLE, Column
from fer_edge.system.atomic_file import replacing
from fer_edge.system.new_file import PRIVATE
from fer_edge.system.regular_file import open_regular
from fer_edge.types import LABELS, Observation, StateChange
from fer_edge.version import __version__

VERSION = 2
"""Of the results: another one where their form changes, or what is found in a recording. Those of another are made anew."""

SUMMARY = "summary.json"
"""Of one recording; written last, so that it is the mark of results that are whole."""

SUMMARIES = "summary.csv"
"""Of all: a row for each recording."""

_LARGEST = 1 << 20
_MOST = 1 << 53
_COUNTS = ("frames", "frames_analysed", "frames_with_faces", "faces")
_NOT_SETTINGS = frozenset(("model", "model_sha256", "rest", "version", "computes"))
"""Names of files, whose sums count, and what changes nothing in the results."""


class Figures:
    """Counts what was seen in a recording, frame by frame."""

    def __init__(self) -> None:
        self.analysed = self.with_faces = self.faces = 0
        self.seconds: Dict[str, float] = dict.fromkeys(LABELS, 0.0)
        self._people: Set[int] = set()
        self._valence = 0.0

    def add(self, observation: Observation) -> None:
        """Count a frame."""
        self.analysed += 1
        self.with_faces += bool(observation.faces)
        self.faces += len(observation.faces)
        for observed in observation.faces:
            self._valence += observed.steady.valence
            if observed.track is not None:
                self._people.add(observed.track.id)

    def end(self, change: StateChange) -> None:
        """Count a state that is over."""
        self.seconds[change.label] += change.duration

    @property
    def people(self) -> int:
        """How many people there were: faces that were followed."""
        return len(self._people)

    @property
    def valence(self) -> Optional[float]:
        """The mean over all faces; None where there was none."""
        return self._valence / self.faces if self.faces else None


def summary_of(
    recording: Recording,
    asked: Asked,
    identity: Identity,
    parts: Sequence[PartResult],
    figures: Figures,
    files: Mapping[str, int],
) -> Dict[str, Any]:
    """Return the summary of a recording, as JSON holds it.

    Parameters
    ----------
    files : mapping of str to int
        Names and sizes of its tables.
    """
    frames = sum(part.frames for part in parts)
    first, work = parts[0], sum(part.work_seconds for part in parts)
    fps = next((part.fps for part in parts if part.fps > 0), 0.0)
    last = parts[-1].last
    duration = last + 1 / fps if fps > 0 and frames else last
    pictures = recording.kind == PICTURES
    followed = asked.tracks and not pictures  # a zero would say that there was nobody
    problems: List[str] = list(dict.fromkeys(problem for part in parts for problem in part.problems))
    return {
        "version": VERSION,
        "name": told(recording.name),
        "path": told(recording.path),
        "kind": recording.kind,
        "sha256": identity.sha256,
        "model": first.network.get("name", ""),
        "model_sha256": asked.model_sha256,
        "provider": first.network.get("provider", ""),
        "precision": first.network.get("precision", ""),
        "settings": settings_of(asked),
        "fer_edge": __version__,
        "duration_s": None if pictures else number(duration, 3),
        "fps": None if pictures else number(fps, 3),
        "width": next((part.width for part in parts if part.width), 0),
        "height": next((part.height for part in parts if part.height), 0),
        "frames": frames,
        "frames_analysed": figures.analysed,
        "frames_with_faces": figures.with_faces,
        "faces": figures.faces,
        "people": figures.people if followed else None,
        "seconds": {label: number(seconds, 3) for label, seconds in figures.seconds.items()} if followed else None,
        "valence": None if figures.valence is None else number(figures.valence, 4),
        "analysed_in_s": number(work, 2),
        "times_real_time": number(duration / work, 2) if work > 0 and duration > 0 else None,
        "whole": not any(part.truncated for part in parts),
        "problems": problems,
        "files": dict(files),
    }


def settings_of(asked: Asked) -> Dict[str, Any]:
    """Return the settings that decide on what is in the results."""
    return {name: value for name, value in asdict(asked).items() if name not in _NOT_SETTINGS}


def finished(folder: str, identity: Identity, asked: Asked) -> Optional[Mapping[str, Any]]:
    """Return the summary of results that are there, whole, and of the same content, network and settings; else None."""
    summary = read_summary(folder)
    if summary is None or summary.get("version") != VERSION or summary.get("sha256") != identity.sha256:
        return None
    if summary.get("model_sha256") != asked.model_sha256 or summary.get("settings") != settings_of(asked):
        return None
    files = summary.get("files")
    if not isinstance(files, dict) or set(files) != {f"{name}.{asked.form}" for name in ("frames", "states")}:
        return None
    if not _is_sound(summary):
        return None
    return summary if all(_has_size(os.path.join(folder, name), size) for name, size in files.items()) else None


def read_summary(folder: str) -> Optional[Mapping[str, Any]]:
    """Return the summary in a folder; None where there is none that can be read."""
    try:
        with open_regular(os.path.join(folder, SUMMARY)) as file:
            content: Any = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _is_sound(summary: Mapping[str, Any]) -> bool:
    """Return whether each figure is one: somebody, or a disk that fails, may have written to the file."""
    seconds, problems = summary.get("seconds"), summary.get("problems")
    figures = [summary.get(column.name) for column in COLUMNS if column.kind == REAL and column.name in summary]
    return (
        all(isinstance(summary.get(name), str) for name in ("name", "path", "kind", "model", "precision"))
        and all(_is_count(summary.get(name)) for name in _COUNTS)
        and ("people" in summary and (summary["people"] is None or _is_count(summary["people"])))
        and "seconds" in summary
        and (seconds is None or _are_seconds(seconds))
        and all(figure is None or _is_number(figure) for figure in figures)
        and isinstance(summary.get("whole"), bool)
        and isinstance(problems, list)
        and all(isinstance(problem, str) for problem in problems)
    )


def _are_seconds(value: object) -> bool:
    return isinstance(value, dict) and set(value) == set(LABELS) and all(map(_is_number, value.values()))


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < _MOST  # type: ignore[arg-type]  # NaN is not


def write_summary(folder: str, summary: Mapping[str, Any]) -> None:
    """Put a summary into a folder, as a whole. Raises OSError."""
    with replacing(os.path.join(folder, SUMMARY), PRIVATE) as draft:
        draft.write(json.dumps(dict(summary), indent=1, ensure_ascii=True).encode("ascii") + b"\n")


def seconds_column(label: str) -> str:
    """Return the column of `SUMMARIES` with the seconds of an expression, which a summary has under ``seconds``."""
    return f"{label}_s"


def _has_size(path: str, size: object) -> bool:
    try:
        return os.path.getsize(path) == size
    except OSError:
        return False


COLUMNS = (
    *(Column(name, TEXT) for name in ("name", "path", "kind", "sha256", "model", "model_sha256", "precision")),
    *(Column(name, REAL) for name in ("duration_s", "fps")),
    *(Column(name, WHOLE) for name in ("width", "height", "frames", "frames_analysed", "frames_with_faces", "faces")),
    Column("people", WHOLE),
    *(Column(seconds_column(label), REAL) for label in LABELS),
    *(Column(name, REAL) for name in ("valence", "analysed_in_s", "times_real_time")),
    *(Column(name, TEXT) for name in ("whole", "problems")),
)
"""Of `SUMMARIES`."""


def summary_row(summary: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a summary as a row."""
    row = {column.name: summary.get(column.name) for column in COLUMNS}
    seconds = summary.get("seconds")
    row.update((seconds_column(label), seconds.get(label)) for label in LABELS if isinstance(seconds, dict))
    problems = summary.get("problems")
    row["problems"] = "; ".join(map(str, problems)) if isinstance(problems, list) else None
    return row
