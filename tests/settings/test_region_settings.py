"""Where faces are sought and how high they are at the least, as the command line, variables, files and programs say it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import numpy as np
import pytest

import fer_edge
from fer_edge.app.given import regions_of
from fer_edge.cli.arguments import add_settings, given_settings
from fer_edge.detect.regions import MOST_REGIONS, rectangle
from fer_edge.errors import FerEdgeError, SettingsError, UsageError
from fer_edge.settings import Settings, load_settings
from fer_edge.settings.file import SettingsFile

DESK = rectangle(80, 0, 480, 400)
DOOR = ((0, 0), (640, 0), (320, 400))


def loaded(file: str = "", environment: Optional[Mapping[str, str]] = None, **arguments: Any) -> Settings:
    return load_settings(arguments, environment or {}, SettingsFile.parse(Path("here.toml"), file.encode()))


def test_on_a_command_line_each_region_is_one_more() -> None:
    settings = loaded(region=["80,0,480,400", "0,0 640,0 320,400"], min_face="40")
    assert settings.cameras[0].region == (DESK, DOOR)
    assert settings.cameras[0].min_face == 40
    assert (
        loaded(region=["80,0,480,400;0,0 640,0 320,400 0,0"]).cameras
        == loaded(region=["80,0,480,400", "0,0 640,0 320,400"]).cameras
    )


@pytest.mark.parametrize(
    "value",
    [
        '"80,0,480,400; 0,0 640,0 320,400"',
        '"80,0,480,400;0,0 640,0 320,400;"',
        "[[80, 0, 480, 400], [[0, 0], [640, 0], [320, 400]]]",
        '["80,0,480,400", "0,0 640,0 320,400"]',
        '["80,0,480,400", [[0, 0], [640, 0], [320, 400]]]',
    ],
)
def test_a_file_holds_text_or_lists(value: str) -> None:
    assert loaded(f"region = {value}").cameras[0].region == (DESK, DOOR)
    (camera,) = loaded(f'[[camera]]\nsource = "demo"\nregion = {value}\nmin-face = 40').cameras
    assert (camera.region, camera.min_face) == ((DESK, DOOR), 40)


def test_one_region_of_a_file_needs_no_list_of_lists() -> None:
    assert loaded("region = [80, 0, 480, 400]").cameras[0].region == (DESK,)
    assert loaded("region = [[0, 0], [640, 0], [320, 400]]").cameras[0].region == (DOOR,)


def test_each_camera_has_its_own_and_the_command_line_stands_over_variables_over_the_file() -> None:
    file = """
    region = [80, 0, 480, 400]
    min_face = 30
    [[camera]]
    name = "front"
    source = "demo:1"
    region = "0,0,9,9"
    [[camera]]
    name = "door"
    source = "demo:2"
    [[camera]]
    name = "hall"
    source = "demo:3"
    """
    variables = {
        "FER_EDGE_CAMERA__HALL__REGION": "0,0 640,0 320,400",
        "FER_EDGE_CAMERA__HALL__MIN_FACE": "20",
        "FER_EDGE_MIN_FACE": "25",
    }

    def told(**arguments: Any) -> Dict[str, Any]:
        return {
            camera.name: (camera.region, camera.min_face) for camera in loaded(file, variables, **arguments).cameras
        }

    assert told() == {"front": ((rectangle(0, 0, 9, 9),), 25), "door": ((DESK,), 25), "hall": ((DOOR,), 20)}
    assert told(min_face="50", region=["1,1,5,5"]) == {
        "front": ((rectangle(0, 0, 9, 9),), 50),
        "door": ((rectangle(1, 1, 5, 5),), 50),
        "hall": ((DOOR,), 20),
    }


def test_the_real_command_line_takes_several() -> None:
    parser = argparse.ArgumentParser()
    add_settings(parser)
    options = parser.parse_args(["--region", "80,0,480,400", "--region", "0,0 640,0 320,400", "--min-face", "40"])
    given, _ = given_settings(options)
    assert load_settings(given, {}).cameras[0].region == (DESK, DOOR)


WRONG = {
    "0,0,0,5": "the region 0,0,0,5 is empty",
    "0,0 9,9 9,0 0,9": "crosses itself: its edges 0,0 9,9 and 9,0 0,9 meet",
    "0,0 5,5": "has 2 corners, and needs three",
    "0,0 5,5 9,9": "is empty: its corners lie on one line",
    "": "it names no region",
    " ; ": "it names no region",
    "1,2,3": "it must be LEFT,TOP,WIDTH,HEIGHT",
    "-1,0,5,5": "it must be LEFT,TOP,WIDTH,HEIGHT",
    "1,2,3,4 5,6": "it must be LEFT,TOP,WIDTH,HEIGHT",
    "0,0,5,5;;0,0,5,5": "it must be LEFT,TOP,WIDTH,HEIGHT",
    "0,0,5,1e3": "it must be LEFT,TOP,WIDTH,HEIGHT",
    ";".join(["0,0,1,1"] * (MOST_REGIONS + 1)): "there are 33 regions, and 32 are the most",
}


@pytest.mark.parametrize(("text", "words"), WRONG.items())
def test_what_is_no_region_is_refused_with_its_place_and_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(UsageError) as of_argument:
        loaded(region=[text])
    assert of_argument.value.message.startswith("--region: ")
    with pytest.raises(SettingsError) as of_file:
        loaded(f'\nregion = "{text}"')
    assert of_file.value.message.startswith("here.toml, line 2: region: ")
    errors = [of_argument.value, of_file.value]
    if text:
        with pytest.raises(SettingsError) as of_variable:
            loaded(environment={"FER_EDGE_REGION": text})
        assert of_variable.value.message.startswith("FER_EDGE_REGION: ")
        errors.append(of_variable.value)
    for error in errors:
        assert words in error.message
        assert "centre" in error.remedy


@pytest.mark.parametrize(
    "value",
    [
        "7",
        "true",
        "[1, 2, 3]",
        "[[1, 2, 3, 4], 5]",
        "[1.0, 2, 3, 4]",
        "[[[1, 2, 3], [4, 5, 6]]]",
        "[[]]",
        "[true, 1, 2, 3]",
        "[-1, 0, 5, 5]",
    ],
)
def test_a_file_may_hold_nothing_else(value: str) -> None:
    with pytest.raises(SettingsError, match="line 1: region"):
        loaded(f"region = {value}")


def test_too_many_are_too_many_also_one_by_one() -> None:
    with pytest.raises(UsageError, match="there are 33 regions"):
        loaded(region=["0,0,1,1"] * (MOST_REGIONS + 1))


@pytest.mark.parametrize("wrong", ["0", "-3", "4.5", "large"])
def test_the_smallest_face_is_a_whole_number(wrong: str) -> None:
    with pytest.raises(UsageError, match="--min-face: .* a whole number above 0"):
        loaded(min_face=wrong)


def test_a_program_gives_rectangles_and_corners_in_what_it_has() -> None:
    assert regions_of(None) is None
    assert regions_of([(80, 0, 480, 400), [(0, 0), (640, 0), (320, 400)]]) == (DESK, DOOR)
    assert regions_of([np.array([80, 0, 480, 400]), np.array(DOOR)]) == (DESK, DOOR)
    assert regions_of([tuple(np.int64(number) for number in (80, 0, 480, 400))]) == (DESK,)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "wrong", [[], 7, [(1, 2, 3)], [(0, 0, 5.5, 5)], [[(0, 0), (9, 9), (9, 0), (0, 9)]], [(0, 0, 0, 5)], [None]]
)
def test_a_program_that_gives_no_region_is_told_so(wrong: Any) -> None:
    with pytest.raises(UsageError, match="regions: "):
        fer_edge.watch("demo", regions=wrong)
    with pytest.raises(FerEdgeError, match="min_face: "):
        fer_edge.watch("demo", min_face=0)
