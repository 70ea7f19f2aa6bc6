"""Reads what an analysis left in its folders, for its pages."""

from __future__ import annotations

import csv
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import OutputError
from fer_edge.recordings.failures import COLUMNS as COLUMNS_OF_FAILURES
from fer_edge.recordings.failures import FAILURES, Failure
from fer_edge.recordings.recording import PICTURES
from fer_edge.recordings.rows import FRAMES_TABLE, STATES_TABLE
from fer_edge.recordings.summary import SUMMARIES, SUMMARY, seconds_column
from fer_edge.sinks.table_files import TABLES
from fer_edge.system.libraries import import_library
from fer_edge.system.masking import shown
from fer_edge.types import LABELS

PAGE, INDEX = "report.html", "index.html"

OF_FRAMES = ("time", "frame", "file", "track", "label", "steady_label", "valence")
OF_STATES = ("track", "label", "start", "end", "confidence")

_BATCH = 8192
"""Rows that are held at once: the memory is the same for a clip and for a day."""

_WHICH = {label: number for number, label in enumerate(LABELS)}


@dataclass(frozen=True)
class Summary:
    """The summary of a recording, read for its page; None is what is not known.

    Attributes
    ----------
    name, path : str
        As the run tells them.
    duration, fps : float or None
        Seconds, of pictures None; frames a second.
    frames, analysed, with_faces, faces : int
        How many frames it has, how many of them were analysed, and had faces; faces in all of them.
    people : int or None
        Who were followed; None where nobody was to be.
    seconds : mapping of str to float
        For how long each of `LABELS` was shown, all people added up.
    valence, times_real_time : float or None
        Its mean; how much faster than a player the analysis was.
    problems : tuple of str
        What was wrong with it, for people.
    record : mapping
        All that the file says.
    """

    name: str
    path: str
    duration: Optional[float]
    fps: Optional[float]
    frames: int
    analysed: int
    with_faces: int
    faces: int
    people: Optional[int]
    seconds: Mapping[str, float]
    valence: Optional[float]
    times_real_time: Optional[float]
    problems: Tuple[str, ...]
    record: Mapping[str, Any]

    @property
    def pictures(self) -> bool:
        """Whether it is a folder of pictures, and no video."""
        return self.record.get("kind") == PICTURES

    @property
    def shares(self) -> Dict[str, float]:
        """Of each expression, of the time in which people were seen; zeros where nobody was."""
        total = sum(self.seconds.values())
        return {label: self.seconds[label] / total if total > 0 else 0.0 for label in LABELS}


@dataclass(frozen=True)
class Batch:
    """Some rows of frames, one for each face, or one for a frame without any.

    Attributes
    ----------
    time : array of float
        Seconds in the recording; NaN where nobody knows.
    frame : array of int
        Index in the recording.
    label : array of int
        What the face shows steadily, or in this frame where faces are not followed, as an index of `LABELS`; -1 without a face.
    track : array of int
        The person's number; -1 where faces are not followed.
    valence : array of float
        NaN without a face.
    file : list of str
        Of pictures; empty texts for a video.
    """

    time: NDArray[np.float64]
    frame: NDArray[np.int64]
    label: NDArray[np.int64]
    track: NDArray[np.int64]
    valence: NDArray[np.float64]
    file: List[str]

    def __len__(self) -> int:
        return len(self.frame)

    def part(self, first: int, last: Optional[int] = None) -> Batch:
        """Return the rows from `first` up to `last`."""
        cut = slice(first, last)
        return Batch(*(getattr(self, name)[cut] for name in self.__dataclass_fields__))

    def then(self, more: Batch) -> Batch:
        """Return both, one behind the other."""
        return Batch(
            np.concatenate([self.time, more.time]),
            np.concatenate([self.frame, more.frame]),
            np.concatenate([self.label, more.label]),
            np.concatenate([self.track, more.track]),
            np.concatenate([self.valence, more.valence]),
            self.file + more.file,
        )


@dataclass(frozen=True)
class State:
    """What a person showed from when to when, in seconds."""

    track: int
    label: str
    start: float
    end: float
    confidence: Optional[float]

    @property
    def duration(self) -> float:
        """How long, in seconds."""
        return max(0.0, self.end - self.start)


def read_summary(folder: Path) -> Summary:
    """Read the summary of one recording. Raises OutputError where there is none, or something else."""
    path = folder / SUMMARY
    with _told(path):
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or not isinstance(record.get("name"), str):
            raise ValueError("it is no summary of a recording")
        return _summary(record, record.get("seconds") or {}, record.get("problems") or ())


def read_summaries(out: Path) -> List[Summary]:
    """Read the summaries of all recordings, in the order of the file. Raises OutputError."""
    path = out / SUMMARIES
    found = []
    with _told(path):
        for row in _csv_records(path, ("name",)):
            seconds = {label: row.get(seconds_column(label)) for label in LABELS}
            found.append(_summary(row, seconds, [row["problems"]] if row.get("problems") else []))
    return found


def read_failures(out: Path) -> List[Failure]:
    """Read which recordings failed; none where there is no such file. Raises OutputError."""
    path = out / FAILURES
    if not path.exists():
        return []
    with _told(path):
        return [
            Failure(*(row.get(column.name) or "" for column in COLUMNS_OF_FAILURES))
            for row in _csv_records(path, ("name",))
        ]


def read_states(folder: Path) -> List[State]:
    """Read the states of all people, as they are in the file. Raises OutputError."""
    path = _table(folder, STATES_TABLE)
    with _told(path):
        return [
            State(int(float(track)), str(label), float(start), float(end), _number(confidence))
            for columns in _columns(path, OF_STATES)
            for track, label, start, end, confidence in zip(*columns)
            if label in _WHICH
        ]


def read_frames(folder: Path) -> Iterator[Batch]:
    """Read all frames, a few thousand rows at a time. Raises OutputError."""
    path = _table(folder, FRAMES_TABLE)
    with _told(path):
        for time, frame, file, track, label, steady, valence in _columns(path, OF_FRAMES):
            yield Batch(
                time=_floats(time),
                frame=np.array([int(float(one)) for one in frame], np.int64),
                label=np.array([_WHICH.get(one or other, -1) for one, other in zip(steady, label)], np.int64),
                track=np.nan_to_num(_floats(track), nan=-1).astype(np.int64),
                valence=_floats(valence),
                file=["" if one is None else str(one) for one in file],
            )


def _table(folder: Path, name: str) -> Path:
    places = [folder / f"{name}.{form}" for form in TABLES]
    return next((place for place in places if place.exists()), places[0])


def _columns(path: Path, wanted: Sequence[str]) -> Iterator[List[Sequence[Any]]]:
    """Give the wanted columns of a table, some thousand rows at a time."""
    if path.suffix == ".parquet":
        library = import_library("pyarrow.parquet", "parquet", "Reading a Parquet table")
        with library.ParquetFile(path) as file:
            _refuse_without(wanted, file.schema_arrow.names)
            for batch in file.iter_batches(_BATCH, columns=list(wanted)):
                yield [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in wanted]
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        reader = csv.reader(lines)
        head = next(reader, [])
        _refuse_without(wanted, head)
        places = [head.index(name) for name in wanted]
        rows: List[List[str]] = []
        for row in reader:
            rows.append([row[place] for place in places])
            if len(rows) == _BATCH:
                yield list(zip(*rows))
                rows = []
        if rows:
            yield list(zip(*rows))


def _csv_records(path: Path, needed: Sequence[str]) -> Iterator[Dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        reader = csv.DictReader(lines)
        _refuse_without(needed, reader.fieldnames or ())
        yield from reader


def _refuse_without(wanted: Sequence[str], there: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ValueError(f"it has no column '{missing[0]}'")


def _summary(record: Mapping[str, Any], seconds: Mapping[str, Any], problems: Sequence[Any]) -> Summary:
    people = _number(record.get("people"))
    return Summary(
        name=str(record["name"]),
        path=str(record.get("path") or ""),
        duration=_number(record.get("duration_s")) or None,
        fps=_number(record.get("fps")) or None,
        frames=int(_number(record.get("frames")) or 0),
        analysed=int(_number(record.get("frames_analysed")) or 0),
        with_faces=int(_number(record.get("frames_with_faces")) or 0),
        faces=int(_number(record.get("faces")) or 0),
        people=None if people is None else int(people),
        seconds={label: _number(seconds.get(label)) or 0.0 for label in LABELS},
        valence=_number(record.get("valence")),
        times_real_time=_number(record.get("times_real_time")),
        problems=tuple(str(problem) for problem in problems),
        record=record,
    )


def _number(value: Any) -> Optional[float]:
    if value is None or value == "":
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None or value == "" else float(value) for value in values], np.float64)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, IndexError, TypeError, AttributeError, OverflowError, RecursionError, csv.Error) as error:
        reason = str(error) or "it is damaged"
    else:
        return
    raise OutputError(f"No page can be made of '{shown(path)}': {reason}.", "Analyse that recording again.")
