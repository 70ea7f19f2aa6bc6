from __future__ import annotations

import json
import shutil
import time
from typing import Any

import pytest
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
    assert pictures(place / "out+2.mp4") > 0
    bench.report.add(
        "the disk is full, for results and recording",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        f"the analysis goes on; {lost} lines are missing; the old recording plays, the new one is out+2.mp4",
    )


@needs_mount
def test_nothing_is_written_below_the_mount_point_of_a_disk_that_was_taken_away(bench: Any) -> None:
    camera = bench.camera()
    disk = SmallDisk(bench.folder)
    program = bench.program(
        "--camera", camera.url, "--record", "disk/out.mp4", results="disk/out.jsonl", prefix=disk.prefix
    )
    results = f"the results file '{program.folder}/disk/out.jsonl'"
    program.results = disk.seen_from(program) / "out.jsonl"
    program.more_lines(30)
    injected = time.monotonic()
    disk.unmount(program)
    noticed, line = program.event("sink_lost", since=injected, sink=results)
    assert "that disk is not mounted" in line["reason"]
    program.event("sink_lost", since=injected, sink="the recording 'disk/out.mp4'")
    program.more_frames(30)
    program.reason("that disk is not mounted")
    assert list(disk.seen_from(program).iterdir()) == []
    removed = time.monotonic()
    disk.mount(program)
    place = disk.hold(program, bench.at_the_end)
    program.results = place / "out.jsonl"
    recovered = program.more_lines(10)
    program.event("sink_back", since=removed, sink=results)
    program.event("sink_back", since=removed, sink="the recording 'disk/out.mp4'")
    summary = program.end()
    check_numbers(program.lines())
    assert pictures(place / "out.mp4") > 0
    bench.report.add(
        "the disk for results and recording is unmounted, and mounted again",
        noticed - injected,
        recovered - removed,
        summary["dropped"],
        "the analysis goes on; nothing is written below the mount point",
    )


def test_a_disk_that_hangs_holds_up_nothing_and_the_exit_code_tells_of_it(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, launched=True)
    program.more_lines(10)
    injected, before = program.mark()
    program.switch("disk-hang")
    program.more_frames(30)
    noticed = program.reason("has been writing for")
    program.switch("disk-hang", False)
    removed = time.monotonic()
    recovered = program.more_lines(5)
    lost = program.lost(before)
    assert lost > 0
    program.switch("disk-hang")
    program.reason("has been writing for")
    seconds = program.stop()
    assert program.process.returncode == 30, program.tail()
    _, line = program.event("ended")
    assert "hangs" in line["message"]
    program.event("sink_given_up")
    check_numbers(program.lines())
    bench.report.add(
        "the disk for the results hangs, works again, and hangs at the end",
        noticed - injected,
        recovered - removed,
        lost,
        f"the analysis goes on; a SIGTERM then took {seconds:.1f} s, with exit code 30",
    )


@pytest.mark.parametrize("reconnect", ["auto", "always"])
def test_a_disk_that_hangs_at_the_start_does_not_hang_the_program(bench: Any, reconnect: str) -> None:
    camera = bench.camera()
    switch = {"FAULT_AT_ONCE": "disk-open-hang"}
    program = bench.program("--camera", camera.url, "--reconnect", reconnect, launched=True, environment=switch)
    started = time.monotonic()
    if reconnect == "auto":
        _, line = program.event("ended")
        noticed = time.monotonic()
        assert "could not be opened within 10 s" in line["message"]
        assert program.process.wait(60) == 30
        bench.report.add("a disk that hangs at the start", noticed - started, None, None, "exit code 30")
        return
    noticed, _ = program.event("sink_lost")
    program.reason("has been opening for")
    program.more_frames(5)
    program.switch("disk-open-hang", False)
    removed = time.monotonic()
    eventually(program.results.exists, "the file")
    recovered = program.more_lines(5)
    program.end()
    bench.report.add(
        "the same, with --reconnect always",
        noticed - started,
        recovered - removed,
        None,
        "the analysis goes on; the file begins once the disk answers",
    )


def test_a_results_file_that_is_rotated_loses_no_result(bench: Any) -> None:
    camera = bench.camera()
    program = bench.program("--camera", camera.url, "--append", "true")
    rotated = []
    for number in range(5):
        program.more_lines(15)
        rotated.append(program.results.rename(bench.folder / f"out.jsonl.{number}"))
        eventually(program.results.exists, "a new file")
    program.more_lines(5)
    summary = program.end()
    assert not {"sink_lost", "results_left_out"} & set(program.events())
    whole = b"".join(path.read_bytes() for path in [*rotated, program.results]).splitlines()
    lines = [json.loads(line) for line in whole]
    check_numbers(lines)
    assert len(lines) == summary["emitted"]
    bench.report.add(
        "a results file is renamed five times, as logrotate does",
        None,
        0.0,
        summary["dropped"],
        f"the next line begins a new file; all {len(lines)} results are there",
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
