from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2

from fer_edge.capture.synthetic import DemoSource

WITHOUT = Path(__file__).with_name("without_posix.py")
ROOT = Path(__file__).parents[2]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("FER_EDGE_", "DISPLAY"))}
    return subprocess.run(
        [sys.executable, str(WITHOUT), *arguments],
        cwd=folder,
        env={**plain, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def portraits(folder: Path, count: int) -> None:
    with DemoSource(1) as demo:
        for number in range(count):
            demo.grab()
            assert cv2.imwrite(str(folder / f"{number}.png"), demo.retrieve())


def test_version_and_help_need_nothing_that_only_unix_has(tmp_path: Path) -> None:
    for argument in ("--version", "--help"):
        done = run(tmp_path, argument)
        assert (done.returncode, done.stderr) == (0, "")


def test_files_are_analysed_where_there_is_no_unix(tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    portraits(tmp_path / "shots", 2)
    done = run(tmp_path, "--camera", "shots", "--display", "none", "--output", "out.jsonl")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(line["faces"]) for line in lines] == [1, 1]


def test_videos_and_pages_are_read_and_recordings_made_where_there_is_no_unix(tmp_path: Path) -> None:
    portraits(tmp_path, 2)
    pages = [cv2.imread(str(tmp_path / f"{number}.png")) for number in range(2)]
    assert cv2.imwritemulti(str(tmp_path / "pages.tif"), pages)
    writer = cv2.VideoWriter(str(tmp_path / "in.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, pages[0].shape[1::-1])
    for page in pages:
        writer.write(page)
    writer.release()
    for source in ("in.avi", "pages.tif"):
        done = run(
            tmp_path,
            "--camera",
            source,
            "--display",
            "none",
            "--output",
            f"{source}.jsonl",
            "--record",
            f"{source}.mp4",
        )
        assert done.returncode == 0, done.stderr
        assert len((tmp_path / f"{source}.jsonl").read_text(encoding="utf-8").splitlines()) == 2
        assert (tmp_path / f"{source}.mp4").stat().st_size > 1000


def test_the_library_reads_a_picture_where_there_is_no_unix(tmp_path: Path) -> None:
    portraits(tmp_path, 1)
    done = run(tmp_path, "-c", "import fer_edge; print(fer_edge.read_image('0.png')[0].expression.label)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "happy"


def test_the_benchmark_runs_where_there_is_no_unix(tmp_path: Path) -> None:
    options = ["--warm-up", "0", "--frames", "10", "--report", "report.json"]
    done = run(tmp_path, "--benchmark", "--camera", "demo", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["environment"]["load_1min"] is None


def test_what_needs_linux_is_refused_in_words_where_there_is_no_unix(tmp_path: Path) -> None:
    for verb in (["--camera", "0", "--display", "none"], ["cameras"], ["service", "install"], ["service", "--help"]):
        done = run(tmp_path, *verb)
        assert done.returncode == 4, done.stderr
        assert "Linux" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_stand_in_takes_away_what_it_says() -> None:
    code = (
        "import fer_edge.system.unix as unix; assert not unix.HAS_FCNTL and unix.user_id() == 0 and not unix.NONBLOCK"
    )
    done = subprocess.run(
        [sys.executable, str(WITHOUT), "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
