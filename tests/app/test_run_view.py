"""What sinks may ask of a live run."""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import List, Optional, Sequence, Tuple

import pytest

from fer_edge.app import file_roles
from fer_edge.app import outputs as app_outputs
from fer_edge.app.live import LiveRun
from fer_edge.app.run_view import SessionView
from fer_edge.settings import Settings
from fer_edge.sinks import MemorySink, Sink, SinkKind, SinkRequest
from fer_edge.sinks.registry import Place
from fer_edge.sinks.run_view import KnownRun, RunView
from fer_edge.types import FrameBalance, Observation, Rates

Answer = Tuple[Rates, FrameBalance, str]


class AskingSink(MemorySink):
    """Asks its run at each observation."""

    def __init__(self, run: RunView) -> None:
        super().__init__()
        self.run = run
        self.answers: List[Answer] = []
        self.health: Tuple[str, Sequence[str]] = ("", ())

    def write(self, observation: Observation, rates: Rates) -> None:
        super().write(observation, rates)
        camera = observation.frame.source
        self.answers.append((self.run.rates(camera), self.run.balance(camera), self.run.trouble(camera)))
        self.health = self.run.health()


def test_a_sink_can_ask_the_run_for_figures_of_each_camera_and_for_its_health(monkeypatch: pytest.MonkeyPatch) -> None:
    sinks: List[AskingSink] = []

    def make_sink(request: SinkRequest) -> Sink:
        assert request.place == "https://elsewhere/%Q"
        sinks.append(AskingSink(request.run))
        return sinks[-1]

    module = ModuleType("asking_sink")
    vars(module)["make_sink"] = make_sink
    monkeypatch.setitem(sys.modules, "asking_sink", module)
    kind = SinkKind("output", "asker", "", True, "asking_sink", where=Place.ADDRESS, required=False)
    for home in (app_outputs, file_roles):
        monkeypatch.setattr(home, "SINKS", (kind,))
    settings = Settings.of(
        camera=["front=demo", "door=demo"],
        display="none",
        output="https://elsewhere/%Q",
        frames=40,
        detector="blazeface",
    )
    LiveRun(settings, threading.Event()).run()
    (sink,) = sinks
    run = sink.run
    assert isinstance(run, SessionView)
    assert run.cameras == ("front", "door")
    assert run.model == settings.analysis.model
    rates, balance, trouble = sink.answers[-1]
    assert rates.total > 0
    assert balance.captured == balance.emitted + balance.dropped + balance.in_flight > 0
    assert trouble == ""
    assert sink.health == ("healthy", ())
    total = run.balance()
    assert total.emitted == run.balance("front").emitted + run.balance("door").emitted == 40
    assert (run.rates("nobody"), run.balance("nobody"), run.trouble("nobody")) == (
        Rates(),
        FrameBalance(0, 0, 0, 0),
        "",
    )


def test_of_a_run_of_which_nothing_is_known_there_are_zeros() -> None:
    run: RunView = KnownRun(("front",))
    unknown: Optional[str] = None
    assert (run.rates(unknown), run.balance("front"), run.trouble("front")) == (Rates(), FrameBalance(0, 0, 0, 0), "")
    assert (run.temperature(), run.health()) == (None, ("healthy", ()))
