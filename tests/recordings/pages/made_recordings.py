"""Results of analyses that a test thinks up, in the form in which ``fer-edge analyse`` leaves them."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from fer_edge.sinks.event_lines import as_cell
from fer_edge.sinks.jsonl import told
from fer_edge.types import LABELS

POINTS = ("right_eye", "left_eye", "nose", "mouth")
FRAME_COLUMNS = (
    *("time", "frame", "file", "face", "track", "x", "y", "width", "height", "score"),
    *(f"{point}_{axis}" for point in POINTS for axis in "xy"),
    *("label", "confidence", "uncertain", *LABELS),
    *("steady_label", "steady_confidence", *(f"smooth_{label}" for label in LABELS), "valence"),
)
STATE_COLUMNS = ("track", "label", "start", "end", "duration", "confidence")
VALENCES = {"happy": 0.9, "angry": -0.7, "disgust": -0.6, "fear": -0.5, "sad": -0.8, "neutral": 0.0, "surprise": 0.1}

Part = Tuple[int, str, float, float]
"""A track, what it shows, from when, until when."""


@dataclass(frozen=True)
class Made:
    """What `write_recording` wrote."""

    folder: Path
    record: Dict[str, Any]


def write_recording(
    out: Path,
    name: str,
    parts: Sequence[Part],
    duration: Optional[float],
    fps: float = 10.0,
    files: Sequence[str] = (),
    form: str = "csv",
    **more: Any,
) -> Made:
    """Write a recording in which people show what `parts` say; of pictures, each lasts a second of them.

    `followed` False leaves the tracks out; any other keyword goes into the summary.
    """
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    followed = more.pop("followed", not files)
    count = len(files) or round((duration or more.get("lasts", 0)) * fps)
    rows, faces, with_faces = [], 0, 0
    seconds = dict.fromkeys(LABELS, 0.0)
    for frame in range(count):
        time = float(frame) if files else frame / fps
        seen = [(track, label) for track, label, start, end in parts if start <= time < end]
        common = {"time": "" if files else f"{time:.3f}", "frame": frame, "file": files[frame] if files else ""}
        rows += [
            _face(common, number, track if followed else None, label) for number, (track, label) in enumerate(seen)
        ]
        if not seen:
            rows.append(common)
        for _, label in seen if followed else ():  # seconds are those of states
            seconds[label] += 1 / fps
        faces += len(seen)
        with_faces += bool(seen)
    states = [
        {"track": track, "label": label, "start": start, "end": end, "duration": end - start, "confidence": 0.8}
        for track, label, start, end in parts
        if followed
    ]
    _write(folder / f"frames.{form}", FRAME_COLUMNS, rows)
    _write(folder / f"states.{form}", STATE_COLUMNS, states)
    total = sum(seconds.values())
    record = {
        "version": 2,
        "name": told(name),
        "path": f"/recordings/{told(name)}",
        "kind": "pictures" if files else "video",
        "sha256": "0" * 64,
        "model": "fernet_r",
        "model_sha256": "1" * 64,
        "settings": {"detector": "blazeface", "every": 1, "tracks": "on" if followed else "off"},
        "fer_edge": "0.1.0",
        "duration_s": duration,
        "fps": None if files else fps,
        "width": 1280,
        "height": 720,
        "frames": count,
        "frames_analysed": count,
        "frames_with_faces": with_faces,
        "faces": faces,
        "people": len({track for track, *_ in parts}) if followed else None,
        "seconds": seconds if followed else None,
        "valence": sum(VALENCES[label] * seconds[label] for label in LABELS) / total if total else None,
        "analysed_in_s": 4.0,
        "times_real_time": None if files else (duration or 0) / 4.0,
        "problems": [],
        **more,
    }
    (folder / "summary.json").write_text(json.dumps(record), encoding="utf-8")
    return Made(folder, record)


def write_tables(out: Path, made: Sequence[Made], failures: Sequence[Sequence[str]] = ()) -> None:
    """Write ``summary.csv`` and ``failures.csv`` of some recordings."""
    flat = []
    for one in made:
        record = {key: value for key, value in one.record.items() if key not in ("seconds", "settings")}
        record.update({f"{label}_s": (one.record["seconds"] or {}).get(label, "") for label in LABELS})
        flat.append({**record, "problems": "; ".join(one.record["problems"])})
    _write_csv(out / "summary.csv", list(flat[0]) if flat else ["name"], flat)
    if failures:
        columns = ("name", "path", "error", "reason", "hint", "results")
        _write_csv(out / "failures.csv", columns, [dict(zip(columns, row)) for row in failures])


def _face(common: Dict[str, Any], number: int, track: Optional[int], label: str) -> Dict[str, Any]:
    spread = {one: 0.76 if one == label else 0.04 for one in LABELS}
    return {
        **common,
        "face": number,
        "track": "" if track is None else track,
        **{"x": 10.0 + 120 * number, "y": 20.0, "width": 100.0, "height": 110.0, "score": 0.9},
        **{f"{point}_{axis}": 50.0 for point in POINTS for axis in "xy"},
        **{"label": label, "confidence": 0.76, "uncertain": "false", **spread},
        "steady_label": "" if track is None else label,
        "steady_confidence": "" if track is None else 0.8,
        **({} if track is None else {f"smooth_{one}": value for one, value in spread.items()}),
        "valence": VALENCES[label],
    }


def _write(path: Path, columns: Sequence[str], rows: List[Dict[str, Any]]) -> None:
    if path.suffix == ".csv":
        _write_csv(path, columns, rows)
        return
    import pyarrow
    import pyarrow.parquet

    told = {name: [None if row.get(name) == "" else row.get(name) for row in rows] for name in columns}
    told["time"] = [None if one is None else float(one) for one in told["time"]] if "time" in told else []
    pyarrow.parquet.write_table(pyarrow.table({name: told[name] for name in columns}), path)


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([as_cell(row, column) for column in columns] for row in rows)
