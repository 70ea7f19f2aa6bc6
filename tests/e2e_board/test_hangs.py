"""What becomes of the service when it hangs or dies: the program's own supervision first, systemd's watchdog then."""

from __future__ import annotations

from board_service import Service
from figures import note
from machine import Guest


def come_back(board: Guest, service: Service, since: float) -> float:
    """Wait until systemd has started it anew; returns when it was ready."""
    ready = service.wait_until_ready(since)
    service.wait_for_frames(1)
    return ready


def test_a_stage_that_hangs_is_replaced_within_the_process(board: Guest, service: Service) -> None:
    process = service.show("MainPID")
    hung = board.uptime()
    board.check("touch /run/board-faults/detect")
    told = service.wait_for_line("the detect thread has hung in its call for 10 s and is given up", hung, 60).at
    board.check("rm /run/board-faults/detect")
    service.wait_for_line("the detect stage is built anew", hung, 10)
    service.wait_for_frames()
    assert service.show("MainPID") == process
    health = service.health()
    assert health["status"] == "degraded"
    assert any("the detect stage was built anew" in reason for reason in health["reasons"])
    note("stage hangs: replaced after", told - hung)


def test_a_stage_that_goes_on_hanging_makes_systemd_start_the_program_anew(board: Guest, service: Service) -> None:
    process = service.show("MainPID")
    hung = board.uptime()
    board.check("touch /run/board-faults/detect")
    noticed = service.wait_for_line("Watchdog timeout", hung, 240).at
    board.check("rm /run/board-faults/detect")
    ready = come_back(board, service, noticed)
    assert service.show("MainPID") != process
    note("stage goes on hanging: the watchdog ends the process after", noticed - hung)
    note("stage goes on hanging: READY again, from the watchdog on, after", ready - noticed)


def test_a_main_loop_that_hangs_is_ended_by_the_watchdog(board: Guest, service: Service) -> None:
    hung = board.uptime()
    board.check("touch /run/board-faults/loop")
    noticed = service.wait_for_line("Watchdog timeout", hung, 90).at
    board.check("rm /run/board-faults/loop")
    service.wait_for_line("Main process exited, code=(killed|dumped), status=6/ABRT", noticed, 60)
    ready = come_back(board, service, noticed)
    note("main loop hangs: the watchdog ends the process after", noticed - hung)
    note("main loop hangs: READY again, from the watchdog on, after", ready - noticed)


def test_a_process_that_is_stopped_is_ended_by_the_watchdog_and_started_anew(board: Guest, service: Service) -> None:
    stopped = board.uptime()
    board.check("systemctl kill -s STOP fer-edge")
    noticed = service.wait_for_line("Watchdog timeout", stopped, 90).at
    ended = service.wait_for_line("Main process exited, code=(killed|dumped)", noticed, 60).at
    ready = come_back(board, service, noticed)
    note("process stopped (SIGSTOP): the watchdog fires after", noticed - stopped)
    note("process stopped (SIGSTOP): ended after that in", ended - noticed)
    note("process stopped (SIGSTOP): READY again after the end in", ready - ended)


def test_a_process_that_dies_is_started_anew(board: Guest, service: Service) -> None:
    died = board.uptime()
    board.check("systemctl kill -s KILL --kill-who=main fer-edge")
    note("process killed (SIGKILL): READY again after", come_back(board, service, died) - died)


def test_setting_the_clock_back_by_a_day_does_no_harm(board: Guest, service: Service) -> None:
    process = service.show("MainPID")
    board.check('date -s "$(date -d "1 day ago" "+%F %T")"')
    try:
        service.wait_for_frames(4)
        health = service.health()
        assert health["status"] != "down"
        assert health["last_frame_age_s"] >= 0
        assert health["fps"]["total"] > 0
        assert service.show("MainPID") == process
    finally:
        board.check('date -s "$(date -d "1 day" "+%F %T")"')
    service.wait_for_frames()
    assert service.show("MainPID") == process
