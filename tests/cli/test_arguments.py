"""The command line's half of the settings."""

from __future__ import annotations

import argparse
from typing import Any, Dict, List

import pytest

from fer_edge.cli.arguments import add_settings, given_settings
from fer_edge.settings import load_settings
from fer_edge.soak.run import program_arguments


def given(*arguments: str) -> Dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_settings(parser)
    return given_settings(parser.parse_args(arguments))[0]


def test_every_camera_of_a_command_line_counts_in_its_order() -> None:
    found = load_settings(given("--camera", "front=0", "--camera", "door=demo", "--camera=demo"), {})
    assert [(camera.name, camera.source) for camera in found.cameras] == [
        ("front", "0"),
        ("door", "demo"),
        ("demo", "demo"),
    ]


@pytest.mark.parametrize(
    ("arguments", "blur"),
    [
        (["--blur"], True),
        (["--blur", "true"], True),
        (["--blur=off"], False),
        ([], False),
        (["--blur", "--no-bars"], True),
    ],
)
def test_a_switch_may_stand_alone_or_say_its_value(arguments: List[str], blur: bool) -> None:
    assert load_settings(given(*arguments), {}).analysis.blur is blur


def test_a_soak_hands_all_cameras_and_switches_on_to_the_program_that_it_watches() -> None:
    asked = given("--camera", "front=demo", "--camera", "http://host/?a=b", "--blur", "--listen", "8650")
    passed = program_arguments(asked, "x.toml")
    assert passed[0] == "--config=x.toml"
    again = load_settings(given(*passed), {})
    assert again == load_settings({**given(*passed), "camera": ["front=demo", "http://host/?a=b"]}, {})
    assert again.analysis.blur
    assert again.web.listen is None
