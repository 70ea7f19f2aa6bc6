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
    # Whatever was fetched is what the list wants, unless a test says that it is something else.
    "curl": 'for word; do [ "${before:-}" = --output ] && echo wheel > "$word"; before=$word; done; '
    'case "$word" in *${DEAD:-nothing}*) exit 6;; esac',
    "sha256sum": 'case "${1:-}" in *.part) name=${1##*/}; echo "${OTHER:-$(grep -hF " ${name%.part} " "$WHEELS"/*.wheels)}";; '
    '*) exec /usr/bin/sha256sum "$@";; esac',
}
COMMANDS["python3"] = COMMANDS["python3.8"]
LOOKING = ("id", "dpkg-query", "df", "sudo", "fer-edge", "nvpmodel -q", "python -c", "sha256sum")


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
            notes = f'echo "$(basename "$0") $*" >> "{self.calls}"\necho "$(basename "$0") $PWD" >> "{self.folders}"'
            fake.write_text(f"#!/bin/bash\n{notes}\n{body}\n")
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
                "WHEELS": str(DOCKER.parent / "requirements"),
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
    assert pip[0].endswith("lock/build.txt"), "the pip that comes with Ubuntu 18.04 cannot read today's packages"
    assert pip[-1].endswith(f"--no-index {DOCKER.parent}")
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
    ran = [line.split() for line in board.folders.read_text().splitlines()]
    assert {folder for name, folder in ran if name.startswith("python")} == {"/"}
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
    for change in ("apt-get install", "usermod", "jetson_clocks", "venv", "requirements/install", "doctor"):
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


def test_every_package_that_a_board_gets_is_compared_with_a_hash(board: Board) -> None:
    code, said = board.run()
    assert code == 0, said
    fetched = [call for call in board.changes() if call.startswith("curl")]
    assert fetched
    for call in fetched:
        assert "--proto =https" in call
        assert "nvidia" in call.split()[-1] or "jetson-ai-lab" in call.split()[-1]
    installed = [call.split("pip install ")[1] for call in board.changes() if "pip install" in call]
    by_hash = [call for call in installed if "--require-hashes" in call]
    (wheels,) = [call for call in installed if ".whl" in call]
    (own,) = [call for call in installed if "--no-index" in call]
    assert len(by_hash) == 3, "pip's tools, the packages, and what is compiled"
    assert sorted(installed) == sorted([*by_hash, wheels, own])
    assert all(call.startswith("--no-cache-dir --no-deps") for call in (wheels, own))


WHEEL = "https://mirror.example/onnxruntime_gpu-1.11.0-cp38-cp38-linux_aarch64.whl"


def test_the_build_of_onnx_runtime_can_be_chosen(nano: Board) -> None:
    nano.run("--onnxruntime", "pypi", "--no-clocks")
    assert not any("onnxruntime_gpu" in call for call in nano.changes() if not call.startswith("cut"))
    assert not any(call.startswith(("jetson_clocks", "nvpmodel -m")) for call in nano.changes())
    address = f"{WHEEL}#sha256={'0' * 64}"
    nano.run("--onnxruntime", address)
    (call,) = [call for call in nano.changes() if "onnxruntime_gpu" in call]
    assert f" {address} " in call


@pytest.mark.parametrize("place", [WHEEL, f"{WHEEL}#sha256=12", f"http{WHEEL[5:]}#sha256={'0' * 64}"])
def test_a_wheel_is_not_taken_from_an_address_without_its_hash(nano: Board, place: str) -> None:
    code, said = nano.run("--onnxruntime", place)
    assert code == 2
    assert "sha256" in said
    assert nano.changes() == []


def test_a_file_that_is_not_the_one_of_the_list_is_not_installed(board: Board) -> None:
    code, said = board.run(OTHER="0" * 64)
    assert code == 1
    assert "gave another file than" in said
    assert not any("pip install" in call for call in board.changes())


def test_a_third_party_is_asked_only_when_that_was_allowed(nano: Board) -> None:
    code, said = nano.run(DEAD="nvidia")
    assert code == 1
    assert "--allow-mirror takes it from https://github.com/" in said
    assert not any("github.com" in call for call in nano.changes())
    code, said = nano.run("--allow-mirror", DEAD="nvidia")
    assert code == 0, said
    assert said.count("from a third party: https://github.com/") == 2


def test_a_step_that_fails_is_named_and_the_next_run_goes_on(nano: Board) -> None:
    pip = nano.fakes / "environment-python"
    working = pip.read_text()
    pip.write_text(working + 'case "$*" in *pip?install*) exit 7;; esac\n')
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
