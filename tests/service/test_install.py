from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

import pytest

from fer_edge.cli.main import main
from fer_edge.errors import MissingExtra, ServiceError, SettingsError, UsageError
from fer_edge.service import install as module
from fer_edge.service import program as finding
from fer_edge.service.install import UNITS, install_steps, shipped, uninstall_steps
from fer_edge.service.libraries import demand_libraries
from fer_edge.service.program import find_program, missing_program
from fer_edge.service.steps import carry_out, run_command
from fer_edge.settings import load_settings

PROGRAM = "/opt/fer-edge/bin/fer-edge"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or shutil.which("systemd-sysusers") is None, reason="systemd is not here"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="making accounts takes root")

NEWER_THAN_237 = [
    "TemporaryFileSystem",
    "ProtectHostname",
    "RestrictSUIDSGID",
    "ProtectKernelLogs",
    "ProtectClock",
    "ProtectProc",
    "ProcSubset",
    "PrivateMounts",
    "LogRateLimitIntervalSec",
    "LogNamespace",
    "LoadCredential",
    "ExecCondition",
    "Type=exec",
    "StandardOutput=append",
    "TimeoutStopFailureMode",
]


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Make the file system of a board, as far as the installer looks at it."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc" / "group").write_text("root:x:0:\nvideo:x:44:somebody\n")
    return tmp_path


def install(card: Path, *more: str) -> int:
    return main(["service", "install", "--root", str(card), "--program", PROGRAM, *more])


def snapshot(folder: Path) -> List[object]:
    return [
        (str(path), path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    ]


@needs_systemd
@needs_root
def test_installing_puts_units_settings_and_the_account_in_place_and_again_changes_nothing(
    card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(card) == 0
    assert f"ExecStart={PROGRAM} " in (card / "etc/systemd/system/fer-edge.service").read_text()
    assert (card / "etc/systemd/system/multi-user.target.wants/fer-edge.service").is_symlink()
    assert re.search(r"^video:x:44:.*\bfer-edge\b", (card / "etc/group").read_text(), re.MULTILINE)
    assert "fer-edge:x:" in (card / "etc/passwd").read_text()
    secret = card / "etc/fer-edge/fer-edge.env"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = snapshot(card)
    capsys.readouterr()
    assert install(card) == 0
    assert "Nothing had to be changed." in capsys.readouterr().out
    assert snapshot(card) == before


def test_settings_that_the_service_would_refuse_are_refused_before_anything_is_changed(card: Path) -> None:
    settings = card / "etc/fer-edge/fer-edge.toml"
    settings.parent.mkdir()
    settings.write_text('camra = "0"\n')
    before = snapshot(card)
    with pytest.raises(SettingsError, match="Did you mean 'camera'") as caught:
        install(card)
    assert str(settings) in str(caught.value)
    assert snapshot(card) == before


DOOR = '[[camera]]\nname = "front"\nsource = "0"\n[[camera]]\nname = "door"\nfps = 15\n'


def test_a_camera_of_the_settings_may_have_its_source_among_the_secrets_and_must_have_one(card: Path) -> None:
    folder = card / "etc/fer-edge"
    folder.mkdir()
    (folder / "fer-edge.toml").write_text(DOOR)
    with pytest.raises(SettingsError, match="line 4: nothing gives the camera 'door' a source"):
        install(card, "--dry-run")
    (folder / "fer-edge.env").write_text("FER_EDGE_CAMERA__DOOR__SOURCE=rtsp://user:pa=ss@door/live\n")
    assert install(card, "--dry-run") == 0


@pytest.mark.parametrize(
    ("file", "variables", "place"),
    [
        ('listen = "0.0.0.0:8650"', {}, "fer-edge.toml, line 1"),
        ('listen = "0.0.0.0:8650"', {"# FER_EDGE_TOKEN": "sesame"}, "fer-edge.toml, line 1"),
        ("", {"FER_EDGE_LISTEN": "0.0.0.0:8650"}, "FER_EDGE_LISTEN"),
        ('[web]\nlisten = "0.0.0.0:8650"', {}, "fer-edge.toml, line 2"),
        ('[web]\nlisten = "0.0.0.0:8650"', {"FER_EDGE_WEB__TOKEN": "sesame"}, ""),
        ('listen = "0.0.0.0:8650"', {"FER_EDGE_TOKEN": '"sesame"'}, ""),
        ('listen = "0.0.0.0:8650"', {"FER_EDGE_LISTEN": "127.0.0.1:8650"}, ""),
        ('listen = "127.0.0.1:8650"', {"PATH": "/usr/bin"}, ""),
    ],
)
def test_an_address_for_others_needs_a_token_before_anything_is_changed(
    card: Path, file: str, variables: Dict[str, str], place: str
) -> None:
    folder = card / "etc/fer-edge"
    folder.mkdir()
    (folder / "fer-edge.toml").write_text(file + "\n")
    (folder / "fer-edge.env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    if not place:
        assert install(card, "--dry-run") == 0
        return
    before = snapshot(card)
    with pytest.raises(SettingsError, match=f"{place}: listening on 0.0.0.0:8650") as caught:
        install(card)
    assert f"{folder}/fer-edge.env" in str(caught.value)
    assert snapshot(card) == before


@needs_systemd
@needs_root
def test_settings_that_were_changed_stay_and_removing_leaves_them_unless_told(
    card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(card)
    settings = card / "etc/fer-edge/fer-edge.toml"
    settings.write_text('camera = "demo"\n')
    install(card)
    assert f"keep {settings}, which was changed here" in capsys.readouterr().out
    assert settings.read_text() == 'camera = "demo"\n'
    assert main(["service", "uninstall", "--root", str(card)]) == 0
    assert not list((card / "etc/systemd/system").glob("**/fer-edge*"))
    assert settings.exists()
    assert main(["service", "uninstall", "--root", str(card), "--purge"]) == 0
    assert not settings.exists()
    assert main(["service", "uninstall", "--root", str(card)]) == 0


def test_a_dry_run_says_what_it_would_do_and_does_nothing(card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(card)
    assert install(card, "--dry-run") == 0
    said = capsys.readouterr().out
    for words in ("would write", "fer-edge.service", "would create the user fer-edge", "enable fer-edge.service"):
        assert words in said
    assert "nothing was changed" in said
    assert snapshot(card) == before


def make_program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_program_that_the_service_could_not_run_is_refused_with_what_to_do() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        program = Path(folder) / "fer-edge"
        with pytest.raises(ServiceError, match="There is no program"):
            find_program(str(program), Path("/"))
        make_program(program)
        with pytest.raises(ServiceError, match=f"{program}: what lies there is removed at boot") as caught:
            find_program(str(program), Path("/"))
    assert "python3 -m venv /opt/fer-edge" in caught.value.remedy
    assert "cannot run" not in caught.value.message


def test_the_shipped_unit_hides_from_the_service_what_the_installer_says_it_hides() -> None:
    unit = shipped("fer-edge.service")
    assert "\nProtectHome=yes\n" in unit
    assert "\nPrivateTmp=" not in unit, "else /tmp is hidden, too, and the installer should say so"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_card_without_the_program_is_prepared_with_a_word_on_what_it_lacks(
    dry: List[str], card: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_edge.cli.service.run_command", lambda command: None)
    for more in ([], ["--program", "/srv/fer-edge"]):
        path = more[-1] if more else PROGRAM
        assert main(["service", "install", "--root", str(card), *more, *dry]) == 0
        assert f"there is no {path} in {card} yet" in capsys.readouterr().out
        make_program(card / path[1:])
        assert main(["service", "install", "--root", str(card), *more, *dry]) == 0
        assert "Note:" not in capsys.readouterr().out
    assert main(["service", "uninstall", "--root", str(card), *dry]) == 0
    assert "Note:" not in capsys.readouterr().out


def test_a_program_that_is_a_link_of_the_card_s_own_is_there(card: Path) -> None:
    (card / "opt").mkdir()
    (card / "opt/fer-edge").symlink_to("/srv/fer-edge")
    assert missing_program(PROGRAM, card) != ""
    make_program(card / "srv/fer-edge/bin/fer-edge")
    assert missing_program(PROGRAM, card) == ""


@pytest.mark.parametrize("first", ["#!{}\n", "#! {} -I\n", "#!/bin/sh\n'''exec' {} \"$0\" \"$@\"\n"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_program_whose_interpreter_the_service_could_not_run_is_refused_too(
    first: str, linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "HIDDEN_FROM_SERVICE", (f"{tmp_path}/root",))
    monkeypatch.setattr(finding, "SHORT_LIVED", ())  # the test's own folder lies there
    hidden = interpreter = make_program(tmp_path / "root/python3")
    if linked:
        interpreter = tmp_path / "opt/python3"
        interpreter.parent.mkdir()
        interpreter.symlink_to(hidden)
    program = make_program(tmp_path / "opt/bin/fer-edge", first.format(interpreter))
    with pytest.raises(ServiceError, match=f"{hidden}: home folders are hidden"):
        find_program(str(program), Path("/"))
    make_program(program, first.format("/usr/bin/python3"))
    assert find_program(str(program), Path("/")) == str(program)


@pytest.mark.parametrize("program", ["/opt/my dir/fer-edge", "/opt/100%/fer-edge", '/opt/"x"/fer-edge', "bin/fer-edge"])
def test_a_path_that_systemd_would_read_otherwise_is_refused(card: Path, program: str) -> None:
    with pytest.raises(ServiceError, match="systemd cannot start"):
        find_program(program, card)


def test_on_a_card_the_program_is_where_the_guide_puts_it_and_this_machine_s_own_plays_no_part(card: Path) -> None:
    assert find_program(None, card) == PROGRAM


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_card_that_is_not_mounted_is_said_to_be_no_system_and_nothing_is_made(verb: str, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ServiceError, match=f"There is no system in {root}"):
            main(["service", verb, "--root", str(root)])
    assert not list(tmp_path.iterdir())


@pytest.fixture
def told(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a systemd in place that notes what it is told, and does nothing but answer whether the service is active."""
    folder = tmp_path_factory.mktemp("bin")
    note = folder / "told"
    (folder / "state").touch()
    for name in ("systemctl", "systemd-sysusers", "userdel"):
        make_program(folder / name, f'#!/bin/sh\necho "{name} $*" >>"{note}"\ncat "{folder}/state"\n')
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return note


def test_on_this_machine_it_is_started_and_what_runs_is_restarted_only_when_something_changed(
    card: Path, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install_here(start: bool = True) -> List[str]:
        told.write_text("")
        carry_out(install_steps(PROGRAM, card, start, run_command), False, lambda line: None)
        return [line for line in told.read_text().splitlines() if "is-active" not in line]

    monkeypatch.setattr(module, "HERE", card)
    reload = "systemctl daemon-reload"
    restart = ["systemctl --no-block restart fer-edge.service", "systemctl --no-block try-restart fer-edge@*.service"]
    assert install_here(start=False) == ["systemd-sysusers fer-edge.conf", reload]
    (card / "etc/passwd").write_text("fer-edge:x:999:999::/:/bin/false\n")
    (card / "etc/group").write_text("video:x:44:fer-edge\n")
    enable = "systemctl enable fer-edge.service"
    assert install_here() == [enable, "systemctl --no-block start fer-edge.service"]
    wants = card / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "fer-edge.service").symlink_to("../fer-edge.service")
    (told.parent / "state").write_text("activating\n")
    assert install_here() == []
    (card / "etc/systemd/system/fer-edge@.service").write_text("of an older version\n")
    assert install_here() == [reload, *restart]


def test_uninstalling_here_stops_every_camera_first_and_forgets_them_at_last(
    card: Path, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HERE", card)
    carry_out(install_steps(PROGRAM, card, False, run_command), False, lambda line: None)
    told.write_text("")
    carry_out(uninstall_steps(card, False, run_command), False, lambda line: None)
    assert told.read_text().splitlines() == [
        "systemctl stop fer-edge.service fer-edge@*.service",
        "systemctl disable fer-edge.service",
        "systemctl daemon-reload",
    ]


def test_uninstalling_removes_the_links_of_every_enabled_camera(card: Path, told: Path) -> None:
    carry_out(install_steps(PROGRAM, card, False, run_command), False, lambda line: None)
    for target in ("multi-user.target.wants", "graphical.target.wants"):
        folder = card / "etc/systemd/system" / target
        folder.mkdir()
        (folder / "fer-edge@door.service").symlink_to("/etc/systemd/system/fer-edge@.service")
        (folder / "other@door.service").symlink_to("/etc/systemd/system/other@.service")
    assert main(["service", "uninstall", "--root", str(card)]) == 0
    left = sorted(path.name for path in (card / "etc/systemd/system").glob("*/*"))
    assert left == ["other@door.service", "other@door.service"]


def test_a_step_that_fails_says_which_and_the_exit_code_is_documented(card: Path) -> None:
    def refuse(command: object) -> None:
        raise ServiceError(f"'{command}' failed")

    (card / "etc/systemd").write_text("in the way")
    with pytest.raises(ServiceError, match="Could not write .*fer-edge.service"):
        main(["service", "install", "--root", str(card), "--program", PROGRAM, "--no-start"])
    assert ServiceError.exit_code == 53
    assert all(step.what for step in install_steps(PROGRAM, card, True, refuse))


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_has_nothing_to_say_about_the_units_and_finds_them_well_hardened(unit: str, tmp_path: Path) -> None:
    file = tmp_path / unit.replace("@", "@door")
    file.write_text(shipped(unit).replace(PROGRAM, "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    if "Failed to prepare" in verified.stderr or "Failed to initialize" in verified.stderr:
        pytest.skip(verified.stderr)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(file)]
    judged = subprocess.run(security, capture_output=True, text=True, timeout=60, check=False)
    assert judged.returncode == 0, judged.stdout[-300:]
    assert "OK" in judged.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_use_nothing_that_the_systemd_of_ubuntu_18_04_does_not_know(unit: str) -> None:
    lines = [line for line in shipped(unit).splitlines() if not line.startswith("#")]
    assert not [line for line in lines for name in NEWER_THAN_237 if line.startswith(name)]
    # A comment behind a value would be part of the value.
    assert not [line for line in lines if "#" in line]


def test_the_unit_for_several_cameras_differs_only_in_what_each_camera_has_for_itself() -> None:
    one, many = shipped(UNITS[0]).splitlines(), shipped(UNITS[1]).splitlines()
    assert {line.partition("=")[0] for line in set(one) ^ set(many) if not line.startswith("#")} == {
        "Description",
        "EnvironmentFile",
        "WorkingDirectory",
        "StateDirectory",
    }


def test_the_shipped_settings_are_valid_and_wait_for_the_camera(tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text(shipped("fer-edge.toml").replace("# output", "output"))
    settings = load_settings({}, {}, file)
    assert (settings.outputs.display, settings.run.reconnect, settings.outputs.append) == ("none", "always", True)
    assert settings.web.listen is not None
    assert settings.web.listen.local
    text = file.read_text()
    for asked, place in (("history", "history.db"), ("mqtt", "mqtts://homeassistant.local:8883")):
        assert f"# {asked} = " in text
        file.write_text(text.replace(f"# {asked}", asked))
        chosen = load_settings({}, {}, file)
        assert {"history": chosen.history.file, "mqtt": chosen.mqtt.broker}[asked] == place


@pytest.mark.parametrize(
    ("line", "module", "extra"), [("", "uvicorn", "service"), ('mqtt = "mqtt://broker"', "paho", "mqtt")]
)
def test_settings_that_need_a_library_which_is_not_beside_the_program_are_refused(
    line: str, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text(f"{line}\n{shipped('fer-edge.toml')}")
    settings = load_settings({}, {}, file)
    program = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "fer-edge")
    demand_libraries(settings, program)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=module) as caught:
        demand_libraries(settings, program)
    assert f"sudo {os.path.dirname(program)}/pip install" in caught.value.remedy
    assert f"[{extra}]" in caught.value.remedy
    demand_libraries(settings, "/another/environment/fer-edge")


def directives(unit: str) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for line in shipped(unit).splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_whatever_ends_the_service_it_is_started_anew_but_after_what_a_start_does_not_mend(unit: str) -> None:
    given = directives(unit)
    assert (given["Restart"], given["StartLimitIntervalSec"]) == (["always"], ["0"])
    assert "StartLimitBurst" not in given
    (prevented,) = given["RestartPreventExitStatus"]
    permanent = {error.exit_code for error in (UsageError, SettingsError, MissingExtra)}
    assert {int(code) for code in prevented.split()} == permanent
    guide = (Path(__file__).parents[2] / "docs/service.md").read_text(encoding="utf-8")
    (documented,) = re.findall(r"\(exit codes (\d+), (\d+) and (\d+)\)", guide)
    assert set(map(int, documented)) == permanent


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--config", "/nowhere/late-disk/fer-edge.toml"], "a disk that is mounted later"),
        (["--config", "/proc/self/mem"], "a disk that fails"),
        (["--model", "/nowhere/late-disk/model.onnx"], "a disk that is mounted later"),
        (["--device", "gpu"], "CUDA that is not up"),
        (["--output", "/nowhere/late-disk/out.jsonl"], "a disk that is mounted later"),
        (["--display", "window"], "a desktop that is not up"),
        (["--listen", "192.0.2.1:8650"], "a network that is not up"),
        (["--camera", "rtsp://board.invalid/live"], "a name service that is not up"),
        (["--camera", "/dev/video77"], "a camera that is not plugged in"),
    ],
)
def test_what_may_heal_by_itself_ends_with_a_code_after_which_systemd_starts_it_anew(
    arguments: List[str], why: str
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FER_EDGE_", "DISPLAY", "WAYL"))}
    camera = [] if "--camera" in arguments else ["--camera", "demo"]
    command = [sys.executable, "-m", "fer_edge", "--display", "none", "--frames", "1", *camera, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**kept, "FER_EDGE_TOKEN": "x"}
    )
    (prevented,) = directives(UNITS[0])["RestartPreventExitStatus"]
    assert done.returncode > 0, why
    assert str(done.returncode) not in prevented.split(), (why, done.stderr)


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_bound_the_memory_and_let_nothing_report(unit: str) -> None:
    given = directives(unit)
    assert given["MemoryMax"] == ["75%"]
    assert given["MemorySwapMax"] == ["2G"]
    assert "ORT_DISABLE_TELEMETRY=1" in " ".join(given["Environment"]).split()


@pytest.mark.parametrize("unit", UNITS)
def test_the_kernel_knows_cameras_before_the_units_say_which_devices_are_allowed(unit: str) -> None:
    given = directives(unit)
    assert "char-video4linux rw" in given["DeviceAllow"]
    assert "modprobe@videodev.service" in given["Wants"]
    assert "modprobe@videodev.service" in given["After"]


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_waits_for_a_network_that_may_never_come(unit: str) -> None:
    given = directives(unit)
    assert not {"Requires", "BindsTo", "Requisite"} & set(given)
    assert not [wanted for wanted in given["Wants"] if "network" in wanted]
    assert "network-online.target" not in " ".join(given["After"])
    assert "network.target" in " ".join(given["After"]).split()


@needs_systemd
@needs_root
def test_outputs_are_set_up_with_the_installation_and_what_stands_in_the_file_stays(
    card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(card, "--set", "history=history.db", "--set", "web-names=nano.local,nano") == 0
    secret = card / "etc/fer-edge/fer-edge.env"
    lines = secret.read_text().splitlines()
    assert lines[-2:] == ["FER_EDGE_HISTORY=history.db", "FER_EDGE_WEB_NAMES=nano.local,nano"]
    assert "#FER_EDGE_TOKEN=" in lines
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.write_text("FER_EDGE_TOKEN=word\n" + secret.read_text())
    capsys.readouterr()
    assert install(card, "--set", "history=history.db") == 0
    assert "Nothing had to be changed." in capsys.readouterr().out
    assert install(card, "--set", "history=other.db", "--set", "web_names=") == 0
    changed = [line for line in secret.read_text().splitlines() if not line.startswith("#")]
    assert changed == ["FER_EDGE_TOKEN=word", "FER_EDGE_HISTORY=other.db"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("histroy=x.db", "is no setting"),
        ("history", "is no setting with its value"),
        ("mqtt_password=secret", "does not belong on a command line"),
        ("history=a\nFER_EDGE_TOKEN=", "for its file"),
        ("history=not-utf-8-\udcff", "for its file"),
        ("mqtt=nonsense://", "FER_EDGE_MQTT"),
        ("listen=0.0.0.0:8650", "no token"),
    ],
)
def test_a_setting_that_the_service_would_refuse_is_not_set_up(card: Path, asked: str, why: str) -> None:
    before = snapshot(card)
    with pytest.raises((UsageError, SettingsError), match=why) as caught:
        install(card, "--set", asked)
    assert caught.value.remedy
    assert snapshot(card) == before
