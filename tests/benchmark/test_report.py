from __future__ import annotations

import json
import math
import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import List, Optional

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fer_edge.benchmark import output
from fer_edge.benchmark.output import ReportFile
from fer_edge.benchmark.processor import Spent
from fer_edge.benchmark.report import check_gates, result_of, to_json
from fer_edge.benchmark.scenario import MeasuredCamera, MeasuredStage, Measurement, Sample
from fer_edge.benchmark.text import to_text
from fer_edge.capture.base import SourceInfo
from fer_edge.errors import DiskFull, GateMissed, OutputNotWritable
from fer_edge.pipeline.supervisor import Incidents
from fer_edge.types import FrameBalance, StageTime

FACTS = {
    "sha256": "0" * 64,
    "threads": 1,
    "detect_threads": 1,
    "rss_peak_mb": None,
    "temperature_c": 71.5,
    "slowed_by_heat": True,
}


STAGES = (
    MeasuredStage("capture", "", 1, {}),
    MeasuredStage("detect", "detection", 1, {}),
    MeasuredStage("classify", "classification", 1, {"params": 123456, "provider": "CPU", "precision": "fp32"}),
)
TIMES = {"capture": StageTime(0, 0.001), "detect": StageTime(0.002, 0.004), "classify": StageTime(0.003, 0.008)}


def measured(
    count: int = 201, gap: float = 0.01, latencies: Optional[List[float]] = None, elapsed: Optional[float] = None
) -> Measurement:
    """A run at 100 frames a second: 1 ms to capture, 4 to detect, 8 to classify; cores worked for 12 ms on each."""
    latencies = latencies or [0.015] * count
    samples = tuple(Sample("front", 100 + index * gap, latencies[index], 2, TIMES) for index in range(count))
    elapsed = elapsed or (count - 1) * gap
    finished = {"capture": count + 2, "detect": count + 1, "classify": count}
    camera = MeasuredCamera(SourceInfo("demo", 640, 480, 0), FrameBalance(count + 2, count, 0, 2), finished)
    by = {"capture": 0.001, "detect": 0.003, "classify": 0.006, "caller": 0.0005, "other threads": 0.0015}
    spent = Spent(
        0.012 * count, {**{who: took * count for who, took in by.items()}, "child processes": 0.0}, 30 * count
    )
    return Measurement(STAGES, {"front": camera}, elapsed, spent, 2, samples, Incidents(), 0.4)


def two_cameras(front: int = 300, door: int = 100) -> Measurement:
    """Ten seconds of two cameras in turn, of which one shows two faces and the other none."""
    samples = [Sample("front", 100 + index * 10 / front, 0.020, 2, TIMES) for index in range(front)]
    samples += [Sample("door", 100 + index * 10 / door, 0.040, 0, TIMES) for index in range(door)]
    cameras = {
        "front": MeasuredCamera(
            SourceInfo("rtsp://front", 640, 480, 30), FrameBalance(front + 11, front, 10, 1), {"detect": front}
        ),
        "door": MeasuredCamera(SourceInfo("door", 320, 240, 0), FrameBalance(door, door, 0, 0), {"detect": door}),
    }
    ordered = tuple(sorted(samples, key=lambda sample: sample.emitted_at))
    return Measurement(STAGES, cameras, 10.0, Spent(6.0), 2, ordered, Incidents(), 0.4)


def test_the_figures_follow_their_definitions() -> None:
    result = result_of(measured(), "x", FACTS)
    assert result["fps"]["total"] == pytest.approx(100)
    assert result["fps"]["detection"] == pytest.approx(250)
    assert result["fps"]["classification"] == pytest.approx(125)
    assert result["fps"]["sequential"] == pytest.approx(1 / 0.013, abs=0.01)
    assert result["fps"]["detection_achieved"] == pytest.approx(101)
    assert result["stages"]["classify"]["utilisation"] == pytest.approx(0.804)
    assert result["stages"]["detect"]["queue_wait_ms"] == pytest.approx(2)
    assert result["latency_ms"] == {"p50": 15, "p90": 15, "p99": 15}
    assert result["faces_per_frame"] == 2
    assert (result["params"], result["provider"], result["precision"]) == (123456, "CPU", "fp32")
    assert result["stages"]["classify"]["provider"] == "CPU"
    frames = result["frames"]
    assert frames["captured"] == frames["emitted"] + frames["dropped"] + frames["in_flight"]


def test_processor_time_is_told_for_a_frame_and_as_the_share_of_the_machine_that_it_takes() -> None:
    result = result_of(measured(elapsed=2.01), "x", FACTS)
    assert result["cpu_ms_per_frame"] == pytest.approx(12)
    assert result["share_of_machine"] == pytest.approx(100 * 0.012 / 2)
    # Eight of every ten milliseconds were the slowest stage's.
    assert result["share_of_slowest_stage"] == pytest.approx(0.8)
    text = to_text({"environment": {}, "protocol": {}, "results": [result]})
    assert "share of the machine 60.0 %;  share of the slowest stage 80.0 %\n" in text
    assert "FPS total x processor time of a frame / cores" in text


def test_who_took_the_processor_time_is_told_as_time_of_a_frame_and_share_of_a_core() -> None:
    result = result_of(measured(elapsed=2.01), "x", FACTS)
    assert result["cpu_ms_per_frame_by"] == {
        "capture": 1,
        "detect": 3,
        "classify": 6,
        "caller": 0.5,
        "other threads": 1.5,
        "child processes": 0,
    }
    assert result["cores_busy"] == pytest.approx(1.2)
    text = to_text({"environment": {}, "protocol": {}, "results": [result]})
    assert re.search(r"^classify +6\.00 +60\.0 %$", text, re.MULTILINE)
    assert re.search(r"^other threads +1\.50 +15\.0 %$", text, re.MULTILINE)
    assert re.search(r"^all +12\.00 +120\.0 %$", text, re.MULTILINE)
    assert "child processes" not in text, "there are none"


def test_a_machine_that_does_not_tell_whose_time_it_was_or_how_often_it_woke_is_said_to_be_such() -> None:
    result = result_of(replace(measured(elapsed=2.01), processor=Spent(2.412)), "x", FACTS)
    assert (result["cpu_ms_per_frame"], result["cpu_ms_per_frame_by"]) == (12, None)
    assert (result["wake_ups_per_frame"], result["wake_ups_per_second"]) == (None, None)
    text = to_text({"environment": {}, "protocol": {}, "results": [result]})
    assert "whose is not known here" in text
    assert "wake-ups: not known here\n" in text


def test_wake_ups_are_told_for_a_frame_and_for_a_second() -> None:
    result = result_of(measured(elapsed=2.01), "x", FACTS)
    assert (result["wake_ups_per_frame"], result["wake_ups_per_second"]) == (30, 3000)
    text = to_text({"environment": {}, "protocol": {}, "results": [result]})
    assert "wake-ups: 30.0 a frame, 3000 a second\n" in text


@given(
    st.lists(st.floats(0, 10), min_size=2, max_size=60),
    st.floats(10, 20),
    st.floats(0, 1),
    st.sampled_from([0.5, 1.0, 1.5, 2.0, 64.0]),
)
@example([0.0, 1e-9], 10.0, 1.0, 2.0)
def test_no_machine_works_more_than_all_of_it_however_its_frames_come(
    stamps: List[float], elapsed: float, busy: float, cores: float
) -> None:
    samples = tuple(Sample("front", stamp, 0.015, 1, TIMES) for stamp in sorted(stamps))
    run = replace(measured(), samples=samples, elapsed=elapsed, cores=cores, processor=Spent(busy * elapsed * cores))
    share = result_of(run, "x", FACTS)["share_of_machine"]
    assert share == pytest.approx(busy, abs=0.001)
    assert 0 <= share <= 1


def paced(dropped: int) -> str:
    run = measured()
    balance = FrameBalance(201 + dropped, 201, dropped, 0)
    cameras = {"front": replace(run.cameras["front"], live=True, balance=balance)}
    result = result_of(replace(run, cameras=cameras), "x", FACTS)
    assert result["live"] is True
    return to_text({"environment": {}, "protocol": {"paced": True, "pace_fps": 30.0}, "results": [result]})


def test_figures_at_a_pace_are_said_to_be_no_capacity_and_those_of_a_machine_at_its_limit_are_not() -> None:
    assert paced(0).startswith("At 30 frames a second: FPS TOTAL IS NOT WHAT THIS MACHINE CAN DO.\n")
    unpaced = to_text({"environment": {}, "protocol": {}, "results": [result_of(measured(), "x", FACTS)]})
    assert "IS NOT WHAT" not in unpaced


def test_a_machine_that_cannot_keep_the_pace_is_said_to_be_too_slow() -> None:
    assert "NOT AT ITS PACE: 25.0 % dropped\n" in paced(67)
    assert "NOT AT ITS PACE" not in paced(0)


def test_what_a_benchmark_prints_fits_a_terminal() -> None:
    assert [line for line in paced(67).splitlines() if len(line) > 80] == []


def test_each_camera_has_figures_of_its_own_and_all_together_those_of_the_session() -> None:
    result = result_of(two_cameras(), "x", FACTS)
    front, door = result["cameras"]["front"], result["cameras"]["door"]
    assert (front["fps"]["total"], door["fps"]["total"]) == (pytest.approx(30), pytest.approx(10))
    assert result["fps"]["total"] == pytest.approx(40, abs=0.3)
    assert (front["latency_ms"]["p90"], door["latency_ms"]["p90"], result["latency_ms"]["p90"]) == (20, 40, 40)
    assert (front["faces_per_frame"], door["faces_per_frame"], result["faces_per_frame"]) == (2, 0, 1.5)
    assert (front["frames"]["dropped"], door["frames"]["dropped"], result["frames"]["dropped"]) == (10, 0, 10)
    assert (front["fps"]["detection_achieved"], result["fps"]["detection_achieved"]) == (30, 40)
    assert (front["size"], door["size"]) == ("640x480", "320x240")
    assert result["slowest_camera_to_mean"] == pytest.approx(0.5)


def test_a_table_shows_the_cameras_where_there_are_several() -> None:
    report = {"environment": {}, "protocol": {}, "results": [result_of(two_cameras(), "x", FACTS)]}
    rows = [line.split() for line in to_text(report).splitlines()]
    assert ["front", "rtsp://front", "30.0", "20.00", "20.00", "20.00", "2.00", "311", "300", "10", "1"] in rows
    assert ["door", "door", "10.0", "40.00", "40.00", "40.00", "0.00", "100", "100", "0", "0"] in rows
    assert "the slowest camera has 50 % of the mean FPS" in to_text(report)
    assert "slowest camera" not in to_text({**report, "results": [result_of(measured(), "x", FACTS)]})


def test_a_camera_that_gave_nothing_is_in_the_report_with_what_is_wrong() -> None:
    silent = MeasuredCamera(None, FrameBalance(0, 0, 0, 0), {}, trouble="the source is lost since 9 s: no answer")
    run = measured()
    result = result_of(replace(run, cameras={**run.cameras, "door": silent}), "x", FACTS)
    door = json.loads(to_json(result))["cameras"]["door"]
    assert (door["fps"]["total"], door["latency_ms"]["p90"], door["faces_per_frame"]) == (None, None, None)
    assert result["slowest_camera_to_mean"] == 0
    text = to_text({"environment": {}, "protocol": {}, "results": [result]})
    assert "DISTURBED: camera door: the source is lost since 9 s: no answer" in text


def test_what_disturbed_a_measurement_is_told_and_nothing_where_nothing_did() -> None:
    run = measured()
    lost = replace(run.cameras["front"], reconnects=2)
    disturbed = replace(run, cameras={"front": lost}, incidents=Incidents({"detect": 1}, 1))
    texts = [
        to_text({"environment": {}, "protocol": {}, "results": [result_of(one, "x", FACTS)]})
        for one in (disturbed, run)
    ]
    told = (
        "DISTURBED: camera front was lost and came back 2 times; the detect stage was built anew once; 1 thread(s) hung"
    )
    assert told in texts[0]
    assert "DISTURBED" not in texts[1]


def test_threads_that_share_a_stage_or_the_capture_are_each_as_busy_as_they_are() -> None:
    run = measured()
    shared = tuple(replace(stage, threads=2) for stage in STAGES)
    alone, two = result_of(run, "x", FACTS), result_of(replace(run, stages=shared), "x", FACTS)
    assert two["stages"]["classify"]["utilisation"] == pytest.approx(alone["stages"]["classify"]["utilisation"] / 2)


def test_a_short_run_gives_no_99th_percentile_and_says_so() -> None:
    result = result_of(measured(50), "x", FACTS)
    assert result["latency_ms"]["p99"] is None
    report = {"environment": {"cpu": None}, "protocol": {}, "results": [result]}
    assert json.loads(to_json(report))["results"][0]["latency_ms"]["p99"] is None
    assert "p99 n/a" in to_text(report)
    assert result_of(measured(29), "x", FACTS)["spread_of_thirds"] is None


def test_a_figure_that_is_no_number_does_not_get_into_a_report() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"results": [math.nan]})
    result = result_of(measured(elapsed=math.inf), "x", FACTS)
    assert result["measured_s"] is None


@pytest.mark.parametrize("later", [0.012, 0.03])
def test_a_run_that_slows_down_is_called_unstable(later: float) -> None:
    steady = result_of(measured(), "x", FACTS)
    stamps = [100 + index * 0.01 for index in range(100)] + [101 + index * later for index in range(100)]
    slowing = measured(200)
    samples = tuple(replace(sample, emitted_at=stamp) for stamp, sample in zip(stamps, slowing.samples))
    slowed = result_of(replace(slowing, samples=samples), "x", FACTS)
    environment = {"environment": {}, "protocol": {}}
    assert "stable" in to_text({**environment, "results": [steady]})
    assert "UNSTABLE" not in to_text({**environment, "results": [steady]})
    assert "UNSTABLE" in to_text({**environment, "results": [slowed]})


def test_the_table_has_the_columns_of_the_paper() -> None:
    text = to_text({"environment": {}, "protocol": {}, "results": [result_of(measured(), "fernet", FACTS)]})
    head, _, row = text.splitlines()[:3]
    assert [
        head.index(name) for name in ("model", "parameters", "FPS total", "FPS classification", "FPS detection")
    ] == sorted(
        head.index(name) for name in ("model", "parameters", "FPS total", "FPS classification", "FPS detection")
    )
    assert row.split() == ["fernet", "123,456", "100.0", "125.0", "250.0", "76.9"]
    assert "total/sequential 1.30\n" in text


def test_a_run_on_a_board_that_heat_slowed_down_is_called_so() -> None:
    texts = [
        to_text(
            {
                "environment": {},
                "protocol": {},
                "results": [result_of(measured(), "x", {**FACTS, "slowed_by_heat": slowed})],
            }
        )
        for slowed in (True, False, None)
    ]
    assert ["SLOWED DOWN BY HEAT" in text for text in texts] == [True, False, False]


def test_gates_name_what_was_missed_and_pass_what_was_met() -> None:
    results = [result_of(measured(), "fernet", FACTS)]
    check_gates(results, min_fps=100, max_p90_ms=15)
    check_gates(results, None, None)
    with pytest.raises(GateMissed, match="fernet: FPS total 100.0 is under 101"):
        check_gates(results, min_fps=101, max_p90_ms=None)
    with pytest.raises(GateMissed, match="latency p90 15.0 ms is over 10 ms"):
        check_gates(results, min_fps=None, max_p90_ms=10)
    unknown = [{**results[0], "latency_ms": {"p90": None}, "fps": {"total": None}}]
    with pytest.raises(GateMissed, match="FPS total None is under 1; .*latency p90 None ms is over 1000 ms"):
        check_gates(unknown, min_fps=1, max_p90_ms=1000)


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(OutputNotWritable, match="nowhere"), ReportFile(str(tmp_path / "nowhere" / "report.json")):
        pass
    with pytest.raises(OutputNotWritable, match="folder"), ReportFile(str(tmp_path)):
        pass


OLD = '{\n  "environment": {"cores": 2}\n}\n'


def test_what_is_no_report_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "package.json"
    path.write_text('{"name": "mine"}')
    with pytest.raises(OutputNotWritable, match="no report of a benchmark or soak"), ReportFile(str(path)):
        pass
    assert path.read_text() == '{"name": "mine"}'
    assert os.listdir(tmp_path) == ["package.json"]


def test_an_old_report_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(OLD)
    with pytest.raises(RuntimeError), ReportFile(str(path)):
        raise RuntimeError("the benchmark failed")
    assert path.read_text() == OLD
    with ReportFile(str(path)) as report:
        report.write("new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_full_disk_leaves_the_old_report_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text(OLD)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match=r"report\.json"), ReportFile(str(path)) as report:
        report.write("new")
    assert path.read_text() == OLD
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_device_is_written_to_and_stays_a_device() -> None:
    with pytest.raises(DiskFull, match="/dev/full"), ReportFile("/dev/full") as report:
        report.write("figures")
    with ReportFile("/dev/null") as report:
        report.write("figures")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_report_for_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    program = "import sys; from fer_edge.benchmark.output import ReportFile; ReportFile(sys.argv[1]).__enter__()"
    # In a process of its own, because only a signal would end the waiting.
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert f"OutputNotWritable: Nobody reads the pipe '{path}'" in done.stderr


def test_a_report_goes_to_whoever_reads_the_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    text = "figures" * 40000  # more than a pipe holds
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with ReportFile(str(path)) as report, open(tmp_path / "read", "wb") as read:
        os.set_blocking(end, True)
        reader = subprocess.Popen(["cat"], stdin=end, stdout=read)
        os.close(end)
        report.write(text)
    assert reader.wait(60) == 0
    assert (tmp_path / "read").read_text() == text
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_reader_of_the_pipe_that_reads_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setattr(output, "PATIENCE", 0.01)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OutputNotWritable, match="nobody has read"), ReportFile(str(path)) as report:
            report.write("figures" * 1000000)
    finally:
        os.close(reader)


@pytest.mark.parametrize("what", ["a letter", "a folder", "a pipe"])
def test_what_somebody_puts_in_the_reports_place_meanwhile_stays_and_the_report_is_kept_beside(
    what: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(OutputNotWritable, match=r"meanwhile(.|\n)*report-2\.json"), ReportFile(str(path)) as report:
        if what == "a letter":
            path.write_text("dear")
        elif what == "a folder":
            path.mkdir()
        else:
            os.mkfifo(path)
        report.write(OLD)
    assert path.exists()
    if what == "a letter":
        assert path.read_text() == "dear"
    assert (tmp_path / "report-2.json").read_text() == OLD
    assert sorted(os.listdir(tmp_path)) == ["report-2.json", "report.json"]
