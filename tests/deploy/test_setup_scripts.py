"""docker/setup-jetpack*.sh on a made-up board: the system's commands are stand-ins that keep the board's state in files."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

DOCKER = Path(__file__).parents[2] / "docker"
BOARDS = {
    "setup-jetpack4.sh": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64\n",
    "setup-jetpack6.sh": "# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64\n",
}
FREQUENCIES = "sys/devices/system/cpu/cpu0/cpufreq"

# Each notes how it was called; those that change the board change its files.
COMMANDS = {
    "sudo": 'exec "$@"',
    "id": 'case $1 in -u) echo 1000;; -un) echo maker;; -nG) cat "$SETUP_ROOT/groups";; esac',
    "dpkg-query": 'for name; do :; done; grep -qx "$name" "$SETUP_ROOT/packages" && printf installed',
    "apt-get": 'if [ "$1" = install ]; then shift; for name; do echo "$name" >> "$SETUP_ROOT/packages"; done; fi',
    "usermod": 'echo "maker video" > "$SETUP_ROOT/groups"',
    "nvpmodel": 'if [ "$1" = -m ]; then echo "$2" > "$SETUP_ROOT/mode"; else cat "$SETUP_ROOT/mode"; fi',
    "jetson_clocks": f'cp "$SETUP_ROOT/{FREQUENCIES}/scaling_max_freq" "$SETUP_ROOT/{FREQUENCIES}/scaling_min_freq"',
    "fallocate": 'for file; do :; done; echo swap > "$file"',
    "mkswap": "",
    "swapon": 'echo "SwapTotal: 4194300 kB" > "$SETUP_ROOT/proc/meminfo"',
    "df": 'printf "Filesystem 1024-blocks Used Available\\n/dev/root 30000000 1 20000000\\n"',
    "python3.8": 'for folder; do :; done; mkdir -p "$folder/bin"; cp "$FAKES/environment-python" "$folder/bin/python"; '
    'cp "$FAKES/fer-edge" "$folder/bin/fer-edge"',
    "environment-python": "",
    "fer-edge": 'exit "${DOCTOR:-0}"',
}
COMMANDS["python3"] = COMMANDS["python3.8"]
LOOKING = ("id", "dpkg-query", "df", "sudo", "fer-edge", "nvpmodel -q", "python -c")


class Board:
    def __init__(self, folder: Path, script: str) -> None:
        self.root, self.home, self.fakes = folder / "root", folder / "home", folder / "fakes"
        self.script = DOCKER / script
        self.calls = folder / "calls"
        self.folders = folder / "folders"
        for path, text in {
            "etc/nv_tegra_release": BOARDS[script],
            "etc/fstab": "",
            "etc/environment": "",
            "usr/local/cuda/bin/nvcc": "",
            "proc/meminfo": "SwapTotal: 0 kB\n",
            "groups": "maker sudo\n",
            "packages": "build-essential\n",
            "mode": "1\n",
            f"{FREQUENCIES}/scaling_min_freq": "102000\n",
            f"{FREQUENCIES}/scaling_max_freq": "1479000\n",
        }.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.root / "usr/local/cuda/bin/nvcc").chmod(0o755)
        self.fakes.mkdir()
        self.home.mkdir()
        for name, body in COMMANDS.items():
            fake = self.fakes / name
            fake.write_text(
                f'#!/bin/bash\necho "$(basename "$0") $*" >> "{self.calls}"\npwd >> "{self.folders}"\n{body}\n'
            )
            fake.chmod(0o755)

    def run(self, *options: str, **environment: str) -> Tuple[int, str]:
        self.calls.write_text("")
        self.folders.write_text("")
        done = subprocess.run(
            [str(self.script), *options],
            cwd=self.home,
            env={
                "PATH": f"{self.fakes}:/usr/bin:/bin",
                "HOME": str(self.home),
                "SETUP_ROOT": str(self.root),
                "FAKES": str(self.fakes),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def changes(self) -> List[str]:
        return [call for call in self.calls.read_text().splitlines() if not call.startswith(LOOKING)]

    def files(self) -> Dict[str, str]:
        """Give every file of the board and of the home folder."""
        folders = (self.root, self.home)
        return {str(path): path.read_text() for root in folders for path in root.rglob("*") if path.is_file()}


@pytest.fixture(params=sorted(BOARDS))
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Board:
    return Board(tmp_path, request.param)


@pytest.fixture
def nano(tmp_path: Path) -> Board:
    return Board(tmp_path, "setup-jetpack4.sh")


def test_a_bare_board_is_set_up_and_a_second_run_changes_nothing(board: Board) -> None:
    code, said = board.run()
    assert code == 0, said
    calls = board.changes()
    pip = [call for call in calls if "-m pip install" in call]
    assert "--upgrade pip" in pip[0], "the pip that comes with Ubuntu 18.04 cannot read today's packages"
    assert "fer-edge" not in pip[0]
    assert "gpu,jetson]" in pip[1]
    assert "OPENBLAS_CORETYPE=ARMV8" in (board.root / "etc/environment").read_text()
    assert "video" in (board.root / "groups").read_text()
    assert "jetson_clocks " in calls

    before = board.files()
    code, said = board.run()
    assert code == 0, said
    assert board.changes() == []
    assert board.files() == before


def test_no_file_of_the_folder_that_a_setup_is_started_in_is_run(board: Board) -> None:
    board.run("--environment", "here")
    assert set(board.folders.read_text().split()) == {"/"}
    assert (board.home / "here" / "bin" / "python").exists()


def test_a_nano_gets_swap_that_stays_and_its_ten_watt_mode(nano: Board) -> None:
    nano.run()
    assert "/fer-edge.swap none swap sw 0 0" in (nano.root / "etc/fstab").read_text()
    assert (nano.root / "mode").read_text() == "0\n"


def test_a_dry_run_names_every_change_and_makes_none(board: Board) -> None:
    before = board.files()
    code, said = board.run("--dry-run")
    assert code == 0, said
    assert board.changes() == []
    assert board.files() == before
    for change in ("apt-get install", "usermod", "jetson_clocks", "venv", "pip install --upgrade pip", "doctor"):
        assert change in said


def test_another_board_is_refused_unless_forced(nano: Board) -> None:
    (nano.root / "etc/nv_tegra_release").write_text(BOARDS["setup-jetpack6.sh"])
    code, said = nano.run()
    assert code == 3
    assert "L4T 36.4.0" in said
    assert nano.changes() == []
    code, said = nano.run("--force", "--dry-run")
    assert code == 0, said


def test_a_machine_that_is_no_jetson_is_refused(board: Board) -> None:
    (board.root / "etc/nv_tegra_release").unlink()
    code, said = board.run()
    assert code == 3
    assert "no Jetson" in said


def test_a_nano_with_the_older_tensorrt_is_told_which_card_to_write(nano: Board) -> None:
    (nano.root / "etc/nv_tegra_release").write_text("# R32 (release), REVISION: 6.1, GCID: 27863751\n")
    code, said = nano.run()
    assert code == 3
    assert "4.6.1" in said


@pytest.mark.parametrize(
    "options", [["--fast"], ["--swap", "much"], ["--swap"], ["--onnxruntime", "newest"], ["--environment", "--dry-run"]]
)
def test_a_wrong_option_ends_with_two_and_points_the_way(nano: Board, options: List[str]) -> None:
    code, said = nano.run(*options)
    assert code == 2
    assert options[0] in said
    assert nano.changes() == []


def test_the_build_of_onnx_runtime_can_be_chosen(nano: Board) -> None:
    nano.run("--onnxruntime", "pypi", "--no-clocks")
    assert any("cpu,jetson]" in call for call in nano.changes())
    assert not any(call.startswith(("jetson_clocks", "nvpmodel -m")) for call in nano.changes())
    nano.run("--onnxruntime", "https://mirror.example/onnxruntime_gpu-1.11.0-cp38-cp38-linux_aarch64.whl")
    assert any("https://mirror.example/onnxruntime_gpu-1.11.0" in call for call in nano.changes())


def test_a_step_that_fails_is_named_and_the_next_run_goes_on(nano: Board) -> None:
    pip = nano.fakes / "environment-python"
    working = pip.read_text()
    pip.write_text(working + 'case "$*" in *jetson*) exit 7;; esac\n')
    code, said = nano.run()
    assert code == 1
    assert "exit code 7" in said
    assert "stopped while Python packages" in said
    (nano.home / "fer-edge-env/bin/python").write_text(working)
    code, said = nano.run()
    assert code == 0, said
    assert not any(call.startswith("apt-get") for call in nano.changes())


def test_what_doctor_finds_missing_is_the_exit_code(nano: Board) -> None:
    code, said = nano.run(DOCTOR="51")
    assert code == 51
    assert "cannot run yet" in said


def test_help_explains_every_option(board: Board) -> None:
    code, said = board.run("--help")
    assert code == 0
    for option in ("--dry-run", "--environment", "--onnxruntime", "--swap", "--no-clocks", "--force", "exit codes"):
        assert option in said
