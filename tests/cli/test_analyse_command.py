from __future__ import annotations

import csv
import fcntl
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, Dict, List

import cv2
import pytest
from media_files import write_video
from waiting import wait_until

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.cli.main import main
from fer_edge.errors import RecordingsFailed, SourceUnreadable, UsageError
from fer_edge.system.signals import HUNG_UP

ROOT = Path(__file__).parents[2]
FAST = ("--detector", "blazeface", "--precision", "fp32")


def pictures(folder: Path, count: int) -> Path:
    """Write a folder of pictures, each a recording of its own."""
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (200, 200))
    for index in range(count):
        place = folder / f"r{index}"
        place.mkdir(parents=True)
        assert cv2.imwrite(str(place / "p.png"), portrait - index)
    return folder


def command(*arguments: object, **more: Any) -> List[str]:
    return [sys.executable, "-m", "fer_edge", "analyse", *map(str, arguments), *FAST]


def run(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=180, check=False, env=environment, **more
    )


def rows(path: Path) -> List[Dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_program_analyses_a_folder_skips_it_the_next_time_and_tells_programs_how_far_it_is(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 3)
    out = tmp_path / "results"
    first = run(tmp_path / "in", "--out", out, "--workers", 2)
    assert first.returncode == 0, first.stderr
    assert "3 recordings: 3 analysed" in first.stdout
    assert [row["name"] for row in rows(out / "summary.csv")] == ["r0", "r1", "r2"]
    again = run(tmp_path / "in", "--out", out, "--progress", "json")
    assert again.returncode == 0, again.stderr
    *progress, end = map(json.loads, again.stdout.splitlines())
    assert all(line["type"] == "progress" for line in progress)
    assert (end["type"], end["finished"], end["skipped"], end["failed"]) == ("end", 0, 3, 0)


def test_a_bad_recording_gives_its_exit_code_and_the_rest_is_done(tmp_path: Path, capfd: Any) -> None:
    pictures(tmp_path / "in", 1)
    (tmp_path / "in/bad.mp4").write_bytes(bytes(2000))
    with pytest.raises(RecordingsFailed, match="1 of 2 recordings") as told:
        main(["analyse", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *FAST, "--progress", "none"])
    assert told.value.exit_code == 70
    assert "failures.csv" in told.value.remedy
    assert [row["name"] for row in rows(tmp_path / "out/failures.csv")] == ["bad.mp4"]
    assert "all that could be read is in the results" in told.value.remedy
    assert [row["name"] for row in rows(tmp_path / "out/summary.csv")] == ["r0"]
    with pytest.raises(RecordingsFailed, match="1 of 1 recording could not") as told:
        main(["analyse", str(tmp_path / "in/bad.mp4"), "--out", str(tmp_path / "one"), *FAST, "--progress", "none"])
    assert "could be read" not in told.value.remedy


def test_what_could_be_read_in_part_is_not_counted_as_not_analysed(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 1)
    (tmp_path / "in/r0/torn.png").write_bytes(b"torn")
    base = ["analyse", str(tmp_path / "in"), *FAST, "--progress", "none", "--out"]
    with pytest.raises(RecordingsFailed, match=r"^1 of 1 recording could not be analysed wholly, ") as told:
        main([*base, str(tmp_path / "one")])
    assert "all that could be read is in the results" in told.value.remedy
    (tmp_path / "in/bad.mp4").write_bytes(bytes(2000))
    with pytest.raises(RecordingsFailed, match=r"^1 of 2 recordings could not be analysed, and 1 not wholly, "):
        main([*base, str(tmp_path / "two")])


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path: Path, capsys: Any) -> None:
    pictures(tmp_path / "in", 1)
    place = tmp_path / "in/r0"
    portrait = (place / "p.png").read_bytes()
    for index in range(4):
        (place / f"q{index}.png").write_bytes(portrait)
    (tmp_path / "in/bad.mp4").write_bytes(bytes(2000))
    base = ["analyse", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *FAST]
    assert main([*base, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "bad.mp4: would fail" in told
    assert "r0: 5 pictures" in told
    assert "an estimate from a trial of 4 frames of r0" in told
    assert not (tmp_path / "out").exists()
    (tmp_path / "in/bad.mp4").unlink()
    assert main([*base, "--progress", "none"]) == 0
    capsys.readouterr()
    assert main([*base, "--dry-run"]) == 0
    assert "finished before, would be skipped" in capsys.readouterr().out


def test_a_dry_run_tries_the_largest_recording_and_not_the_first(tmp_path: Path, capsys: Any) -> None:
    pictures(tmp_path / "in", 3)
    for index in range(4):
        assert cv2.imwrite(str(tmp_path / f"in/r1/q{index}.png"), cv2.imread(str(PORTRAIT)))
    for name in ("q0.png", "q1.png"):
        (tmp_path / "in/r0" / name).write_bytes((tmp_path / "in/r0/p.png").read_bytes())
    assert main(["analyse", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *FAST, "--dry-run"]) == 0
    assert "frames of r1 " in capsys.readouterr().out


def test_ctrl_c_or_sigterm_ends_it_in_the_middle_and_the_next_run_goes_on(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 40)
    out = tmp_path / "out"
    program = subprocess.Popen(
        command(tmp_path / "in", "--out", out, "--workers", 1),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    wait_until(lambda: list(out.glob("r*/summary.json")), "something is finished")
    program.send_signal(signal.SIGTERM)
    told, errors = program.communicate(timeout=60)
    assert program.returncode == 130, errors
    assert "run it again to go on" in told
    done = [row["name"] for row in rows(out / "summary.csv")]
    assert 0 < len(done) < 40
    assert {path.parent.name for path in out.glob("*/summary.json")} == set(done)
    assert not list(out.glob("**/*.tmp")) + list(out.glob("**/.parts"))
    last = run(tmp_path / "in", "--out", out)
    assert last.returncode == 0
    assert f"{40 - len(done)} analysed, {len(done)} finished before" in last.stdout


@pytest.mark.parametrize("how", ["SIGQUIT", "a closed terminal"])
def test_parts_that_an_end_of_any_kind_leaves_behind_are_gone_after_the_next_run(tmp_path: Path, how: str) -> None:
    pytest.importorskip("av")
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (96, 96))
    write_video(tmp_path / "long.mp4", (portrait - index % 9 for index in range(1500)), g="20")
    out = tmp_path / "out"
    other, terminal = pty.openpty()

    def belong_to_it() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGHUP, signal.SIGQUIT):  # which who runs this in the background may ignore
            signal.signal(number, signal.SIG_DFL)

    program = subprocess.Popen(
        command(tmp_path / "long.mp4", "--out", out, "--workers", 2),
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=belong_to_it,  # noqa: PLW1509
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(terminal)
    try:
        wait_until(lambda: list(out.glob("**/.parts/*")), "a part is there")
        os.close(other) if how == "a closed terminal" else program.send_signal(signal.Signals[how])
        code = program.wait(60)
    finally:
        program.kill()
        program.wait()
    assert code == (HUNG_UP if how == "a closed terminal" else -signal.Signals[how])
    assert code < 0 or not list(out.glob("**/.parts"))
    assert not list(out.glob("**/summary.json"))
    last = run(tmp_path / "long.mp4", "--out", out, "--every", 10)
    assert last.returncode == 0, last.stderr
    assert sorted(path.name for path in (out / "long.mp4").iterdir()) == ["frames.csv", "states.csv", "summary.json"]


def test_a_disk_that_is_full_ends_it_with_its_own_code_and_leaves_no_half_file(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 2)

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    done = run(tmp_path / "in", "--out", tmp_path / "out", preexec_fn=small)
    assert done.returncode == 31, done.stderr
    assert "cannot grow" in done.stderr
    left = [path.name for path in (tmp_path / "out").glob("**/*") if path.is_file()]
    assert set(left) <= {".fer-edge.lock", "summary.csv", "failures.csv"}
    assert run(tmp_path / "in", "--out", tmp_path / "out").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--every", "0"], "whole number"),
        (["--fps", "nan"], "above 0"),
        (["--workers", "1000"], "at most"),
        (["--format", "xml"], "invalid choice"),
        (["--every", "2", "--fps", "3"], "not allowed with"),
        (["--camera", "0"], "unrecognized"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, capsys: Any, arguments: List[str], words: str) -> None:
    pictures(tmp_path / "in", 1)
    with pytest.raises(SystemExit) as ended:
        main(["analyse", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_settings_and_places_that_will_not_do_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 1)
    (tmp_path / "empty").mkdir()
    out = ["--out", str(tmp_path / "out")]
    for arguments, error in (
        ([str(tmp_path / "empty"), *out], SourceUnreadable),
        ([str(tmp_path / "in"), *out, "--detector", "nothing"], UsageError),
        ([str(tmp_path / "in"), *out, "--model", "a", "--model", "b"], UsageError),
        ([str(tmp_path / "in/r0/p.png"), str(tmp_path / "in/r0/../r0/p.png"), *out, "--min-score", "3"], UsageError),
    ):
        with pytest.raises(error):
            main(["analyse", *arguments])
    assert not (tmp_path / "out").exists()


def test_the_help_teaches_by_examples(capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["analyse", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for words in (
        "fer-edge analyse interviews/ --out results",
        "--dry-run",
        "--min-face",
        "failures.csv",
        "(default: csv",
    ):
        assert words in told
    assert "--camera" not in told


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["a.mp4", "--out", "s3://bucket/out"], "without --on"),
        (["s3://bob:s3cr3t@host/a.mp4", "--out", "out", "--on", "ray"], "password or token"),
        (["http://host/a.mp4?token=s3cr3t", "--out", "out", "--on", "ray"], "password or token"),
        (["a.mp4", "--out", "ftp://bob:s3cr3t@host/out", "--on", "ray"], "password or token"),
    ],
)
def test_an_address_is_for_a_cluster_and_has_no_secret_that_tables_would_tell(
    arguments: List[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=why) as refused:
        main(["analyse", *arguments])
    assert "s3cr3t" not in str(refused.value)
    assert not list(tmp_path.iterdir())
