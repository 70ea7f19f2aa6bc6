"""``GET /metrics``: the figures of a run for Prometheus, in the text format that it reads.

Names follow https://prometheus.io/docs/practices/naming/: base units, and ``_total`` for what only grows.
"""

from __future__ import annotations

import threading
from typing import Callable, Iterator, Sequence, Tuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from fer_edge.board.state import BoardState
from fer_edge.distribution import BOUNDS, Distribution
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.server_use import REASONS
from fer_edge.service.health import DEGRADED, DOWN, HEALTHY, Health
from fer_edge.system.library_lines import lines_left_out
from fer_edge.system.one_line import one_line
from fer_edge.system.standard_error import standard_error
from fer_edge.version import __version__


class Metrics:
    """Collects the figures of one run whenever somebody asks.

    Parameters
    ----------
    session : Session
        Gives rates, counts, service times and the ages of what waits, camera by camera.
    health, board : callable
        Give how the run is, and how the board is.
    runners : sequence of SinkRunner
        The sinks; may grow.
    """

    def __init__(
        self,
        session: Session,
        health: Callable[[], Health],
        board: Callable[[], BoardState],
        runners: Sequence[SinkRunner] = (),
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Run(session, health, runners))
        self._registry.register(_Board(board))
        ProcessCollector(registry=self._registry)

    def page(self) -> Tuple[str, bytes]:
        """Return the content type and the text."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)


class _Run(Collector):
    def __init__(
        self,
        session: Session,
        health: Callable[[], Health],
        runners: Sequence[SinkRunner],
    ) -> None:
        self._session = session
        self._health = health
        self._runners = runners

    def collect(self) -> Iterator[Metric]:
        health, incidents = self._health(), self._session.incidents()
        info = GaugeMetricFamily("fer_edge_info", "The program's version; always 1.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        status = GaugeMetricFamily("fer_edge_health", "1 for the status that holds now.", labels=["status"])
        for name in (HEALTHY, DEGRADED, DOWN):
            status.add_metric([name], health.status == name)
        yield status
        yield GaugeMetricFamily("fer_edge_uptime_seconds", "Since the run began.", value=health.uptime)
        yield from self._frames(health)
        yield from self._times()
        yield from self._sources()
        restarts = CounterMetricFamily("fer_edge_stage_restarts", "How often a stage was built anew.", labels=["stage"])
        for stage in self._session.stages:
            restarts.add_metric([stage.name], incidents.restarts.get(stage.name, 0))
        yield restarts
        yield CounterMetricFamily("fer_edge_hung_calls", "Threads given up in a call that hung.", value=incidents.hung)
        yield from self._sinks()
        yield from self._server()
        yield from _log()
        yield GaugeMetricFamily("fer_edge_threads", "Threads of the program's own.", value=threading.active_count())

    def _frames(self, health: Health) -> Iterator[Metric]:
        captured = CounterMetricFamily("fer_edge_frames_captured", "Frames that a source gave.", labels=["camera"])
        frames = CounterMetricFamily(
            "fer_edge_frames", "Captured frames by what became of them.", labels=["camera", "outcome"]
        )
        flying = GaugeMetricFamily("fer_edge_frames_in_flight", "Frames on their way.", labels=["camera"])
        for lane in self._session.lanes:
            balance = lane.balance()
            captured.add_metric([lane.name], balance.captured)
            frames.add_metric([lane.name, "emitted"], balance.emitted)
            frames.add_metric([lane.name, "dropped"], balance.dropped)
            flying.add_metric([lane.name], balance.in_flight)
        yield captured
        yield frames
        yield flying
        yield from _fps(health)
        age = GaugeMetricFamily("fer_edge_last_frame_age_seconds", "Since a frame was analysed.", labels=["camera"])
        for name, camera in health.cameras.items():
            if camera.age is not None and not camera.ended:
                age.add_metric([name], camera.age)
        yield age

    def _times(self) -> Iterator[Metric]:
        stages = HistogramMetricFamily(
            "fer_edge_stage_seconds", "Service time of a stage for one frame.", labels=["camera", "stage"]
        )
        latency = HistogramMetricFamily(
            "fer_edge_latency_seconds", "From the capture of a frame to its emission.", labels=["camera"]
        )
        ages = GaugeMetricFamily(
            "fer_edge_queue_age_seconds", "How long the frame before a stage has waited.", labels=["camera", "stage"]
        )
        for lane in self._session.lanes:
            for stage, times in sorted(lane.meter.service_times().items()):
                stages.add_metric([lane.name, stage], *_buckets(times))
            latency.add_metric([lane.name], *_buckets(lane.meter.latency()))
            for stage, age in self._session.queue_ages(lane.name).items():
                ages.add_metric([lane.name, stage], age)
        yield stages
        yield latency
        yield ages

    def _sources(self) -> Iterator[Metric]:
        reconnects = CounterMetricFamily(
            "fer_edge_source_reconnects", "How often a lost source came back.", labels=["camera"]
        )
        undecodable = CounterMetricFamily(
            "fer_edge_undecodable_images", "Images that could not be decoded.", labels=["camera"]
        )
        works = GaugeMetricFamily("fer_edge_source_works", "1 while nothing is wrong with a source.", labels=["camera"])
        ended = GaugeMetricFamily(
            "fer_edge_source_ended", "1 when nothing more will come of a source.", labels=["camera"]
        )
        for lane in self._session.lanes:
            ended.add_metric([lane.name], lane.ended)
            reconnects.add_metric([lane.name], lane.reconnects)
            undecodable.add_metric([lane.name], lane.undecodable)
            works.add_metric([lane.name], not lane.trouble())
        yield reconnects
        yield undecodable
        yield works
        yield ended

    def _server(self) -> Iterator[Metric]:
        use = next(filter(None, (stage.server_use() for stage in self._session.running)), None)
        if use is None:
            return
        yield GaugeMetricFamily("fer_edge_server_works", "1 while the server of --server answers.", value=use.answers)
        yield CounterMetricFamily("fer_edge_server_requests", "Batches of faces that it was asked for.", use.requests)
        failures = CounterMetricFamily("fer_edge_server_failures", "How many of these failed.", labels=["reason"])
        for reason in REASONS:
            failures.add_metric([reason], use.failures.get(reason, 0))
        yield failures
        yield CounterMetricFamily(
            "fer_edge_server_fallbacks", "Batches of faces that the local network read in its place.", use.fallbacks
        )
        sent = CounterMetricFamily("fer_edge_server_bytes", "What was said to it and by it.", labels=["direction"])
        sent.add_metric(["sent"], use.sent)
        sent.add_metric(["received"], use.received)
        yield sent
        latency = HistogramMetricFamily("fer_edge_server_seconds", "From the crops to its answer.", labels=[])
        latency.add_metric([], *_buckets(use.latency))
        yield latency

    def _sinks(self) -> Iterator[Metric]:
        works = GaugeMetricFamily("fer_edge_sink_works", "1 while a sink takes what it is given.", labels=["sink"])
        lost = CounterMetricFamily("fer_edge_sink_lost", "Results that a sink left out.", labels=["sink"])
        for runner in self._runners:
            works.add_metric([one_line(runner.name)], not runner.trouble())
            lost.add_metric([one_line(runner.name)], runner.lost)
        yield works
        yield lost


def _fps(health: Health) -> Iterator[Metric]:
    fps = GaugeMetricFamily(
        "fer_edge_fps",
        "Frames per second over ten seconds, of a camera: total went through the whole chain; what is named after a stage is "
        "its capacity, with what it achieved; sequential is what a loop without threads would reach.",
        labels=["camera", "figure"],
    )
    for name, camera in health.cameras.items():
        rates = camera.rates
        fps.add_metric([name, "total"], rates.total)
        for figure, rate in rates.stages.items():
            fps.add_metric([name, figure], rate.capacity)
            fps.add_metric([name, f"{figure}_achieved"], rate.achieved)
        fps.add_metric([name, "sequential"], rates.sequential)
    yield fps


def _log() -> Iterator[Metric]:
    lost = CounterMetricFamily("fer_edge_log_lines_lost", "Lines that the log left out.", labels=["origin"])
    error = standard_error()
    lost.add_metric(["program"], error.lost if error is not None else 0)
    lost.add_metric(["libraries"], lines_left_out())
    yield lost


class _Board(Collector):
    def __init__(self, board: Callable[[], BoardState]) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        board = self._board()
        heat = GaugeMetricFamily("fer_edge_board_temperature_celsius", "What a sensor says.", labels=["zone"])
        # Several zones may have one name; Prometheus wants each series once.
        for zone in {zone.name: zone for zone in board.zones if zone.now is not None}.values():
            heat.add_metric([one_line(zone.name)], zone.now or 0.0)
        yield heat
        if board.cooling:
            yield GaugeMetricFamily(
                "fer_edge_board_slowed_by_heat", "1 while heat costs speed.", value=bool(board.slowed_by)
            )
        clocks = GaugeMetricFamily("fer_edge_board_clock_hertz", "The clock of a core that is on.", labels=["core"])
        for core in board.clocks:
            if core.online and core.now is not None:
                clocks.add_metric([str(core.core)], core.now * 1e6)
        yield clocks
        if board.mode_name:
            mode = GaugeMetricFamily("fer_edge_board_power_mode_info", "The power mode; always 1.", labels=["mode"])
            mode.add_metric([one_line(board.mode_name)], 1)
            yield mode
        if board.memory is not None:
            yield GaugeMetricFamily(
                "fer_edge_board_memory_bytes", "Memory of the board.", value=board.memory.total * 2**20
            )
            if board.memory.available is not None:
                yield GaugeMetricFamily(
                    "fer_edge_board_memory_available_bytes",
                    "What a program can get without swapping.",
                    value=board.memory.available * 2**20,
                )
        yield from _tegrastats(board)


def _tegrastats(board: BoardState) -> Iterator[Metric]:
    stats = board.tegrastats
    if stats is None:
        return
    if stats.gpu is not None:
        yield GaugeMetricFamily("fer_edge_board_gpu_load_ratio", "How busy the GPU is.", value=stats.gpu.percent / 100)
    power = GaugeMetricFamily("fer_edge_board_power_watts", "What flows through a supply rail.", labels=["rail"])
    for rail in stats.power:
        power.add_metric([one_line(rail.name)], rail.now / 1000)
    yield power


def _buckets(times: Distribution) -> Tuple[Sequence[Tuple[str, float]], float]:
    bounds = [(str(bound), float(count)) for bound, count in zip(BOUNDS, times.at_most)]
    return [*bounds, ("+Inf", float(times.count))], times.seconds
