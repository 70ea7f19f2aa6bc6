from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, List

import pytest

from fer_edge.app.file_roles import files_read, refuse_shared_files
from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.settings import Settings
from fer_edge.training.atomic import write_atomically

ROOT = Path(__file__).parents[2]


def test_two_outputs_of_one_name_are_refused_also_before_there_is_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    with pytest.raises(UsageError, match="--record and --output name the same file"):
        refuse_shared_files([("--record", path), ("--output", f"{tmp_path}/./out")], [])


@pytest.mark.parametrize("link", [Path.symlink_to, lambda new, old: os.link(old, new)])
def test_a_link_does_not_hide_that_an_output_is_an_input(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    source, alias = tmp_path / "clip.mp4", tmp_path / "alias.mp4"
    source.write_bytes(b"frames")
    link(alias, source)
    with pytest.raises(UsageError, match="--camera and --record"):
        refuse_shared_files([("--record", str(alias))], [("--camera", str(source))])


def test_devices_pipes_and_what_is_no_file_may_be_shared(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in ("-", "", "/dev/null", str(pipe)):
        refuse_shared_files([("--record", place), ("--output", place)], [("--camera", place)])
    refuse_shared_files([("--output", "demo")], [("--camera", "demo")])
    refuse_shared_files([("--output", "out")], [("--config", "same"), ("--camera", "same")])


@pytest.mark.parametrize("name", ["fernet", "blazeface_short"])
def test_every_network_that_is_here_is_taken_as_read(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        refuse_shared_files([("--output", str(find_model(name)))], files_read(Settings()))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("FER_EDGE_", "DISPLAY"))}
    command = [sys.executable, "-m", "fer_edge", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**plain, "PYTHONPATH": str(ROOT)},
    )


LIVE = ["--display", "none", "--frames", "2"]


@pytest.mark.parametrize("more", [[], ["--append", "true"], ["--reconnect", "always"]])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "own.toml", *LIVE],
        ["--output", "own.onnx", *LIVE],
        ["--benchmark", "--report", "own.onnx", "--frames", "2"],
        ["--benchmark", "--report", "own.toml", "--frames", "2"],
        ["soak", "--report", "own.onnx"],
        ["soak", "--report", "same.json", "--output", "same.json"],
    ],
)
def test_a_run_never_writes_over_its_own_model_or_settings(
    tmp_path: Path, arguments: List[str], more: List[str]
) -> None:
    model, config = tmp_path / "own.onnx", tmp_path / "own.toml"
    model.write_bytes(find_model("fernet").read_bytes())
    config.write_text('camera = "demo"\nmodel = "own.onnx"\n')
    before = model.read_bytes(), config.read_bytes()
    done = run(tmp_path, *arguments, "--config", "own.toml", *([] if "--benchmark" in arguments else more))
    assert done.returncode == 2, done.stderr
    assert "name the same file" in done.stderr
    assert (model.read_bytes(), config.read_bytes()) == before
    assert sorted(os.listdir(tmp_path)) == ["own.onnx", "own.toml"]


def test_earlier_results_stay_when_the_camera_is_missing(tmp_path: Path) -> None:
    assert run(tmp_path, "--camera", "demo", "--output", "out.jsonl", *LIVE).returncode == 0
    before = (tmp_path / "out.jsonl").read_bytes()
    assert before.count(b"\n") == 2
    done = run(tmp_path, "--camera", "no-such.mp4", "--output", "out.jsonl", *LIVE)
    assert done.returncode == 10
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_a_text_is_no_place_for_results(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("all that I know")
    done = run(tmp_path, "--camera", "demo", "--append", "true", "--output", "notes", *LIVE)
    assert done.returncode == 30
    assert "delete it yourself" in done.stderr
    assert (tmp_path / "notes").read_text() == "all that I know"


OURS = re.compile(rb"ours: ")


def test_a_file_of_training_replaces_ours_only(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(b"a letter to somebody")
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        write_atomically(path, b"ours: new", OURS)
    assert path.read_bytes() == b"a letter to somebody"
    for old in (b"ours: old", b""):
        path.write_bytes(old)
        write_atomically(path, b"ours: new", OURS)
        assert path.read_bytes() == b"ours: new"
    assert os.listdir(tmp_path) == ["best.pt"]
    assert path.stat().st_mode & 0o111 == 0


def test_a_file_of_training_is_not_written_through_a_link_that_lies_in_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    # As if somebody could guess the name.
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: "guessed")
    (tmp_path / ".fer-edge-guessed.tmp").symlink_to(victim)
    with pytest.raises(OutputNotWritable, match="File exists"):
        write_atomically(tmp_path / "s.json", b"ours: new", OURS)
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / ".fer-edge-guessed.tmp").is_symlink()


def test_what_somebody_puts_there_while_a_file_of_training_is_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    flush = os.fsync

    def somebody_writes(descriptor: int) -> None:
        path.write_bytes(b"a letter to somebody")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", somebody_writes)
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        write_atomically(path, b"ours: new", OURS)
    assert path.read_bytes() == b"a letter to somebody"
    assert os.listdir(tmp_path) == ["model.onnx"]
