from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, List, Optional

import cv2
import numpy as np
import pytest

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.capture.geometry import Geometry
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.shaped import ShapedSource, shaped
from fer_edge.errors import FileUnreadable, UsageError
from fer_edge.types import Image

LEFT_HALF_WHITE = np.zeros((48, 64, 3), np.uint8)
LEFT_HALF_WHITE[:, :32] = 255


def numbered(count: int) -> List[Image]:
    return [np.full((48, 64, 3), n, np.uint8) for n in range(count)]


def all_of(source: Source) -> List[Image]:
    images = []
    with source:
        while True:
            grabbed = source.grab()
            if grabbed is False:
                return images
            if grabbed:
                images.append(source.retrieve())


class Camera(FakeSource):
    """A live source on the clock of the test, of which each image comes at a time of its own."""

    def __init__(self, times: List[float], named: float = 0.0, **attributes: Any) -> None:
        super().__init__(numbered(len(times)), live=True)
        self.now = 0.0
        self.decoded = 0
        self._times = times
        self._named = named
        self.__dict__.update(attributes)

    def open(self) -> SourceInfo:
        super().open()
        return SourceInfo("camera", 64, 48, self._named)

    def grab(self) -> Optional[bool]:
        grabbed = super().grab()
        if grabbed:
            self.now = self._times[self._index]
        return grabbed

    def retrieve(self) -> Image:
        self.decoded += 1
        return super().retrieve()

    def capped(self, fps: float, trusted: bool = False) -> List[int]:
        return [int(image[0, 0, 0]) for image in all_of(ShapedSource(self, Geometry(), fps, trusted, lambda: self.now))]


class Clip(FakeSource):
    """A file of 25 frames per second that is read at once."""

    def open(self) -> SourceInfo:
        super().open()
        return SourceInfo("clip", 64, 48, 25.0)

    @property
    def media_time(self) -> Optional[float]:
        return self._index / 25


def test_nothing_asked_for_leaves_the_source_alone() -> None:
    source = FakeSource(numbered(1))
    assert shaped(source, CaptureSettings()) is source
    assert shaped(source, CaptureSettings(width=32, height=32), asked=True) is source


def test_images_and_what_is_told_of_them_are_as_asked_for() -> None:
    source = shaped(FakeSource([LEFT_HALF_WHITE]), CaptureSettings(rotate=90, roi=(8, 0, 40, 64), width=30, height=32))
    with source:
        info = source.open()
        assert source.grab()
        image = source.retrieve()
    assert (info.width, info.height) == image.shape[1::-1] == (20, 32)
    # What was left is above.
    assert image[:15].min() == 255
    assert image[17:].max() == 0


def test_a_live_source_that_is_too_fast_is_thinned_out_before_it_is_decoded() -> None:
    camera = Camera([n / 30 for n in range(240)])
    took = camera.capped(10)
    assert took == list(range(0, 240, 3))
    assert camera.decoded == len(took)


def test_of_a_camera_with_the_rate_that_was_asked_for_no_frame_is_lost() -> None:
    trembling = [n / 10 + (0.04 if n % 3 == 1 else 0.0) for n in range(100)]
    assert len(Camera(trembling).capped(10)) == 100


def test_what_keeps_the_rate_itself_is_not_bounded_a_second_time() -> None:
    # As a snapshot that is fetched ten times a second, and comes late at times.
    bursts = [0.0, 0.3, 0.31, 0.4, 0.69, 0.7, 0.71]
    assert len(Camera(bursts, keeps_rate=True).capped(10)) == len(bursts)
    assert len(Camera(bursts).capped(10)) < len(bursts)


def test_a_device_is_believed_that_names_the_rate_and_bounded_where_it_names_a_higher_one() -> None:
    times = [n / 30 for n in range(90)]
    assert len(Camera(times, named=15.0).capped(15, trusted=True)) == 90
    assert len(Camera(times, named=30.0).capped(15, trusted=True)) == 45
    assert len(Camera(times, named=15.0).capped(15)) == 45, "a stream may name anything"


def test_frames_of_a_file_are_taken_by_their_time_in_it_however_fast_it_is_read() -> None:
    source = ShapedSource(Clip(numbered(50)), Geometry(), 5.0)
    times = []
    with source:
        assert source.open().fps == 5.0
        while source.grab():
            assert source.retrieve()[0, 0, 0] == round(25 * (source.media_time or 0.0))
            times.append(source.media_time)
    assert times == pytest.approx([n / 5 for n in range(10)])


def test_a_file_without_times_is_taken_by_the_rate_that_it_names() -> None:
    class Timeless(Clip):
        media_time = None

    source = ShapedSource(Timeless(numbered(50)), Geometry(), 5.0)
    assert [image[0, 0, 0] for image in all_of(source)] == list(range(0, 50, 5))


def test_a_long_way_to_the_next_frame_of_a_file_is_gone_in_steps() -> None:
    now = [0.0]

    class Slow(Clip):
        def retrieve(self) -> Image:
            now[0] += 0.2
            return super().retrieve()

    file = Slow(numbered(100))
    source = ShapedSource(file, Geometry(), 0.5, clock=lambda: now[0])
    with source:
        asked = [source.grab() for _ in range(4)]
    assert asked == [True, None, None, None]


def test_of_pictures_all_are_taken_whatever_the_rate_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(5):
        cv2.imwrite(str(tmp_path / f"{n}.png"), LEFT_HALF_WHITE)
    with caplog.at_level(logging.INFO, logger="fer_edge"):
        assert len(all_of(open_source(str(tmp_path), CaptureSettings(fps=1.0)))) == 5
    assert len([message for message in caplog.messages if "--camera-fps" in message]) == 1


def test_a_region_outside_the_image_is_told_when_the_source_is_opened_which_is_closed_then() -> None:
    file = FakeSource([LEFT_HALF_WHITE])
    with pytest.raises(UsageError, match=r"100x10 .* 64x48"):
        shaped(file, CaptureSettings(roi=(0, 0, 100, 10))).open()
    assert file.closed == 1


def test_where_the_size_is_not_known_before_the_first_image_tells() -> None:
    class Unknown(FakeSource):
        def open(self) -> SourceInfo:
            super().open()
            return SourceInfo("unknown", 0, 0, 0.0)

    with shaped(Unknown([LEFT_HALF_WHITE]), CaptureSettings(roi=(0, 0, 100, 10))) as source:
        assert source.grab()
        with pytest.raises(UsageError, match="64x48"):
            source.retrieve()


def test_a_picture_among_others_that_is_too_small_for_the_region_is_left_out_alone() -> None:
    class Pictures(FakeSource):
        file = "one.png"

    small, large = np.zeros((10, 10, 3), np.uint8), LEFT_HALF_WHITE
    with shaped(Pictures([large, small, large]), CaptureSettings(roi=(0, 0, 60, 40))) as source:
        assert source.grab()
        assert source.retrieve().shape == (40, 60, 3)
        assert source.grab()
        with pytest.raises(FileUnreadable, match=r"one\.png.*10x10"):
            source.retrieve()
        assert source.grab()
        assert source.retrieve().shape == (40, 60, 3)


@pytest.mark.parametrize("live", [True, False])
def test_it_is_what_the_source_within_is(live: bool) -> None:
    class Within(FakeSource):
        on_demand = True
        opening_limit = 77.0
        skipped = ("bad.png",)
        stopped = 0

        def interrupt(self) -> None:
            self.stopped += 1

    within = Within(numbered(2), live=live)
    source = shaped(within, CaptureSettings(rotate=180))
    assert isinstance(source, ShapedSource)
    assert (source.live, source.on_demand, source.opening_limit, source.skipped) == (live, True, 77.0, ("bad.png",))
    source.interrupt()
    assert within.stopped == 1
    source.close()
    assert within.closed == 1


@pytest.mark.parametrize(
    ("text", "size", "wanted"),
    [("demo", (320, 240), (320, 240)), ("picture", (320, 240), (32, 24)), ("picture", (16, 100), (16, 12))],
)
def test_a_device_is_asked_for_a_size_and_a_file_is_reduced_to_fit(
    tmp_path: Path, text: str, size: tuple, wanted: tuple
) -> None:
    path = str(tmp_path / "picture.png")
    cv2.imwrite(path, LEFT_HALF_WHITE[:24, :32])
    source = open_source(path if text == "picture" else text, CaptureSettings(width=size[0], height=size[1]))
    with source:
        info = source.open()
        assert source.grab()
        assert source.retrieve().shape[1::-1] == (info.width, info.height) == wanted
