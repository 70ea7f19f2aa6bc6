from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, List, Set

import cv2
import numpy as np
import pytest

from fer_edge.app.file_roles import files_read, files_written, refuse_shared_files
from fer_edge.capture.open import open_source
from fer_edge.capture.registry import source_files
from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.settings import Settings, load_settings
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


def test_a_piece_that_may_be_deleted_is_no_source_and_others_may_be(tmp_path: Path) -> None:
    piece = tmp_path / "out-20260101T000000Z.mp4"
    piece.write_bytes(b"frames")
    asked = {"camera": str(piece), "record": str(tmp_path / "out.mp4"), "segment": 60.0}
    kept, deleted = Settings.of(**asked), Settings.of(**asked, keep=1e9)
    refuse_shared_files(files_written(kept), files_read(kept))
    with pytest.raises(UsageError, match="--camera and --record"):
        refuse_shared_files(files_written(deleted), files_read(deleted))


def test_the_file_of_the_day_is_known_as_the_one_that_is_written(tmp_path: Path) -> None:
    settings = Settings.of(output=str(tmp_path / "50%%-%Y.jsonl"), record=str(tmp_path / "50%%.mp4"))
    written = dict(files_written(settings))
    assert re.fullmatch(r"50%-\d{4}\.jsonl", Path(written["--output"]).name)
    assert written["--record"] == str(tmp_path / "50%.mp4")


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


SHADES = {"a.png": 10, "B.PNG": 60, "c=d.png": 110, "clip.avi": 160, "CLIP.AVI": 210}


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into a folder of the home folder with images and clips, each of one shade."""
    folder = tmp_path / "home" / "clips"
    folder.mkdir(parents=True)
    for name, shade in SHADES.items():
        image = np.full((48, 64, 3), shade, np.uint8)
        if name.lower().endswith(".png"):
            (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
        else:
            writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48))
            for _ in range(3):
                writer.write(image)
            writer.release()
    (tmp_path / "elsewhere").symlink_to(folder)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.chdir(folder)
    return folder


WAYS = [
    "{}",
    "./{}",
    "../clips/{}",
    "~/clips/{}",
    "~/./clips//{}",
    "{here}/{}",
    "{here}/../../elsewhere/{}",
    " {} ",
    "n={}",
]
THINGS = [*SHADES, "*.png", "?.[pP]*", "../**/*.png", ".", ""]


def shade(image: np.ndarray) -> int:
    return min(SHADES.values(), key=lambda one: abs(one - float(image.mean())))


def shades_seen(source: str) -> Set[int]:
    """Return the shades of the images that opening the source brings."""
    seen = set()
    with open_source(source) as opened:
        while opened.grab():
            seen.add(shade(opened.retrieve()))
    return seen


def shade_of_file(path: str) -> int:
    image = cv2.imread(path)
    return shade(image) if image is not None else SHADES[os.path.basename(path)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("thing", THINGS)
def test_what_opening_a_source_reads_is_what_no_output_may_be_however_the_source_is_spelled(
    clips: Path, way: str, thing: str
) -> None:
    text = way.replace("{here}", str(clips)).replace("{}", thing)
    if text.strip() in ("", "n="):
        return
    settings = load_settings({"camera": [text], "record": "none.avi"}, {})
    (camera,) = settings.cameras
    read = source_files(camera.source)
    assert {shade_of_file(path) for path in read} == shades_seen(camera.source)
    assert read
    assert source_files(f" {camera.source} ") == read, "as opening takes it, also from a table"
    for number, path in enumerate(read):
        soft, hard = clips.parent / f"soft-{number}", clips.parent / f"hard-{number}"
        soft.symlink_to(path if os.path.isabs(path) else clips / path)
        os.link(path, hard)
        for alias in (path, os.path.realpath(path), str(soft), f"../{hard.name}"):
            with pytest.raises(UsageError, match="--camera and --record name the same file"):
                refuse_shared_files([("--record", alias)], files_read(settings))
    refuse_shared_files(files_written(settings), files_read(settings))


@pytest.mark.parametrize(
    "pipeline",
    [
        "gst:filesrc location={} ! decodebin ! videoconvert",
        "gst:filesrc location='{}' ! decodebin",
        'gst:filesrc location="{}" ! decodebin',
        "gst:uridecodebin uri=file://{here}/{} ! videoconvert",
    ],
)
def test_a_file_that_a_pipeline_reads_is_no_place_for_results(clips: Path, pipeline: str) -> None:
    source = pipeline.replace("{here}", str(clips)).replace("{}", "clip.avi")
    with pytest.raises(UsageError, match="--camera and --record name the same file"):
        refuse_shared_files([("--record", "./clip.avi")], files_read(Settings.of(camera=f"door={source}")))


@pytest.mark.parametrize(
    "text", ["0", "demo", "rtsp://clip.avi/", "http://host/clip.avi", "auto", "ftp://x", "gst:it's"]
)
def test_what_is_no_file_reads_none(clips: Path, text: str) -> None:
    assert not any(map(os.path.exists, source_files(text)))


def test_keys_and_certificates_and_networks_by_name_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "fer-edge" / "models"
    folder.mkdir(parents=True)
    for name in ("mine.onnx", "other.onnx", "key.pem", "cert.pem"):
        (folder / name).touch()
    settings = Settings.of(model="mine", tls_cert=str(folder / "cert.pem"), tls_key=str(folder / "key.pem"))
    read = files_read(settings, ["other"])
    for option, name in (
        ("--model", "mine.onnx"),
        ("--model", "other.onnx"),
        ("--tls-cert", "cert.pem"),
        ("--tls-key", "key.pem"),
    ):
        with pytest.raises(UsageError, match=f"{option} and --output name the same file"):
            refuse_shared_files([("--output", str(folder / name))], read)


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
        env={**plain, "PYTHONPATH": str(ROOT), "HOME": str(folder)},
    )


LIVE = ["--display", "none", "--frames", "2"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "own.toml", *LIVE],
        ["--output", "own.toml", "--append", "true", *LIVE],
        ["--output", "own.toml", "--reconnect", "always", *LIVE],
        ["--output", "own.onnx", "--append", "true", *LIVE],
        ["--benchmark", "--report", "own.onnx", "--frames", "2"],
        ["--benchmark", "--report", "own.toml", "--frames", "2"],
        ["soak", "--report", "own.onnx", "--reconnect", "always"],
        ["soak", "--report", "same.json", "--output", "same.json", "--append", "true"],
        ["--output=~/own.toml", "--append", "true", *LIVE],
        ["--model=~/own.onnx", "--output=own.onnx", "--reconnect", "always", *LIVE],
        ["--benchmark", "--model=~/own.onnx", "--report", "own.onnx", "--frames", "2"],
        ["--benchmark", "--report=~/own.toml", "--frames", "2"],
        ["soak", "--report=~/own.onnx"],
    ],
)
def test_a_run_never_writes_over_its_own_model_or_settings(tmp_path: Path, arguments: List[str]) -> None:
    model, config = tmp_path / "own.onnx", tmp_path / "own.toml"
    model.write_bytes(find_model("fernet").read_bytes())
    config.write_text('camera = "demo"\nmodel = "own.onnx"\n')
    before = model.read_bytes(), config.read_bytes()
    done = run(tmp_path, *arguments, "--config", "own.toml")
    assert done.returncode == 2, done.stderr
    assert "name the same file" in done.stderr
    assert (model.read_bytes(), config.read_bytes()) == before
    assert sorted(os.listdir(tmp_path)) == ["own.onnx", "own.toml"]


def test_a_recording_that_is_the_source_stays_whole(tmp_path: Path) -> None:
    clip, config = tmp_path / "clip.avi", tmp_path / "s.toml"
    assert run(tmp_path, "--camera", "demo", "--record", "clip.avi", *LIVE).returncode == 0
    before = clip.read_bytes()
    for source, record in (("~/clip.avi", str(clip)), ("./clip.avi", "~/clip.avi"), ("~/clip.avi", "{camera}.avi")):
        config.write_text(f'display = "none"\nrecord = "{record}"\n[[camera]]\nname = "clip"\nsource = "{source}"\n')
        done = run(tmp_path, "--config=~/s.toml")
        assert done.returncode == 2, done.stderr
        assert "--camera and --record name the same file" in done.stderr
        assert clip.read_bytes() == before


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
