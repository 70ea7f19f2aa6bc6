from __future__ import annotations

from dataclasses import dataclass

from fer_edge.service.health import STALLED_AFTER, HealthMonitor
from fer_edge.types import Rates, StageRate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_run_is_down_until_the_first_frame_and_healthy_after_it() -> None:
    clock = Clock()
    monitor = HealthMonitor(lambda: Rates(30.0, {"detection": StageRate()}), clock=clock)
    clock.now += 2.0
    before = monitor.health()
    assert (before.status, before.reasons, before.age) == ("down", ("no frame was analysed yet",), None)
    monitor.frame_analysed()
    clock.now += 0.5
    after = monitor.health()
    assert (after.status, after.reasons, after.frames, after.age, after.uptime) == ("healthy", (), 1, 0.5, 2.5)
    assert after.to_json()["fps"] == {"total": 30.0, "detection": 0.0}


def test_a_run_without_new_frames_is_down_and_says_for_how_long() -> None:
    clock = Clock()
    monitor = HealthMonitor(Rates, clock=clock)
    monitor.frame_analysed()
    clock.now += STALLED_AFTER
    assert monitor.health().status == "healthy"
    clock.now += 3.0
    assert monitor.health().status == "down"
    assert monitor.health().reasons == ("no frame was analysed for 13 s",)
    monitor.frame_analysed()
    assert monitor.health().status == "healthy"


def test_what_does_not_work_as_it_should_makes_a_run_degraded_and_stands_behind_what_makes_it_down() -> None:
    clock = Clock()
    troubles = ["the results file 'x' does not work"]
    monitor = HealthMonitor(Rates, lambda: troubles, clock)
    monitor.frame_analysed()
    assert (monitor.health().status, monitor.health().reasons) == ("degraded", ("the results file 'x' does not work",))
    clock.now += STALLED_AFTER + 1
    assert monitor.health().status == "down"
    assert monitor.health().reasons == ("no frame was analysed for 11 s", "the results file 'x' does not work")


@dataclass
class Camera:
    name: str
    ended: bool = False
    wrong: str = ""

    def rates(self) -> Rates:
        return Rates()

    def trouble(self) -> str:
        return self.wrong


def test_a_camera_that_has_ended_is_told_as_such_and_is_no_trouble() -> None:
    clock = Clock()
    clip, live = Camera("clip"), Camera("live")
    monitor = HealthMonitor(Rates, clock=clock, cameras=[clip, live])
    monitor.frame_analysed("clip")
    clock.now += STALLED_AFTER + 1
    monitor.frame_analysed("live")
    assert monitor.health().status == "degraded", "it is silent, and nobody knows why"
    clip.ended = True
    health = monitor.health()
    assert (health.status, health.reasons) == ("healthy", ())
    told = health.to_json()["cameras"]
    assert (told["clip"]["ended"], told["live"]["ended"]) == (True, False)


def test_what_a_camera_says_controls_no_terminal_of_those_who_ask() -> None:
    monitor = HealthMonitor(Rates, lambda: ["the camera says \x1b]0;owned\x07 \u202egnp \x9b31m\nstatus: healthy"])
    reasons = monitor.health().to_json()["reasons"]
    assert reasons[1] == r"the camera says \x1b]0;owned\x07 \u202egnp \x9b31m\nstatus: healthy"
