"""Faults of a history's file and of its disk, in the real program."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, List

from fault_disk import SmallDisk, needs_mount
from programs import eventually

from fer_edge.sinks.history.reading import HistoryReader
from fer_edge.types import StateChange

SHORT = ("--track-memory", "0.2")
"""A face that goes is forgotten soon, so that there are many states."""


def states(path: Path) -> List[StateChange]:
    with HistoryReader(str(path)) as reader:
        assert reader.faults() == []
        return list(reader.states())


def come_and_go(camera: Any, program: Any, until: Callable[[], object]) -> None:
    """Let a face come and go, which is written down each time, until something is so."""
    while not until():
        for mode in ("black", "play"):
            camera.mode = mode
            program.more_lines(8)


@needs_mount
def test_a_full_disk_stops_neither_the_analysis_nor_for_ever_the_history(bench: Any) -> None:
    camera = bench.camera()
    disk = SmallDisk(bench.folder)
    program = bench.program("--camera", camera.url, "--history", "disk/week.db", *SHORT, prefix=disk.prefix)
    program.more_lines(10)
    place = disk.hold(program, bench.at_the_end)
    come_and_go(camera, program, (place / "week.db-wal").exists)
    injected, _ = program.mark()
    disk.fill(program)
    come_and_go(camera, program, lambda: "sink_lost" in program.events())
    noticed, line = program.event("sink_lost")
    assert "no space is left" in line["reason"]
    program.reason("does not work")
    removed = time.monotonic()
    disk.free(program)
    come_and_go(camera, program, lambda: "sink_back" in program.events())
    recovered, _ = program.event("sink_back")
    summary = program.end()
    # Read at another place: its log belongs beside it, and the disk goes with the program.
    shutil.copytree(place, bench.folder / "copy")
    kept = states(bench.folder / "copy" / "week.db")
    assert len(kept) >= 4
    bench.report.add(
        "the disk is full, for a history",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"the analysis goes on; the file is whole, with {len(kept)} states from before, while and after",
    )


def test_a_history_that_another_program_locks_for_seconds_loses_nothing(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--history", "week.db", *SHORT)
    path = bench.folder / "week.db"
    come_and_go(camera, program, path.exists)
    with closing(sqlite3.connect(str(path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = time.monotonic() + 4
        come_and_go(camera, program, lambda: time.monotonic() > end)
        other.execute("ROLLBACK")
    removed, before = time.monotonic(), len(states(path))
    camera.mode = "black"
    eventually(lambda: len(states(path)) > before + 1, "what waited")
    recovered = time.monotonic()
    summary = program.end()
    assert not {"sink_lost", "results_left_out"} & set(program.events())
    assert sum(change.frames for change in states(path)) == sum(bool(line["faces"]) for line in program.lines())
    bench.report.add(
        "the history is locked by another program for 4 s",
        None,
        recovered - removed,
        summary["dropped"],
        "states and minutes wait in memory; none is missing",
    )


def test_a_run_that_is_killed_leaves_a_whole_history_and_the_next_one_goes_on_with_it(bench: Any) -> None:
    camera = bench.camera()
    path = bench.folder / "week.db"
    for wanted in (3, 6):
        camera.mode = "play"
        program = bench.program("--camera", camera.url, "--history", "week.db", *SHORT, "--append", "true")
        come_and_go(camera, program, lambda most=wanted: path.exists() and len(states(path)) >= most)  # type: ignore[misc]
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait(20)
    kept = states(path)
    with HistoryReader(str(path)) as reader:
        assert len(reader.runs()) == 2
    bench.report.add(
        "kill -9 while a history is written, twice",
        None,
        None,
        None,
        f"the file is whole, with {len(kept)} states; the second run went on with it",
    )
