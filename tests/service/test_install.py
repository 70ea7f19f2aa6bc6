from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import List

import pytest

from fer_edge.cli import main
from fer_edge.errors import ServiceError, SettingsError
from fer_edge.service.install import UNITS, find_program, install_steps, shipped
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


@needs_systemd
@needs_root
def test_settings_that_were_changed_stay_and_removing_leaves_them_unless_told(card: Path) -> None:
    install(card)
    settings = card / "etc/fer-edge/fer-edge.toml"
    settings.write_text('camera = "demo"\n')
    install(card)
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


def test_a_program_that_the_service_could_not_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    program = tmp_path / "fer-edge"
    with pytest.raises(ServiceError, match="There is no program"):
        find_program(str(program), Path("/"))
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    if str(tmp_path).startswith("/tmp/"):
        with pytest.raises(ServiceError, match="python3 -m venv /opt/fer-edge"):
            find_program(str(program), Path("/"))


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
    assert (settings.display, settings.reconnect, settings.append) == ("none", "always", True)
    assert settings.listen is not None
    assert settings.listen.local
