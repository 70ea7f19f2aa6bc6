from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List, Optional

import cv2
import numpy as np
import pytest
from waiting import wait_until

from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.cli import watch
from fer_edge.exit_codes import exit_codes
from fer_edge.inference.model_files import find_model
from fer_edge.types import LABELS

ROOT = Path(__file__).parents[2]

SET_PIPE_SIZE = 1031
"""F_SETPIPE_SZ of fcntl(2), which Python has from 3.10 on."""

ENDS_WITHIN = 30
"""Seconds after which a run counts as hanging; generous, since the machine may be busy."""


def environment() -> Dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("FER_EDGE_", "DISPLAY", "WAYLAND"))}
    # An empty cache, so that no model that somebody fetched takes part.
    return {**plain, "PYTHONWARNINGS": "error", "XDG_CACHE_HOME": os.devnull}


def fer_edge(*arguments: str, timeout: float = ENDS_WITHIN, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fer_edge", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        check=False,
        **more,
    )


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fer_edge", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames of two faces."""
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (640, 480))
    with open_source("demo:2", CaptureSettings(paced=False)) as source:
        for _ in range(30):
            assert source.grab()
            writer.write(source.retrieve())
    writer.release()
    return path


def frames_in(path: Path) -> List[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, frame = capture.read()
        if not there:
            break
        frames.append(frame)
    capture.release()
    return frames


def test_every_frame_of_a_clip_becomes_a_json_line_and_a_picture(clip: Path, tmp_path: Path) -> None:
    lines, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    done = fer_edge("--camera", str(clip), "--display", "none", "--output", str(lines), "--record", str(video))
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [record["frame"] for record in records] == list(range(30))
    for record in records:
        assert len(record["faces"]) == 2
        assert set(record["fps"]) == {"total", "classification", "detection"}
        for face in record["faces"]:
            assert set(face["probabilities"]) == set(LABELS)
            assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
            assert face["expression"] == max(face["probabilities"], key=face["probabilities"].get)
            assert isinstance(face["uncertain"], bool)
            x, y, width, height = face["box"]
            assert 0 < x + width / 2 < 640
            assert 0 < y + height / 2 < 480
            assert 50 < height < 480
    written = frames_in(video)
    assert written
    assert written[0].shape == (480, 640, 3)
    assert str(video) in done.stdout
    assert "FPS total" in done.stdout


def test_standard_output_carries_json_and_nothing_else(clip: Path) -> None:
    done = fer_edge("--camera", str(clip), "--display", "none", "--output", "-")
    assert done.returncode == 0, done.stderr
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 30
    assert "FPS total" in done.stderr


def test_a_reader_that_goes_away_ends_the_program_without_a_complaint() -> None:
    command = f"{sys.executable} -m fer_edge --camera demo --display none --output - | head -n 2"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=ENDS_WITHIN, env=environment(), check=False
    )
    assert len(done.stdout.splitlines()) == 2
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr


@pytest.mark.parametrize("place", ["-", "pipe"])
def test_results_that_a_reader_leaves_unread_make_a_run_fail_that_ends_by_itself(place: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    name = place if place == "-" else str(tmp_path / place)
    command = [sys.executable, "-m", "fer_edge", "--camera", "demo:8", "--display", "none", "--output", name]
    stdout, writer = os.pipe()
    try:
        for descriptor in (reader, writer):
            fcntl.fcntl(descriptor, SET_PIPE_SIZE, 4096)
        done = subprocess.run(
            [*command, "--frames", "30"],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=ENDS_WITHIN,
            env=environment(),
            check=False,
        )
        assert done.returncode == 30, done.stderr
        assert "did not take the last results" in done.stderr
        assert "results are in" not in done.stderr
    finally:
        os.close(reader)
        os.close(stdout)
        os.close(writer)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_live_run_with_whole_files_and_exit_code_0(number: signal.Signals, tmp_path: Path) -> None:
    lines, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    process = started("--camera", "demo", "--display", "none", "--output", str(lines), "--record", str(video))
    wait_until(lambda: lines.exists() and lines.read_text().count("\n") > 20, "twenty results", ENDS_WITHIN)
    process.send_signal(number)
    output, errors = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0, errors
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(records) > 20
    assert len(frames_in(video)) > 10
    assert "frames analysed" in output


def test_under_nohup_a_closed_terminal_does_not_end_a_run() -> None:
    command = ["nohup", sys.executable, "-m", "fer_edge", "--camera", "demo", "--display", "none"]
    process = subprocess.Popen(
        [*command, "--frames", "60", "--output", "-"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(10)]
    process.send_signal(signal.SIGHUP)
    rest, errors = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0, errors
    assert len(first) + len(rest.splitlines()) == 60


def test_a_run_ends_by_itself_after_its_duration_or_its_frames() -> None:
    done = fer_edge("--camera", "demo", "--display", "none", "--frames", "5", "--output", "-")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert fer_edge("--camera", "demo", "--display", "none", "--duration", "0.5").returncode == 0


def test_a_machine_without_a_display_is_recognised() -> None:
    done = fer_edge("--camera", "demo", "--frames", "3")
    assert done.returncode == 0, done.stderr
    assert "no window" in done.stderr
    insisting = fer_edge("--camera", "demo", "--frames", "3", "--display", "window")
    assert insisting.returncode == 32
    assert "--display none" in insisting.stderr


def test_a_benchmark_prints_the_columns_of_the_paper_and_writes_its_figures(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = fer_edge("--benchmark", "--frames", "60", "--warm-up", "0.2", "--report", str(report))
    assert done.returncode == 0, done.stderr
    assert "FPS total  FPS classification  FPS detection" in done.stdout
    content = json.loads(report.read_text())
    assert set(content) == {"environment", "protocol", "results"}
    (result,) = content["results"]
    assert result["params"] == 2_806_771
    assert set(result["fps"]) == {
        "total",
        "classification",
        "detection",
        "sequential",
        "classification_achieved",
        "detection_achieved",
    }
    frames = result["frames"]
    assert frames["captured"] == frames["emitted"] + frames["dropped"] + frames["in_flight"]
    assert frames["emitted"] == 60
    assert result["faces_per_frame"] == 1
    assert result["rss_peak_mb"] > 10


def test_a_benchmark_of_a_folder_measures_each_network_in_one_go(tmp_path: Path) -> None:
    for name in ("first.onnx", "second.onnx"):
        shutil.copy(find_model("fernet"), tmp_path / name)
    report = tmp_path / "report.json"
    done = fer_edge(
        "--benchmark", "--model", str(tmp_path), "--frames", "20", "--warm-up", "0", "--report", str(report)
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[2:4]] == ["first", "second"]
    assert [result["model"] for result in json.loads(report.read_text())["results"]] == ["first", "second"]


def test_a_broken_model_does_not_take_along_what_was_measured_before_it(tmp_path: Path) -> None:
    broken, report = tmp_path / "broken.onnx", tmp_path / "report.json"
    broken.write_bytes(b"no network")
    arguments = ("--model", "fernet", "--model", str(broken), "--frames", "20", "--warm-up", "0")
    done = fer_edge("--benchmark", *arguments, "--report", str(report))
    assert done.returncode == 21, done.stderr
    assert str(broken) in done.stderr
    assert [result["model"] for result in json.loads(report.read_text())["results"]] == ["fernet"]


def test_a_recording_in_pieces_says_where_they_are_and_keeps_only_the_newest(clip: Path, tmp_path: Path) -> None:
    video = tmp_path / "out.avi"
    arguments = ("--camera", str(clip), "--display", "none", "--record", str(video))
    done = fer_edge(*arguments, "--segment", "0.4s")
    assert done.returncode == 0, done.stderr
    first, _, third = sorted(tmp_path.iterdir(), key=lambda piece: piece.stat().st_mtime_ns)
    assert f"the annotated video is in 3 files, {first} to {third}\n" in done.stdout, "of 12, 12 and 6 pictures"
    done = fer_edge(*arguments, "--keep", "0.001MB")
    assert done.returncode == 0, done.stderr
    (left,) = tmp_path.iterdir()
    assert f"the annotated video is in {left}\n" in done.stdout


def test_a_recording_is_told_under_the_name_that_it_really_got(clip: Path, tmp_path: Path) -> None:
    arguments = ("--camera", str(clip), "--display", "none", "--record", str(tmp_path / "out.mp4"), "--append", "true")
    for name in ("out.mp4", "out+2.mp4", "out+3.mp4"):
        done = fer_edge(*arguments)
        assert f"the annotated video is in {tmp_path / name}\n" in done.stdout
        assert frames_in(tmp_path / name)


def test_a_recording_over_its_own_source_is_refused_and_the_source_stays(clip: Path) -> None:
    before = clip.read_bytes()
    done = fer_edge("--camera", str(clip), "--display", "none", "--record", str(clip))
    assert done.returncode == 2
    assert "same file" in done.stderr
    assert clip.read_bytes() == before


def test_a_missed_gate_has_an_exit_code_of_its_own() -> None:
    done = fer_edge("--benchmark", "--frames", "20", "--warm-up", "0", "--min-fps", "1000000")
    assert done.returncode == 50
    assert "1e+06" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--camera", "/nowhere/clip.mp4"], 10, ["/nowhere/clip.mp4"]),
        (["--camera", "77"], 10, ["77", "fer-edge cameras"]),
        (["--camera", "demo:9"], 2, ["9 faces", "demo:8"]),
        (["--camera", "http://127.0.0.1:9/stream"], 15, ["127.0.0.1:9"]),
        (
            ["--model", "no-such-model"],
            20,
            [
                "no-such-model",
                "Known names: fernet_r, fernet_r.int8, fernet_s, fernet_s.int8, fernet, fernet.int8. Anything",
            ],
        ),
        (["--model", "/nowhere/model.onnx"], 20, ["/nowhere/model.onnx"]),
        (["--model", "blazeface_short"], 23, ["blazeface_short", "fer_edge.labels"]),
        (["--backend", "tensorrt"], 24, ["TensorRT", "not installed", "--backend auto"]),
        (["--device", "gpu"], 24, ["CUDA", "--device auto"]),
        (["--backend", "tensorrt", "--device", "cpu"], 2, ["--backend onnx"]),
        (["--backend", "tensorrt", "--backend", "onnx"], 2, ["tensorrt", "onnx", "Choose one"]),
        (["--precision", "fp8"], 2, ["--precision", "fp16"]),
        (["--camera", "demo", "--output", "/nowhere/out.jsonl"], 30, ["/nowhere/out.jsonl"]),
        (["--camera", "demo", "--output", "/dev/full"], 31, ["/dev/full"]),
        (["--camera", "demo", "--record", "/nowhere/out.mp4"], 30, ["/nowhere"]),
        (["--benchmark", "--report", "/nowhere/report.json"], 30, ["/nowhere/report.json"]),
        (["--config", "/nowhere/settings.toml"], 7, ["/nowhere/settings.toml"]),
        (["--min-score", "2"], 2, ["--min-score"]),
        (["--camra", "0"], 2, ["--camra", "Did you mean '--camera'?"]),
        (["--model", "a", "--model", "b"], 2, ["--benchmark"]),
        (["--min-fps", "5"], 2, ["--min-fps", "--benchmark"]),
        (["--benchmark", "--warm-up", "nan"], 2, ["--warm-up"]),
        (["--benchmark", "--frames", "1"], 2, ["--frames 2"]),
        (["--benchmark", "--record", "out.mp4"], 2, ["--record"]),
        (["--threads", "100000"], 2, ["--threads", "256"]),
        (["--output", "out.mp4", "--record", "out.mp4"], 2, ["same file", "out.mp4"]),
        (["--detector", "yunet"], 20, ["fer-edge models pull yunet"]),
        pytest.param(
            ["--detector", "mediapipe"],
            4,
            [f"pip install '{Path(__file__).resolve().parents[2]}[mediapipe]'"],
            marks=pytest.mark.skipif(find_spec("mediapipe") is not None, reason="mediapipe is installed here"),
        ),
    ],
)
def test_bad_input_gets_its_own_message_and_exit_code(arguments: List[str], code: int, words: List[str]) -> None:
    done = fer_edge("--display", "none", *arguments)
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_of_exit_codes_lists_every_one() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    for code, names in exit_codes().items():
        for name in names.split(", "):
            line: Optional[str] = next((line for line in page.splitlines() if line.startswith(f"| {code} |")), None)
            assert line is not None, code
            assert f"`{name}`" in line


def test_the_list_of_exit_codes_has_a_late_server_though_nothing_else_was_loaded() -> None:
    code = "import sys, fer_edge.exit_codes as codes; assert 'ServerLate' in codes.exit_codes()[26]"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_no_command_of_the_documents_leaves_it_to_sudo_to_find_a_program_in_a_virtual_environment() -> None:
    documents = [
        ROOT / "README.md",
        ROOT / "SECURITY.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]
    texts = {file.name: file.read_text(encoding="utf-8").replace("\\\n", " ") for file in documents}
    texts["--help"] = watch.EXAMPLES
    bare = re.compile(r"sudo\b[^\n`&;|]*? fer-edge (?:--|service|doctor|soak|health|cameras|models)")
    assert {name: bare.findall(text) for name, text in texts.items() if bare.search(text)} == {}


def test_the_help_and_the_guide_name_the_variable_of_the_settings_file() -> None:
    for text in (watch.EXAMPLES, (ROOT / "docs/service.md").read_text(encoding="utf-8")):
        assert "FER_EDGE_CONFIG" in text
        assert "empty variable counts as not set" in text


def test_whoever_may_write_a_password_on_the_command_line_is_told_of_the_better_places() -> None:
    parts = " ".join(fer_edge("--help").stdout.split())
    camera = parts[parts.index("--camera SRC") : parts.index("--size WxH", parts.index("--camera SRC "))]
    assert "FER_EDGE_CAMERA" in camera
    assert "settings file" in camera
    for name in ("README.md", "SECURITY.md", "docs/use.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
        assert "`FER_EDGE_CAMERA`, or in the settings file" in text


@pytest.mark.parametrize("place", ["command line", "environment", "file", "file with a mistake"])
def test_a_mistake_in_the_settings_is_told_as_json_where_the_log_is_to_be_json(place: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('log_format = "json"\n' + ("camra = 1\n" if "mistake" in place else ""))
    arguments = {"command line": ["--log-format", "json"], "environment": []}.get(place, ["--config", str(file)])
    done = subprocess.run(
        [sys.executable, "-m", "fer_edge", *arguments],
        env={
            **environment(),
            **({} if "mistake" in place else {"FER_EDGE_CAMRA": "1"}),
            **({"FER_EDGE_LOG_FORMAT": "json"} if place == "environment" else {}),
        },
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
        check=False,
    )
    assert done.returncode == 3
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["event"], line["error"]) == ("ended", "SettingsError")
