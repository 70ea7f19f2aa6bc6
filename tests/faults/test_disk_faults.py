from __future__ import annotations

import shutil
import time
from typing import Any

from fault_disk import SmallDisk, needs_mount
from programs import check_numbers, eventually, pictures


@needs_mount
def test_a_full_disk_stops_neither_the_analysis_nor_for_ever_the_files_on_it(bench: Any) -> None:
    camera = bench.camera()
    disk = SmallDisk(bench.folder)
    program = bench.program(
        "--camera", camera.url, "--record", "disk/out.mp4", results="disk/out.jsonl", prefix=disk.prefix
    )
    program.results = disk.seen_from(program) / "out.jsonl"
    program.more_lines(30)
    place = disk.hold(program, bench.at_the_end)
    program.results = place / "out.jsonl"
    eventually(lambda: (place / "out.mp4").exists() and (place / "out.mp4").stat().st_size > 10_000, "a recording")
    injected, before = program.mark()
    disk.fill(program)
    noticed, _ = program.event("sink_lost", since=injected, sink=f"the results file '{program.folder}/disk/out.jsonl'")
    program.event("sink_lost", since=injected, sink="the recording 'disk/out.mp4'")
    program.reason("does not work")
    program.more_frames(30)
    assert program.health()["status"] == "degraded"
    time.sleep(3.0)
    assert sorted(path.name for path in place.iterdir()) == ["filler", "out.jsonl", "out.mp4"]
    removed = time.monotonic()
    disk.free(program)
    recovered = program.more_lines(10)
    program.event("sink_back", since=removed, sink=f"the results file '{program.folder}/disk/out.jsonl'")
    program.event("sink_back", since=removed, sink="the recording 'disk/out.mp4'")
    lost = program.lost(before)
    assert [program.events().count(event) for event in ("sink_lost", "sink_back")] == [2, 2]
    summary = program.end()
    assert summary["emitted"] > 60
    check_numbers(program.lines())
    assert pictures(place / "out.mp4") > 15
    assert pictures(place / "out-2.mp4") > 0
    bench.report.add(
        "the disk is full, for results and recording",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"the analysis goes on; {lost} lines are missing; the old recording plays, the new one is out-2.mp4",
    )


def test_a_results_file_that_is_removed_with_its_folder_is_begun_anew_once_there_is_a_folder(bench: Any) -> None:
    camera = bench.camera()
    folder = bench.folder / "results"
    folder.mkdir()
    program = bench.program("--camera", camera.url, "--record", "results/out.mp4", results="results/out.jsonl")
    program.more_lines(30)
    injected, before = program.mark()
    shutil.rmtree(folder)
    noticed, _ = program.event("sink_lost", since=injected)
    program.reason("does not work")
    removed = time.monotonic()
    folder.mkdir()
    recovered = program.more_lines(10)
    program.event("sink_back", since=removed)
    eventually((folder / "out.mp4").exists, "a new recording")
    program.event("sink_back", since=removed, sink="the recording 'results/out.mp4'")
    first = program.lines()[0]["frame"]
    summary = program.end()
    check_numbers(program.lines())
    assert pictures(folder / "out.mp4") > 0
    bench.report.add(
        "the folder of results and recording is removed",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"the analysis goes on; {first - before - 1} lines are missing; both files begin anew",
    )


def test_a_disk_that_is_not_there_at_the_start_of_a_service_is_waited_for(bench: Any) -> None:
    camera = bench.camera()
    folder = bench.folder / "mounted-late"
    service = ("--reconnect", "always", "--append", "true")
    program = bench.program(
        "--camera", camera.url, "--record", f"{folder}/out.mp4", *service, results=f"{folder}/o.jsonl"
    )
    started = time.monotonic()
    noticed, _ = program.event("sink_lost", since=0.0)
    program.more_frames(20)
    program.reason("does not work")
    removed = time.monotonic()
    folder.mkdir()
    recovered = program.more_lines(10)
    program.event("sink_back", since=removed, sink=f"the recording '{folder}/out.mp4'")
    summary = program.end()
    check_numbers(program.lines())
    assert pictures(folder / "out.mp4") > 0
    bench.report.add(
        "the disk for results and recording is not there at the start (--reconnect always)",
        noticed - started,
        recovered - removed,
        summary["dropped"],
        "the analysis goes on; the files begin once there is a folder",
    )
