from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Optional

import pytest
from programs import Program
from service_manager import Manager

from fer_edge.service.health import HealthMonitor
from fer_edge.service.sd_notify import Notifier
from fer_edge.service.watchdog import FIRST_PATIENCE, PATIENCE, PREPARING_PATIENCE, Watchdog
from fer_edge.types import FrameBalance, Rates, StageRate


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


@pytest.fixture
def notifier(manager: Manager, tmp_path: Path) -> Iterator[Notifier]:
    notifier = Notifier(str(tmp_path / "notify"), watchdog=30.0)
    yield notifier
    notifier.close()


class Run:
    """A run whose counts the test sets."""

    def __init__(self, notifier: Notifier, manager: Optional[Manager] = None) -> None:
        self._manager = manager
        self.now = 1000.0
        self.balance = FrameBalance(0, 0, 0, 0)
        self.looked_after = 0
        self.monitor = HealthMonitor(
            lambda: Rates(14.9, {"detection": StageRate(70.0), "classification": StageRate(30.0)}), clock=self.clock
        )
        self.preparing = False
        self.watchdog = Watchdog(
            notifier,
            self.look_after,
            lambda: self.balance,
            self.monitor.health,
            lambda: self.preparing,
            self.clock,
        )

    def clock(self) -> float:
        return self.now

    def look_after(self) -> None:
        self.looked_after += 1

    def pass_time(self, seconds: float, frames: int = 0) -> None:
        for _ in range(round(seconds / 0.25)):
            self.now += 0.25
            if frames:
                emitted = self.balance.emitted + frames
                self.balance = FrameBalance(emitted + 1, emitted, 0, 1)
                self.monitor.frame_analysed()
            self.watchdog.tick()
            if self._manager is not None:
                self._manager.listen()


def test_a_service_is_ready_with_its_first_analysed_frame_and_asks_for_time_until_then(
    manager: Manager, notifier: Notifier
) -> None:
    run = Run(notifier, manager)
    run.pass_time(30)
    before = manager.heard()
    assert not any("READY" in message for message in before)
    assert sum("EXTEND_TIMEOUT_USEC" in message for message in before) >= 5
    assert {message["STATUS"] for message in before if "STATUS" in message} == {"down: no frame was analysed yet"}
    run.pass_time(1, frames=3)
    assert [message["READY"] for message in manager.heard() if "READY" in message] == ["1"]
    run.pass_time(20, frames=3)
    after = manager.heard()
    assert not any("READY" in message or "EXTEND_TIMEOUT_USEC" in message for message in after)
    status = [message["STATUS"] for message in after if "STATUS" in message]
    assert status[-1].startswith("FPS total 14.9, classification 30.0, detection 70.0; ")
    run.watchdog.stopping()
    assert manager.heard()[-1]["STOPPING"] == "1"


def test_signs_of_life_come_at_half_the_interval_and_stop_when_frames_go_in_but_none_come_out(
    manager: Manager, notifier: Notifier
) -> None:
    run = Run(notifier, manager)
    run.pass_time(60, frames=3)
    assert sum("WATCHDOG" in message for message in manager.heard()) == 4
    run.balance = FrameBalance(1000, run.balance.emitted, 0, 2)
    run.pass_time(PATIENCE + 15)
    manager.heard()
    run.pass_time(120)
    assert not any("WATCHDOG" in message for message in manager.heard())
    run.pass_time(16, frames=1)
    assert any("WATCHDOG" in message for message in manager.heard())


def test_a_stage_that_is_being_prepared_gets_more_time_and_not_for_ever(manager: Manager, notifier: Notifier) -> None:
    run = Run(notifier, manager)
    run.pass_time(5, frames=3)
    run.balance = FrameBalance(60, run.balance.emitted, 0, 2)
    run.preparing = True
    run.pass_time(PREPARING_PATIENCE - 20)
    manager.heard()
    run.pass_time(16)
    assert any("WATCHDOG" in message for message in manager.heard())
    run.pass_time(20)
    manager.heard()
    run.pass_time(60)
    assert not any("WATCHDOG" in message for message in manager.heard())


def test_a_first_call_may_take_longer_and_not_for_ever(manager: Manager, notifier: Notifier) -> None:
    run = Run(notifier, manager)
    run.balance = FrameBalance(60, 0, 58, 2)
    run.pass_time(FIRST_PATIENCE - 20)
    manager.heard()
    run.pass_time(16)
    said = [name for message in manager.heard() for name in message]
    assert {"WATCHDOG", "EXTEND_TIMEOUT_USEC"} <= set(said)
    run.pass_time(10)
    manager.heard()
    run.pass_time(60)
    said = [name for message in manager.heard() for name in message]
    assert "STATUS" in said
    assert not {"WATCHDOG", "EXTEND_TIMEOUT_USEC"} & set(said)


def test_a_stop_of_the_whole_process_is_not_held_against_a_stage(manager: Manager, notifier: Notifier) -> None:
    run = Run(notifier, manager)
    run.pass_time(5, frames=3)
    run.balance = FrameBalance(run.balance.emitted + 2, run.balance.emitted, 0, 2)
    run.pass_time(1)
    manager.heard()
    run.now += 3600
    run.pass_time(1)
    assert any("WATCHDOG" in message for message in manager.heard())


def test_a_camera_that_is_away_for_hours_is_no_reason_for_a_restart(manager: Manager, notifier: Notifier) -> None:
    run = Run(notifier, manager)
    run.pass_time(5, frames=3)
    run.balance = FrameBalance(60, 60, 0, 0)
    run.pass_time(3600)
    assert sum("WATCHDOG" in message for message in manager.heard()) >= 200


def test_a_sign_of_life_that_the_manager_could_not_take_is_given_again_at_once(
    manager: Manager, notifier: Notifier
) -> None:
    run = Run(notifier)
    while notifier.send(STATUS="full"):
        pass
    run.pass_time(1, frames=1)
    manager.heard()
    run.pass_time(0.25, frames=1)
    run.pass_time(0.25, frames=1)
    said = [name for message in manager.heard() for name in message]
    assert "READY" in said
    assert "WATCHDOG" in said


def test_threads_are_looked_after_four_times_a_second_at_most() -> None:
    run = Run(Notifier())
    for _ in range(1000):
        run.now += 0.001
        run.watchdog.tick()
    assert 3 <= run.looked_after <= 5


def test_the_environment_says_where_to_send_and_child_processes_do_not_inherit_it(tmp_path: Path) -> None:
    place = str(tmp_path / "notify")
    environment = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    notifier = Notifier.from_environment(environment)
    assert notifier.watchdog == 30.0
    assert environment == {"HOME": "/"}
    notifier.close()
    for odd in (
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "9" * 400},
        {"WATCHDOG_USEC": "9" * 5000},
        {"WATCHDOG_USEC": "\u0663\u0660"},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "9" * 5000},
        {},
    ):
        assert Notifier.from_environment(dict(odd)).watchdog is None, odd


def test_a_socket_that_is_none_or_cannot_be_had_is_no_service_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("vsock:2:1234", "relative/notify", "", "@", "/" + "a" * 300, "/\udcff"):
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": place})
        notifier.send(READY=1)
        assert notifier.active == (place[:1] in ("/", "@")), place
        notifier.close()

    def refuse(*arguments: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("fer_edge.service.sd_notify.socket.socket", refuse)
    notifier = Notifier("/run/notify")
    monkeypatch.undo()
    assert not notifier.active
    assert notifier.send(READY=1)


@pytest.mark.skipif(not os.path.exists("/proc/self/ns"), reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_reached_too() -> None:
    name = f"fer-edge-test-{os.getpid()}"
    manager = Manager("\0" + name)
    notifier = Notifier("@" + name)
    notifier.send(STATUS="two\nlines")
    assert manager.heard() == [{"STATUS": "two lines"}]
    notifier.close()
    manager.close()


def test_a_manager_that_is_not_there_or_does_not_listen_is_no_fault(tmp_path: Path) -> None:
    Notifier().send(READY=1)
    gone = Notifier(str(tmp_path / "nobody"))
    gone.send(READY=1)
    gone.close()
    gone.close()
    deaf = Manager(str(tmp_path / "deaf"))
    notifier = Notifier(str(tmp_path / "deaf"))
    for _ in range(5000):
        notifier.send(WATCHDOG=1)
    notifier.close()
    deaf.close()


def test_a_service_says_that_it_is_ready_how_fast_it_is_that_it_lives_and_that_it_stops(
    manager: Manager, tmp_path: Path
) -> None:
    # No WATCHDOG_PID: the program's own number is not known before it runs.
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
    with Program(tmp_path, "--camera", "demo", environment=environment) as program:
        ready = manager.wait_for("READY")
        assert "FPS total" in ready["STATUS"]
        for _ in range(3):
            manager.wait_for("WATCHDOG")
        status = manager.wait_for("STATUS")["STATUS"]
        for figure in ("FPS total", "classification", "detection"):
            assert figure in status
        program.end()
        manager.wait_for("STOPPING")


def test_a_service_whose_camera_is_away_at_boot_asks_for_time_and_is_not_ready(
    manager: Manager, tmp_path: Path
) -> None:
    arguments = ("--camera", "/dev/video77", "--reconnect", "always")
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with Program(tmp_path, *arguments, environment=environment) as program:
        more = manager.wait_for("EXTEND_TIMEOUT_USEC")
        assert int(more["EXTEND_TIMEOUT_USEC"]) >= 30_000_000
        program.event("source_lost")
        program.end()
        assert not any("READY" in message for message in manager.heard())
