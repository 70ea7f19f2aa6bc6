from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from fer_edge.errors import GateMissed, NotHealthy, UsageError
from fer_edge.soak import run as command
from fer_edge.soak.verdict import Sample
from fer_edge.soak.watch import MOST_SAMPLES, SILENCE, Watch


class FakeProgram:
    """Answers by a script: ``.`` with figures, ``x`` not at all (ten seconds each), ``d`` no more, since it has died."""

    def __init__(self, script: str, code: int = -9) -> None:
        self.exit_code: Optional[int] = None
        self.now = 0.0
        self._script = list(script)
        self._code = code
        self._frames = 0

    def clock(self) -> float:
        return self.now

    def figures(self) -> Dict[str, float]:
        step = self._script.pop(0) if self._script else "."
        self.now += 1.0 if step == "." else 10.0
        if step == "d":
            self.exit_code = self._code
        if step != ".":
            raise NotHealthy("The program does not answer.")
        self._frames += 1000
        return {
            "fer_edge_frames_captured_total front": self._frames,
            "fer_edge_frames_total front emitted": self._frames,
        }

    def sample(self, seconds: float) -> Sample:
        return Sample(seconds, 0, 100.0, 9, 9, 0)

    def stop(self) -> int:
        return self.exit_code or 0


class Waiting(threading.Event):
    """Lets no real time pass."""

    def wait(self, timeout: Optional[float] = None) -> bool:
        return self.is_set()


def watched(script: str, code: int = -9, seconds: float = 300.0) -> Watch:
    program: Any = FakeProgram(script, code)
    watch = Watch(program, seconds, program.clock)
    watch.run(Waiting(), lambda line: None)
    return watch


def test_single_answers_that_do_not_come_are_counted_and_end_nothing() -> None:
    watch = watched("...x..xxxx.x")
    assert (watch.misses, watch.failure, watch.ended) == (6, "", False)
    assert watch.samples[-1].seconds >= 299


def test_a_program_that_is_silent_for_a_minute_is_given_up_with_what_was_measured() -> None:
    watch = watched("......" + "x" * 100)
    assert watch.misses == SILENCE / 10
    assert "did not answer for 60 s" in watch.failure
    assert not watch.ended
    assert len(watch.samples) == 5


@pytest.mark.parametrize(("code", "how"), [(-9, "signal 9"), (40, "exit code 40"), (0, "exit code 0")])
def test_a_program_that_ends_by_itself_is_noticed_at_once_with_how_it_ended(code: int, how: str) -> None:
    watch = watched("......xd", code)
    assert watch.ended
    assert f"ended by itself after 0.4 minutes ({how})" in watch.failure
    assert len(watch.samples) == 5


@pytest.mark.parametrize("script", [".d", "." + "x" * 100, "d"])
def test_a_program_that_is_lost_before_the_first_sample_leaves_nothing_to_report(script: str) -> None:
    with pytest.raises(NotHealthy, match="before"):
        watched(script)


def test_a_stop_before_the_first_sample_says_that_nothing_was_measured() -> None:
    program: Any = FakeProgram(".x")
    stop = Waiting()

    def figures() -> Dict[str, float]:
        if program.now:
            stop.set()
        return FakeProgram.figures(program)

    program.figures = figures
    with pytest.raises(UsageError, match="before the first sample"):
        Watch(program, 300.0, program.clock).run(stop, lambda line: None)


def test_a_soak_of_any_length_keeps_no_more_samples_than_were_meant() -> None:
    program: Any = FakeProgram("")

    class Passing(threading.Event):
        def wait(self, timeout: Optional[float] = None) -> bool:
            program.now += timeout or 0.0
            return self.is_set()

    watch = Watch(program, 86_400.0, program.clock)
    watch.run(Passing(), lambda line: None)
    assert MOST_SAMPLES / 2 < len(watch.samples) <= MOST_SAMPLES


def test_what_was_measured_before_the_program_died_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "Program", lambda *_: FakeProgram("......d"))
    report = tmp_path / "soak.json"
    with pytest.raises(GateMissed, match="signal 9"):
        command.run_soak({}, None, 10.0, str(report), Waiting())
    found: Dict[str, Any] = json.loads(report.read_text())
    complaints: List[str] = found["complaints"]
    assert [complaint.partition(" after")[0] for complaint in complaints] == ["the program ended by itself"]
    assert len(found["samples"]) == 5
    assert found["exit_code"] == -9
    assert found["missed_answers"] == 1
    assert "6000 frames analysed" in capsys.readouterr().out
