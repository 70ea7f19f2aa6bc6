"""The service as it is installed on a board: what systemd says of it, how it takes settings, and that it survives a boot."""

from __future__ import annotations

import re

from board_service import PROGRAM, RESULTS, SETTINGS, Service
from figures import note
from machine import Guest


def test_installing_puts_it_in_place_and_it_becomes_ready(service: Service, installation: str) -> None:
    assert "create the user fer-edge, in the group video" in installation
    assert "It starts now." in installation
    assert (service.show("ActiveState"), service.show("Type")) == ("active", "notify")
    assert re.search(r"FPS total \d", service.show("StatusText"))
    assert any(re.search(r"watching /dev/video0 \(vivid\), 640x480", line.text) for line in service.journal())
    assert service.health()["frames"] > 0


def test_installing_a_second_time_changes_nothing(board: Guest, service: Service) -> None:
    process = service.show("MainPID")
    assert board.check(f"{PROGRAM} service install").endswith("Nothing had to be changed.")
    assert service.show("MainPID") == process


def test_it_runs_as_a_user_of_its_own_that_systemd_finds_well_locked_up(board: Guest, service: Service) -> None:
    assert board.check(f"stat -c %U /proc/{service.show('MainPID')} {RESULTS}").split() == ["fer-edge", "fer-edge"]
    judged = board.check("systemd-analyze security --no-pager fer-edge.service", 120)
    found = re.search(r"exposure level for fer-edge\.service: (\d+\.\d)", judged)
    assert found
    assert float(found.group(1)) <= 3.0
    print(f"systemd-analyze security: {found.group(1)}")


def test_the_health_verb_agrees_with_the_service(board: Guest, service: Service) -> None:
    answer = board.run(f"{PROGRAM} health --listen 127.0.0.1:8650")
    assert answer.code == 0, answer.text


def test_a_camera_by_name_has_settings_and_results_of_its_own(board: Guest, service: Service) -> None:
    door = Service(board, "fer-edge@door", 8651)
    output = "FER_EDGE_OUTPUT=/var/lib/fer-edge/door/faces.jsonl"
    board.check(f"printf 'FER_EDGE_CAMERA=demo\\nFER_EDGE_LISTEN=127.0.0.1:8651\\n{output}\\n' >/etc/fer-edge/door.env")
    since = board.uptime()
    board.check("systemctl --no-block start fer-edge@door")
    try:
        door.wait_until_ready(since)
        door.wait_for_frames(1)
        assert any("watching demo" in line.text for line in door.journal())
        assert board.check("tail -n 1 /var/lib/fer-edge/door/faces.jsonl").endswith("}")
        assert service.health()["status"] != "down"
    finally:
        board.check("systemctl stop fer-edge@door; rm /etc/fer-edge/door.env")


def test_a_mistake_in_the_settings_is_told_once_and_not_tried_again_and_again(board: Guest, service: Service) -> None:
    board.check(f"cp {SETTINGS} /root/kept.toml && sed -i 's/^camera/cammera/' {SETTINGS}")
    since = board.uptime()
    try:
        # NRestarts counts those of other tests, too.
        board.run("systemctl reset-failed fer-edge; systemctl restart fer-edge")
        board.check("sleep 7")
        assert service.show("ActiveState") == "failed"
        assert (service.show("ExecMainStatus"), service.show("NRestarts")) == ("3", "0")
        said = "\n".join(line.text for line in service.journal(since))
        for words in ("cammera", SETTINGS, r"\bcamera\b"):
            assert re.search(words, said), said
    finally:
        board.check(f"cp /root/kept.toml {SETTINGS}")


def test_it_starts_by_itself_after_a_reboot(board: Guest, service: Service) -> None:
    lines = int(board.check(f"wc -l <{RESULTS}"))
    board.reboot("systemctl reboot")
    note("after a reboot: READY after the kernel's start", service.wait_until_ready(0.0))
    service.wait_for_frames()
    assert service.show("NRestarts") == "0"
    assert int(board.check(f"wc -l <{RESULTS}")) > lines


def test_a_power_cut_costs_no_more_than_the_last_results(board: Guest, service: Service) -> None:
    board.check("sync")
    lines = int(board.check(f"wc -l <{RESULTS}"))
    board.reboot("echo b >/proc/sysrq-trigger")
    service.wait_until_ready(0.0)
    service.wait_for_frames()
    assert int(board.check(f"wc -l <{RESULTS}")) >= lines
    whole = "import sys; print([n for n, text in enumerate(sys.stdin) if not text.strip().endswith('}')])"
    torn = board.check(f'python3 -c "{whole}" <{RESULTS}')
    assert torn.count(",") == 0, torn


def test_uninstalling_stops_it_and_leaves_settings_and_results(board: Guest, service: Service) -> None:
    process = service.show("MainPID")
    board.check(f"{PROGRAM} service uninstall")
    assert board.run(f"test -e /proc/{process}").code == 1
    assert board.run("systemctl cat fer-edge").code != 0
    assert board.run("find /etc/systemd -name 'fer-edge*'").text == ""
    board.check(f"test -s {SETTINGS} && test -s {RESULTS}")
    assert board.check(f"{PROGRAM} service uninstall").endswith("Nothing had to be changed.")
