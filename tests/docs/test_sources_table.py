"""The page on sources lists kinds and limits as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

from fer_edge.capture import limits
from fer_edge.capture.file.picture import LARGEST_FILE
from fer_edge.capture.http.pictures import MAX_IMAGE
from fer_edge.capture.http.source import POLLS_PER_SECOND
from fer_edge.capture.registry import KINDS
from fer_edge.capture.settings import DEFAULTS, LONGEST_TIMEOUT
from fer_edge.settings.camera import CameraSettings

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")


def rows(columns: int) -> List[List[str]]:
    lines = re.findall(r"^\|(.+)\|$", PAGE, re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [row for row in cells if len(row) == columns]


def test_the_table_of_kinds_is_that_of_the_program() -> None:
    told = [row for row in rows(5) if row[0] in {kind.name for kind in KINDS}]
    true = [
        [kind.name, ", ".join(kind.forms), kind.reader, kind.default_reader or "the same", "yes" if kind.live else "no"]
        for kind in KINDS
    ]
    assert [[cell.replace("`", "") for cell in row] for row in told] == true


def test_the_limits_of_the_page_are_those_of_the_program() -> None:
    told = {row[0]: row[1] for row in rows(3)}
    assert told["side of an image"] == f"{limits.LARGEST} pixels"
    assert told["pixels of an image"] == str(limits.USUAL_MOST_PIXELS)
    assert told["bytes of a picture file"] == str(LARGEST_FILE)
    assert told["bytes of one picture over HTTP"] == str(MAX_IMAGE)
    assert told["answer of a network camera"] == f"{DEFAULTS.connect_timeout:g} s"
    assert told["its first image"] == f"{DEFAULTS.first_image_timeout:g} s"
    assert told["time without an image until it counts as lost"] == f"{DEFAULTS.stall_timeout:g} s"
    assert told["any of the three"] == f"{LONGEST_TIMEOUT:g} s"
    assert told["snapshots a second"] == f"{POLLS_PER_SECOND:g}"


def test_a_camera_of_the_settings_has_the_limits_that_a_source_has_by_itself() -> None:
    camera = CameraSettings()
    for name in ("connect_timeout", "first_image_timeout", "stall_timeout", "transport", "tls_insecure", "pages"):
        assert getattr(camera, name) == getattr(DEFAULTS, name)
