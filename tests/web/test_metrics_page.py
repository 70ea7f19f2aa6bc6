"""What Prometheus reads, from the real program over a real socket."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
import pytest
from fake_machines import nano
from programs import ROOT, Program
from prometheus_client.parser import text_string_to_metric_families

from fer_edge.app.stages import Classification, stage_list
from fer_edge.board.power import PowerMode
from fer_edge.board.program import Ran
from fer_edge.board.state import BoardState, read_board_state
from fer_edge.board.tegrastats import Rail, Tegrastats
from fer_edge.board.temperature import Zone
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.classify.remote.tally import ServerTally
from fer_edge.detect import FakeDetector
from fer_edge.errors import ServerLate, SourceUnreadable
from fer_edge.pipeline.backlog import MOST_WAITING
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.pipeline.supervisor import Incidents
from fer_edge.server_use import ServerUse
from fer_edge.service.health import HealthMonitor
from fer_edge.settings import Settings
from fer_edge.sinks import MemorySink
from fer_edge.system.address import Address
from fer_edge.types import Frame, Observation, Rates
from fer_edge.web.metrics import Metrics

TEGRASTATS = (
    "RAM 613/3964MB (lfb 634x4MB) SWAP 0/1982MB (cached 0MB) CPU [2%@102,1%@102,0%@102,0%@102] EMC_FREQ 0% "
    "GR3D_FREQ 37% PLL@39C CPU@40.5C PMIC@100C GPU@41C AO@46C thermal@41C POM_5V_IN 900/943 POM_5V_GPU 0/0\n"
)

Series = Dict[Tuple[str, Tuple[Tuple[str, str], ...]], float]


def parse(text: str) -> Series:
    """Read every series; the parser refuses what is not in Prometheus' format."""
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} comes twice"
            found[key] = sample.value
    return found


def labelled(**labels: str) -> Tuple[Tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def scrape(address: Address) -> Series:
    with closing(HTTPConnection(*address, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers.get_content_type() == "text/plain"
        return parse(answer.read().decode())


class Troubled(Session):
    """Two cameras, to whose stages something happened."""

    def __init__(self) -> None:
        reconnection = Reconnection(lambda: FakeSource([]), lambda: True)
        reconnection.found()
        for _ in range(3):
            reconnection.lost(None)
            reconnection.found()
        reconnection.leave_out(SourceUnreadable("It cannot be decoded."))
        lanes = [LaneSpec("front", FakeSource([], live=True), reconnection), LaneSpec("door", FakeSource([]))]
        detectors = {"front": FakeDetector, "door": FakeDetector}
        super().__init__(lanes, stage_list(Settings(), detectors, FakeClassifier))

    def incidents(self) -> Incidents:
        return Incidents({"classify": 2}, 1)


class Remote(FakeClassifier):
    """Has asked a server three times, once in vain."""

    def server_use(self) -> ServerUse:
        tally = ServerTally()
        for seconds in (0.004, 0.3):
            tally.answered(seconds)
        tally.failed(ServerLate("late"))
        tally.fell_back()
        tally.sent(4200)
        tally.received(60)
        return tally.use()


def metrics(board: BoardState, runners: List[SinkRunner], classifier: Optional[FakeClassifier] = None) -> Metrics:
    session = Troubled()
    if classifier is not None:
        session.running[1].threads[0].work = Classification(classifier)
    monitor = HealthMonitor(session.rates, cameras=session.lanes)
    for lane in session.lanes:
        monitor.frame_analysed(lane.name)
    return Metrics(session, monitor.health, lambda: board, runners)


def test_the_running_program_tells_of_each_camera_its_rates_frames_latencies_and_what_it_uses(tmp_path: Path) -> None:
    with Program(tmp_path, "--camera", "front=demo", "--camera", "door=demo:3", results="") as program:
        program.more_frames(5)
        first = scrape(program.address)
        program.more_frames(60)
        series = scrape(program.address)
        program.end()
    for camera in ("front", "door"):
        for figure in ("total", "detection", "classification"):
            assert series["fer_edge_fps", labelled(camera=camera, figure=figure)] > 0
        captured = series["fer_edge_frames_captured_total", labelled(camera=camera)]
        emitted = series["fer_edge_frames_total", labelled(camera=camera, outcome="emitted")]
        dropped = series["fer_edge_frames_total", labelled(camera=camera, outcome="dropped")]
        assert captured == emitted + dropped + series["fer_edge_frames_in_flight", labelled(camera=camera)]
        assert emitted > first["fer_edge_frames_total", labelled(camera=camera, outcome="emitted")]
        for stage in ("capture", "detect", "classify"):
            labels = {"camera": camera, "stage": stage}
            count = series["fer_edge_stage_seconds_count", labelled(**labels)]
            assert count > 0
            assert series["fer_edge_stage_seconds_bucket", labelled(**labels, le="+Inf")] == count
            assert 0 < series["fer_edge_stage_seconds_sum", labelled(**labels)] < math.inf
        assert series["fer_edge_source_reconnects_total", labelled(camera=camera)] == 0
        assert series["fer_edge_source_works", labelled(camera=camera)] == 1
    assert series["fer_edge_health", labelled(status="healthy")] == 1
    assert {"detect", "classify", "emit"} == {
        dict(labels)["stage"] for name, labels in series if name == "fer_edge_queue_age_seconds"
    }
    assert series["process_resident_memory_bytes", ()] > 1e7
    assert series["fer_edge_board_memory_available_bytes", ()] > 0


def test_a_jetsons_heat_power_mode_clocks_and_memory_are_exported(tmp_path: Path) -> None:
    board = read_board_state(
        nano(tmp_path), lambda command, timeout: Ran(None, TEGRASTATS) if command[0] == "tegrastats" else None
    )
    content_type, text = metrics(board, []).page()
    series = parse(text.decode())
    assert content_type.startswith("text/plain")
    assert series["fer_edge_board_power_mode_info", labelled(mode="MAXN")] == 1
    assert series["fer_edge_board_gpu_load_ratio", ()] == pytest.approx(0.37)
    assert series["fer_edge_board_power_watts", labelled(rail="POM_5V_IN")] == pytest.approx(0.9)
    assert series["fer_edge_board_slowed_by_heat", ()] == 0
    assert any(name == "fer_edge_board_temperature_celsius" for name, _ in series)
    assert any(name == "fer_edge_board_clock_hertz" for name, _ in series)
    # What firmware gives instead of a temperature of the power chip is no temperature.
    assert ("fer_edge_board_temperature_celsius", labelled(zone="PMIC-Die")) not in series


def test_every_metric_is_in_the_documents_and_every_one_in_there_exists(tmp_path: Path) -> None:
    board = read_board_state(nano(tmp_path), lambda command, timeout: Ran(None, TEGRASTATS))
    page = metrics(board, [], Remote()).page()[1].decode()
    ours = set(re.findall(r"^# TYPE (fer_edge_\w+)", page, re.MULTILINE))
    text = (ROOT / "docs" / "service.md").read_text()
    assert set(re.findall(r"`(fer_edge_\w+)(?:\{[\w,]+\})?`", text)) == ours


def test_what_was_asked_of_a_server_is_counted_and_without_one_nothing_is_told() -> None:
    series = parse(metrics(BoardState(), [], Remote()).page()[1].decode())
    assert series["fer_edge_server_works", ()] == 0
    assert series["fer_edge_server_requests_total", ()] == 3
    assert series["fer_edge_server_failures_total", labelled(reason="late")] == 1
    assert series["fer_edge_server_failures_total", labelled(reason="refused")] == 0
    assert series["fer_edge_server_fallbacks_total", ()] == 1
    assert series["fer_edge_server_bytes_total", labelled(direction="sent")] == 4200
    assert series["fer_edge_server_bytes_total", labelled(direction="received")] == 60
    assert series["fer_edge_server_seconds_count", ()] == 2
    assert series["fer_edge_server_seconds_bucket", labelled(le="0.005")] == 1
    assert "fer_edge_server" not in metrics(BoardState(), [], FakeClassifier()).page()[1].decode()


def test_what_happened_to_the_parts_and_to_the_sinks_is_counted() -> None:
    runner = SinkRunner("the results 'a \"quoted\" name\\'", lambda _attempt: MemorySink())
    for index in range(MOST_WAITING + 7):
        frame = Frame(index, 0.0, datetime.now(timezone.utc), np.zeros((2, 2, 3), np.uint8))
        runner.offer(Observation(frame, ()), Rates())
    series = parse(metrics(BoardState(), [runner]).page()[1].decode())
    assert series["fer_edge_source_reconnects_total", labelled(camera="front")] == 3
    assert series["fer_edge_undecodable_images_total", labelled(camera="front")] == 1
    assert series["fer_edge_source_reconnects_total", labelled(camera="door")] == 0
    assert series["fer_edge_stage_restarts_total", labelled(stage="classify")] == 2
    assert series["fer_edge_stage_restarts_total", labelled(stage="detect")] == 0
    assert series["fer_edge_hung_calls_total", ()] == 1
    assert series["fer_edge_sink_lost_total", labelled(sink=runner.name)] == 7
    assert series["fer_edge_sink_works", labelled(sink=runner.name)] == 1


def test_a_camera_that_has_ended_is_told_as_such_and_has_no_age() -> None:
    session = Troubled()
    monitor = HealthMonitor(session.rates, cameras=session.lanes)
    for lane in session.lanes:
        monitor.frame_analysed(lane.name)
    session.lane("door").end(None, told=False)
    series = parse(Metrics(session, monitor.health, BoardState, []).page()[1].decode())
    for camera, ended in (("front", 0), ("door", 1)):
        assert series["fer_edge_source_ended", labelled(camera=camera)] == ended
    ages = [dict(labels)["camera"] for name, labels in series if name == "fer_edge_last_frame_age_seconds"]
    assert ages == ["front"]


def test_a_name_that_others_chose_controls_no_terminal() -> None:
    strange = "a \x1b[31mname\n\u202e"
    board = BoardState(
        zones=(Zone(strange, 40.0),),
        power_mode=PowerMode(0, strange),
        tegrastats=Tegrastats(600, 4000, power=(Rail(strange, 900, 900),)),
    )
    page = metrics(board, [SinkRunner(strange, lambda _attempt: MemorySink())]).page()[1].decode()
    assert all(line.isprintable() for line in page.split("\n"))
    assert page.count(r"a \\x1b[31mname\\n\\u202e") == 5


def test_importing_the_program_does_not_import_prometheus() -> None:
    code = "import sys, fer_edge.app.live; assert not [name for name in sys.modules if name.startswith('prometheus')]"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
