"""Faces that are too small, or not where they are sought: not read, shown, followed or told, and blurred all the same."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
import pytest

import fer_edge
from fer_edge.app.blur import Blurring
from fer_edge.app.detection import Detection
from fer_edge.app.detection_turns import DetectionTurns
from fer_edge.app.parts import Parts
from fer_edge.app.searched import searched
from fer_edge.app.session import build_session
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.classify import FakeClassifier
from fer_edge.cli.main import main
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.regions import rectangle
from fer_edge.detect.search import MOST_FACES, Search
from fer_edge.errors import UsageError
from fer_edge.settings import CameraSettings, Settings, load_settings
from fer_edge.settings.file import SettingsFile
from fer_edge.sinks.jsonl import as_record
from fer_edge.track.fake import FakeTracker
from fer_edge.types import Box, Face, Frame, Image, Observation

GROUND = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)


def face(x: float, y: float = 100.0, side: float = 60.0, score: float = 0.9) -> Face:
    """Return a face whose centre is at x, y."""
    left, top = x - side / 2, y - side / 2
    marks = {"right_eye": (left + 0.3 * side, top + 0.4 * side), "left_eye": (left + 0.7 * side, top + 0.4 * side)}
    return Face(Box(left, top, side, side), score, marks)


NEAR, FAR, AWAY = face(60), face(160, 60, 20), face(260)


class Finds(FaceDetector):
    """Finds the same faces in every image, and counts them."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def detect(self, image: Image) -> Tuple[Face, ...]:
        return self.faces


def video(count: int = 3, image: Image = GROUND) -> FakeSource:
    return FakeSource([image] * count, fps=200.0)


def places(observation: Observation) -> List[float]:
    return [seen.face.box.x + seen.face.box.width / 2 for seen in observation.faces]


def watched(*faces: Face, **options: Any) -> List[Observation]:
    return list(fer_edge.watch(video(), detector=Finds(*faces), model=FakeClassifier(), **options))


def test_nothing_asked_for_every_face_is_read() -> None:
    for observation in watched(NEAR, FAR, AWAY):
        assert places(observation) == [60, 160, 260]
        assert observation.unwanted == ()


def test_what_is_less_high_is_neither_read_nor_followed_nor_told() -> None:
    seen = watched(NEAR, FAR, AWAY, min_face=21)
    for observation in seen:
        assert places(observation) == [60, 260]
        assert observation.found == (NEAR, AWAY)
        assert observation.unwanted == (FAR,)
        assert observation.hidden == ()
        assert len(as_record(observation, fer_edge.Rates())["faces"]) == 2
        assert {one.track.id for one in observation.faces if one.track} == {1, 2}
    assert places(watched(NEAR, FAR, AWAY, min_face=20)[-1]) == [60, 160, 260]


def test_whose_centre_lies_in_no_region_is_left_out() -> None:
    regions = [(0, 0, 61, 240), [(155, 40), (165, 40), (160, 80)]]
    for observation in watched(NEAR, FAR, AWAY, regions=regions):
        assert places(observation) == [60, 160]
        assert observation.unwanted == (AWAY,)
    # The box reaches far into it, its centre does not.
    assert places(watched(NEAR, regions=[(0, 0, 60, 240)])[-1]) == []
    assert places(watched(NEAR, FAR, AWAY, regions=[(0, 0, 320, 240)], min_face=21)[-1]) == [60, 260]


def test_each_of_several_cameras_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "rooms.toml"
    file.write_text(
        'min_face = 21\n[[camera]]\nname = "desk"\nsource = "x"\nregion = [0, 0, 100, 240]\n'
        '[[camera]]\nname = "hall"\nsource = "y"\nmin_face = 1\n[[camera]]\nname = "door"\nsource = "z"\n'
    )
    settings = load_settings({}, {}, file)
    session = build_session(settings, made(Finds(NEAR, FAR, AWAY)))
    told: Dict[str, List[float]] = {observation.frame.source: places(observation) for observation in session}
    assert told == {"desk": [60], "hall": [60, 160, 260], "door": [60, 260]}


def made(detector: FaceDetector, image: Image = GROUND, **more: Any) -> Parts:
    return Parts(
        source=lambda settings, camera, paced, again: video(3, image),
        detector=lambda settings, name: lambda: detector,
        classifier=lambda settings: FakeClassifier,
        **more,
    )


def test_with_blur_who_is_left_out_is_blurred_all_the_same() -> None:
    settings = Settings.of(blur=True, min_face=30, region=(rectangle(0, 0, 100, 240),))
    for observation in build_session(settings, made(Finds(NEAR, FAR, AWAY))):
        assert places(observation) == [60]
        for one in (NEAR, FAR, AWAY):
            left, top, width, height = map(int, one.box)
            part = slice(top, top + height), slice(left, left + width)
            assert np.asarray(observation.frame.image[part]).std() < 0.5 * GROUND[part].std()
        assert np.array_equal(observation.frame.image[200:], GROUND[200:])


def test_a_frame_with_nobody_but_who_is_left_out_is_blurred_too() -> None:
    settings = Settings.of(blur=True, region=(rectangle(0, 0, 100, 240),))
    for observation in build_session(settings, made(Finds(AWAY))):
        assert not np.array_equal(observation.frame.image, GROUND)
        assert observation.faces == ()
        assert not Blurring().idle(observation)


def test_a_thousand_false_faces_are_bounded_the_surest_are_read_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    many = [face(10 + number % 50 * 6, 10 + number // 50 * 10, 5, 0.5 + number / 4000) for number in range(1000)]
    caplog.set_level(logging.WARNING)
    detection = Detection({"front": lambda: Finds(*many)}, searches={"front": Search(min_face=2)})
    for _ in range(3):
        (seen,) = detection.work([an_observation()])
        assert seen.found == tuple(reversed(many[-MOST_FACES:]))
        assert len(seen.unwanted) == 1000 - MOST_FACES
    (said,) = [record for record in caplog.records if "1000 faces" in record.getMessage()]
    assert said.getMessage().startswith("front: ")


def test_of_a_thousand_elsewhere_none_takes_the_place_of_one_that_is_sought() -> None:
    many = [face(300, 200, 5, 0.99)] * 1000
    detection = Detection(
        {"front": lambda: Finds(*many, NEAR)}, searches={"front": Search(0, (rectangle(0, 0, 100, 240),))}
    )
    (seen,) = detection.work([an_observation()])
    assert seen.found == (NEAR,)


def an_observation(at: float = 0.0) -> Observation:
    return Observation(Frame(0, at, datetime.now(timezone.utc), GROUND, "front", media_time=at))


class Walking(FakeTracker):
    """Expects everybody to be 100 pixels further to the right."""

    def expected(self, *moments: float) -> Sequence[Tuple[Face, ...]]:
        return [(NEAR, face(160))]


def test_who_is_expected_to_have_left_the_region_is_not_expected_any_more() -> None:
    turns = DetectionTurns({"front": Walking()}, fixed=2)
    for region, told in ((rectangle(0, 0, 100, 240), [False, False]), (rectangle(0, 0, 200, 240), [False, True])):
        detection = Detection({"front": lambda: Finds(NEAR)}, turns, {"front": Search(0, (region,))})
        seen = [detection.work([an_observation(at)])[0] for at in (0.0, 0.1)]
        assert [one.predicted for one in seen] == told


class Unknown(FakeSource):
    """Does not know its size before the first image."""

    def open(self) -> SourceInfo:
        return replace(super().open(), width=0, height=0)


@pytest.mark.parametrize("kind", [FakeSource, Unknown])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"regions": [(0, 0, 320, 240), (300, 0, 21, 10)]},
            "300,0 321,0 321,10 300,10 does not lie in the image .* 320x240",
        ),
        ({"regions": [[(0, 0), (10, 241), (20, 0)]]}, "does not lie in the image"),
        ({"regions": [(1000, 1000, 5, 5)]}, "does not lie in the image"),
        ({"min_face": 241}, "241 pixels high .* larger than the image"),
    ],
)
def test_what_no_image_of_a_camera_meets_is_an_error_with_a_remedy(
    kind: Any, live: bool, asked: Dict[str, Any], words: str
) -> None:
    source = kind([GROUND] * 3, live=live)
    with pytest.raises(UsageError, match=words) as caught:
        list(fer_edge.watch(source, detector=Finds(), model=FakeClassifier(), **asked))
    assert "Give" in caught.value.remedy
    assert source.closed


def test_a_size_that_is_known_is_looked_at_before_any_image() -> None:
    settings = Settings.of(min_face=241)
    source = searched(video(), settings, settings.cameras[0])
    with pytest.raises(UsageError):
        source.open()


def test_what_just_fits_is_no_error() -> None:
    assert len(watched(NEAR, regions=[(0, 0, 320, 240), (319, 239, 1, 1)], min_face=240)) == 3


def test_a_region_is_in_pixels_of_the_turned_and_cut_image() -> None:
    with pytest.raises(UsageError, match="has 240x320"):
        watched(NEAR, rotate=90, regions=[(0, 0, 320, 240)])
    assert len(watched(NEAR, rotate=90, regions=[(0, 0, 240, 320)])) == 3
    with pytest.raises(UsageError, match="has 100x100"):
        watched(NEAR, roi=(0, 0, 100, 100), regions=[(0, 0, 101, 100)])
    with pytest.raises(UsageError, match="has 160x120"):
        watched(NEAR, size=(160, 160), regions=[(0, 0, 320, 240)])


@pytest.mark.parametrize(("key", "value"), [("region", "[0, 0, 999, 5]"), ("min_face", "999")])
def test_the_error_says_where_it_was_asked_for(key: str, value: str) -> None:
    content = f'[[camera]]\nname = "desk"\nsource = "x"\n{key} = {value}\n'.encode()
    settings = load_settings({}, {}, SettingsFile.parse(Path("rooms.toml"), content))
    with pytest.raises(UsageError, match="rooms.toml, line 4: "):
        list(build_session(settings, made(Finds())))
    settings = load_settings({"camera": ["x"]}, {f"FER_EDGE_{key.upper()}": "0,0,999,5" if key == "region" else "999"})
    with pytest.raises(UsageError, match=f"FER_EDGE_{key.upper()}: "):
        list(build_session(settings, made(Finds())))


def test_of_several_cameras_the_one_that_a_region_does_not_fit_ends_alone() -> None:
    sources = {"desk": video(), "hall": video(image=GROUND[:100, :100])}
    cameras = tuple(CameraSettings(name, name, region=(rectangle(0, 0, 200, 200),)) for name in sources)
    parts = replace(made(Finds(NEAR)), source=lambda settings, camera, paced, again: sources[camera.name])
    session = build_session(replace(Settings(), cameras=cameras), parts)
    told: List[str] = []
    with pytest.raises(UsageError, match="100x100"):
        told.extend(observation.frame.source for observation in session)
    assert told == [] or set(told) == {"desk"}
    assert sources["desk"].closed


def test_a_picture_among_others_that_is_too_small_for_a_region_is_left_out_and_says_why(tmp_path: Path) -> None:
    for name, side in (("a", 200), ("b", 100), ("c", 200)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((side, side, 3), 90, np.uint8))
    seen = list(
        fer_edge.watch(tmp_path, detector=Finds(NEAR), model=FakeClassifier(), regions=[(0, 0, 150, 150)], min_face=50)
    )
    assert [bool(one.frame.problem) for one in seen] == [False, True, False]
    assert "does not lie in the image" in seen[1].frame.problem
    seen = list(fer_edge.watch(tmp_path, detector=Finds(), model=FakeClassifier(), min_face=150))
    assert [one.frame.problem for one in seen] == ["", "", ""]


@pytest.mark.slow
def test_a_camera_that_comes_back_with_a_smaller_image_is_not_watched_past_its_regions() -> None:
    """Its source is made anew, and that one is held to the regions as well."""
    opened: List[FakeSource] = []

    def source(settings: Settings, camera: CameraSettings, paced: bool, again: Sequence[str]) -> Source:
        image = GROUND if not opened else GROUND[:100]
        opened.append(FakeSource([image] * 2, live=True, error=OSError("gone") if len(opened) > 3 else None))
        return opened[-1]

    settings = replace(
        Settings.of(reconnect="auto"), cameras=(CameraSettings("front", "x", region=(rectangle(0, 0, 9, 200),)),)
    )
    session = build_session(settings, replace(made(Finds()), source=source))
    seen: List[Optional[Observation]] = []
    with session:
        while len(opened) < 3:
            seen.append(session.take(0.05))
    assert {one.frame.image.shape[0] for one in seen if one is not None} == {240}


def test_the_results_file_of_the_program_has_only_who_is_wanted(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    code = main(
        ["--camera", "demo:3", "--display", "none", "--frames", "3", "--output", str(output), "--region", "0,0,210,480",
         "--region", "430,0,210,480", "--min-face", "30"]
    )  # fmt: skip
    assert code == 0
    for line in output.read_text().splitlines():
        faces = json.loads(line)["faces"]
        assert len(faces) == 2
        assert all(not 210 <= one["box"][0] + one["box"][2] / 2 < 430 for one in faces)


def test_of_one_picture_only_those_are_read_that_are_sought(tmp_path: Path) -> None:
    detector = Finds(NEAR, FAR, AWAY)
    file = tmp_path / "room.png"
    cv2.imwrite(str(file), GROUND)

    def middles(image: Any, **asked: Any) -> List[float]:
        read = fer_edge.read_image(image, detector=detector, model=FakeClassifier(), **asked)
        return [seen.face.box.x + seen.face.box.width / 2 for seen in read]

    for image in (GROUND, file):
        assert middles(image) == [60, 160, 260]
        assert middles(image, min_face=21) == [60, 260]
        assert middles(image, regions=[(0, 0, 61, 240), [(155, 40), (165, 40), (160, 80)]]) == [60, 160]
        assert middles(image, regions=[(0, 0, 320, 240)], min_face=61) == []
        assert middles(image, rotate=90, regions=[(0, 0, 240, 320)], min_face=320) == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"regions": [(0, 0, 321, 240)]}, "does not lie in the image that is analysed, which has 320x240"),
        ({"regions": [(0, 0, 320, 240)], "rotate": 90}, "which has 240x320"),
        ({"regions": [(0, 0, 320, 240)], "roi": (0, 0, 100, 100)}, "which has 100x100"),
        ({"regions": [(0, 0, 0, 5)]}, "^regions: .*is empty"),
        ({"regions": [[(0, 0), (9, 9), (9, 0), (0, 9)]]}, "^regions: .*crosses itself"),
        ({"min_face": 241}, "241 pixels high .* larger than the image"),
        ({"min_face": 0}, "^min_face: "),
    ],
)
def test_what_one_picture_does_not_meet_is_an_error_with_a_remedy(asked: Dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        fer_edge.read_image(GROUND, detector=Finds(), model=FakeClassifier(), **asked)
    assert caught.value.remedy


@pytest.mark.parametrize("detector", ["blazeface", "blazeface-full", "auto"])
@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
def test_an_image_of_one_pixel_or_one_row_has_nobody_in_it_and_is_no_error(
    detector: str, size: Tuple[int, int]
) -> None:
    image = np.full((*size, 3), 128, np.uint8)
    assert fer_edge.read_image(image, detector=detector, model=FakeClassifier(), min_face=1) == ()
    seen = list(
        fer_edge.watch(FakeSource([image] * 2), detector=detector, model=FakeClassifier(), regions=[(0, 0, 1, 1)])
    )
    assert [one.faces for one in seen] == [(), ()]


@pytest.mark.slow
@pytest.mark.parametrize(("detector", "elsewhere"), [("blazeface-full", 1), ("auto", 0)])
def test_an_8k_image_is_searched_where_faces_are_sought(detector: str, elsewhere: int) -> None:
    image = np.full((4320, 7680, 3), 90, np.uint8)
    head = np.asarray(cv2.resize(cv2.imread(str(PORTRAIT)), (3000, 3000)), np.uint8)
    image[1000:4000, 300:3300] = image[1000:4000, 4300:7300] = head
    (seen,) = fer_edge.watch(
        FakeSource([image]), detector=detector, model=FakeClassifier(), regions=[(0, 0, 3840, 4320)]
    )
    assert (len(seen.faces), len(seen.unwanted)) == (1, elsewhere)
    (face,) = fer_edge.read_image(image, detector=detector, model=FakeClassifier(), regions=[(3840, 0, 3840, 4320)])
    assert face.face.box.x > 4300


@pytest.mark.parametrize("shape", [(32767, 2, 3), (2, 32767, 3)])
def test_an_image_that_is_too_large_for_opencv_is_refused_and_a_part_of_it_is_not(shape: Tuple[int, ...]) -> None:
    detector, image = Finds(), np.zeros(shape, np.uint8)
    with pytest.raises(UsageError, match=f"{shape[1]} x {shape[0]} pixels will not do: a side has at most 32766"):
        fer_edge.read_image(image, detector=detector, model=FakeClassifier())
    assert fer_edge.read_image(image, detector=detector, model=FakeClassifier(), roi=(0, 0, 2, 2)) == ()
