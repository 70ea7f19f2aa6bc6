"""Files may be called anything: whatever takes a path takes one that is not ASCII, no UTF-8, or looks like an address."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

import cv2
import pytest
from certificates import needs_openssl, self_signed
from ffmpeg_program import ffmpeg, video
from programs import free_port

from fer_edge.capture.file.opencv_name import OpenCvName
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.system.installation import packaged

NAMES = ["plain", "caf\u00e9", os.fsdecode(b"caf\xe9"), "2026-11-25T21:43:00", " spaces ", "file:a", "a\nb", "-", "%d"]

LOCALES: Dict[str, Dict[str, str]] = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
}

ODD = b"caf\xe9\xc3\xa9"
"""Neither ASCII nor UTF-8."""


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_video_of_any_name_is_played(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = video(tmp_path / "made.mp4", "-c:v", "mpeg4")
    (tmp_path / f"{name}-folder").mkdir()
    monkeypatch.chdir(tmp_path)
    places = [
        tmp_path / f"{name}.mp4",
        Path(f"{name}.mp4"),
        Path(f"{name}-folder", "a.mp4"),
        Path(f"{name}-folder", "a:b.mp4"),
    ]
    for place in (*places, places[2].absolute()):
        shutil.copy(made, place)
        with VideoFileSource(place) as source:
            assert sum(bool(source.grab()) for _ in range(30)) == 25


@pytest.mark.parametrize("kind", ["h264", "hevc", "mjpeg", "mpegts", "gif", "m4v", "mpeg2video", "yuv4mpegpipe"])
def test_a_kind_of_file_is_known_without_the_end_of_its_name(tmp_path: Path, kind: str) -> None:
    encoders = {
        "h264": "libx264",
        "hevc": "libx265",
        "mpegts": "libx264",
        "m4v": "mpeg4",
        "yuv4mpegpipe": "wrapped_avframe",
    }
    path = tmp_path / "caf\u00e9"
    form = "rgb8" if kind == "gif" else "yuvj420p" if kind == "mjpeg" else "yuv420p"
    source = ("-f", "lavfi", "-i", "testsrc=size=64x96:rate=25:duration=1")
    encoder = encoders.get(kind, kind)
    quiet = ("-x265-params", "log-level=0") if kind == "hevc" else ()
    ffmpeg(*source, "-pix_fmt", form, "-c:v", encoder, *quiet, "-f", kind, str(path))
    with VideoFileSource(path) as opened:
        assert sum(bool(opened.grab()) for _ in range(30)) == 25


def test_a_playlist_in_a_folder_of_any_name_finds_its_parts(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(ODD)
    folder.mkdir()
    made = video(tmp_path / "list.m3u8", "-c:v", "libx264", "-hls_segment_filename", str(tmp_path / "%d.ts"))
    for part in (made, tmp_path / "0.ts"):
        part.rename(folder / part.name)
    with VideoFileSource(folder / "list.m3u8") as source:
        assert sum(bool(source.grab()) for _ in range(30)) == 25


def test_what_opencv_is_given_is_ascii_and_no_descriptor_is_left(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for name in NAMES:
        (tmp_path / name).write_bytes(b"content")
        given = OpenCvName(tmp_path / name)
        assert given.text.isascii()
        assert Path(given.text).read_bytes() == b"content"
        given.close()
        given.close()
    assert len(os.listdir("/proc/self/fd")) == before


def run(folder: Path, locale: str, *arguments: bytes, temporary: bytes = b"") -> None:
    inherited = {os.fsencode(name): os.fsencode(value) for name, value in os.environ.items()}
    added = {os.fsencode(name): os.fsencode(value) for name, value in LOCALES[locale].items()}
    more = {b"TMPDIR": temporary} if temporary else {}
    done = subprocess.run(
        [sys.executable, "-m", "fer_edge", "--display", "none", *arguments],
        cwd=os.fsencode(folder),
        env={**inherited, **added, **more},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["video", "picture", "folder"])
def test_a_source_may_be_called_anything(tmp_path: Path, locale: str, kind: str) -> None:
    odd = os.path.join(os.fsencode(tmp_path), ODD)
    if kind == "video":
        odd += b".mp4"
        os.rename(video(tmp_path / "made.mp4", "-c:v", "mpeg4"), odd)
    elif kind == "picture":
        odd += b".png"
        shutil.copy(PORTRAIT, odd)
    else:
        os.mkdir(odd)
        shutil.copy(PORTRAIT, os.path.join(odd, ODD + b".png"))
    run(tmp_path, locale, b"--camera", odd, b"--output", b"-")


@pytest.mark.slow
@needs_openssl
@pytest.mark.parametrize("locale", LOCALES)
def test_every_other_path_that_the_program_takes_may_be_called_anything(tmp_path: Path, locale: str) -> None:
    odd = os.path.join(os.fsencode(tmp_path), ODD)
    shutil.copy(str(packaged("models/fernet_r.onnx")), odd + b".onnx")
    Path(os.fsdecode(odd + b".toml")).write_text("[analysis]\nthreads = 1\n", encoding="utf-8")
    pair = self_signed(tmp_path)
    os.rename(pair.cert, odd + b".pem")
    os.rename(pair.key, odd + b".key")
    os.mkdir(odd)
    arguments = [b"--camera", b"demo", b"--frames", b"3", b"--model", odd + b".onnx", b"--config", odd + b".toml"]
    arguments += [b"--listen", str(free_port()).encode(), b"--tls-cert", odd + b".pem", b"--tls-key", odd + b".key"]
    arguments += [b"--output", odd + b".jsonl", b"--record", odd + b".mp4", b"--events", odd + b".csv"]
    run(tmp_path, locale, *arguments, temporary=odd)
    for ending in (b".jsonl", b".mp4", b".csv"):
        assert os.path.getsize(odd + ending) > 0
    os.rename(odd + b".mp4", tmp_path / "out.mp4")
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).read()[0]
    assert os.listdir(odd) == []
