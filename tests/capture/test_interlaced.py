"""Interlaced video: the images that are in the file, or none; never the memory that FFmpeg did not write to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import numpy as np
import pytest
from ffmpeg_program import video

from fer_edge.capture.file import guarded, interlaced_trial
from fer_edge.capture.file import video as video_module
from fer_edge.capture.file.complaints import Complaints, tells_of_refusal
from fer_edge.capture.file.decoder import OpenCvDecoder
from fer_edge.capture.file.guarded import GuardedDecoder
from fer_edge.capture.file.interlaced_trial import SAMPLE, decodes_interlaced
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.opencv import cv2
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceTruncated, SourceUnreadable

# What the wheels of 4.13 and 4.14 print.
REFUSAL = (
    "[OPENCV:FFMPEG:16] Cannot convert interlaced to progressive frames or vice versa.\n"
    " (Invalid argument): fmt:yuvj420p csp:bt470bg prim:unknown trc:unknown -> fmt:bgr24 csp:gbr prim:unknown trc:unknown\n"
)

# Stands before the real one on the path of a child process, and gives from the third image on what was never written.
STAND_IN = f"""
import importlib, os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
del sys.modules["cv2"]
cv2 = importlib.import_module("cv2")

class VideoCapture:
    def __init__(self, *arguments):
        self._real, self._images = cv2.Real(*arguments), 0

    def __getattr__(self, name):
        return getattr(self._real, name)

    def retrieve(self):
        done, image = self._real.retrieve()
        self._images += 1
        if self._images > int(os.environ["GOOD_IMAGES"]):
            os.write(int(os.environ["TO"]), {REFUSAL!r}.encode())
            image[:] = 77
        return done, image

cv2.Real, cv2.VideoCapture = cv2.VideoCapture, VideoCapture
"""


@pytest.fixture
def _foreign_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the OpenCV of child processes give it, as 4.13 does."""
    folder = tmp_path / "stand-in"
    folder.mkdir()
    (folder / "cv2.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("GOOD_IMAGES", "0")
    monkeypatch.setenv("TO", "1")
    monkeypatch.setattr(cv2, "__version__", "4.13.0")
    decodes_interlaced.cache_clear()
    yield
    decodes_interlaced.cache_clear()


def test_the_installed_opencv_decodes_the_sample_or_is_not_believed() -> None:
    decoder = OpenCvDecoder(SAMPLE)
    assert decoder.grab()
    image = decoder.retrieve()
    decoder.close()
    assert image is not None
    assert decodes_interlaced() == (abs(image.astype(int) - 128).max() < 12)


def test_a_new_opencv_that_decodes_it_is_believed_after_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "__version__", "4.99.0")
    right = decodes_interlaced()
    decodes_interlaced.cache_clear()
    assert decodes_interlaced() == right
    decodes_interlaced.cache_clear()


@pytest.mark.usefixtures("_foreign_memory")
@pytest.mark.parametrize("stream", ["1", "2"])
def test_an_opencv_that_gives_foreign_memory_is_found_out(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TO", stream)
    assert not decodes_interlaced()
    decodes_interlaced.cache_clear()
    monkeypatch.setenv("GOOD_IMAGES", "9")
    assert decodes_interlaced()


@pytest.mark.usefixtures("_foreign_memory")
def test_what_ffmpeg_refused_to_convert_never_leaves_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = video(tmp_path / "a.mp4", "-c:v", "mpeg4")
    monkeypatch.setattr(video_module, "decodes_interlaced", lambda: False)
    monkeypatch.setenv("GOOD_IMAGES", "3")
    images = []
    with VideoFileSource(path) as source, pytest.raises(SourceUnreadable, match="interlaced") as caught:
        while source.grab() is not False:
            images.append(source.retrieve())
    assert len(images) == 3
    assert all(image.std() > 10 for image in images)
    assert "[media]" in str(caught.value)
    assert "<4.13" in str(caught.value)


def test_progressive_video_is_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "-c:v", "mpeg4", "-vf", "setsar=2")
    direct, guarded_one = OpenCvDecoder(path), GuardedDecoder(path)
    assert guarded_one.header == direct.header
    for _ in range(25):
        assert direct.grab()
        while guarded_one.grab() is None:
            pass
        assert guarded_one.position == direct.position
        one, other = direct.retrieve(), guarded_one.retrieve()
        assert one is not None
        assert other is not None
        assert np.array_equal(one, other)
    assert not direct.grab()
    assert guarded_one.grab() is False
    for decoder in (direct, guarded_one):
        decoder.close()
        decoder.close()


def test_a_guarded_file_tells_its_end_its_damage_and_what_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_module, "decodes_interlaced", lambda: False)
    whole = video(tmp_path / "a.mkv", "-c:v", "mpeg4")
    source = VideoFileSource(whole, CaptureSettings(loop=True))
    with source:
        count = sum(bool(source.grab()) for _ in range(200))
    assert count > 25
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[:-2000])
    with VideoFileSource(tmp_path / "cut.mkv") as source, pytest.raises(SourceTruncated):
        while source.grab() is not False:
            pass
    (tmp_path / "letter.mkv").write_bytes(os.urandom(3000))
    with pytest.raises(SourceUnreadable, match="no video"):
        VideoFileSource(tmp_path / "letter.mkv").open()


def test_a_decoding_process_that_dies_is_an_error_and_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_READER", "this")  # of Python's own modules the one that only prints
    with pytest.raises(SourceUnreadable):
        GuardedDecoder(video(tmp_path / "a.mkv", "-c:v", "mpeg4"))


def test_ffmpegs_refusals_are_told_from_its_other_words() -> None:
    assert tells_of_refusal(REFUSAL)
    assert tells_of_refusal("[swscaler @ 0x55] Unsupported input (x): fmt:yuv420p csp:smpte -> fmt:bgr24 csp:gbr\n")
    for words in ("", "[mpeg4 @ 0x55] Error at MB: 1\n", "[h264 @ 0x5] error while decoding MB 3 4, bytestream -5\n"):
        assert not tells_of_refusal(words)


def test_what_is_printed_meanwhile_is_taken_once_and_the_streams_come_back(capfd: pytest.CaptureFixture[str]) -> None:
    with Complaints() as complaints:
        os.write(1, b"one ")
        os.write(2, b"two")
        assert complaints.take() == "one two"
        assert complaints.take() == ""
    os.write(2, b"three")
    assert capfd.readouterr() == ("", "three")


def test_the_remedy_names_the_package_that_is_installed() -> None:
    assert "opencv" in interlaced_trial.remedy()
