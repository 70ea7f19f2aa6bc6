"""The sections of the page on sources say what the program does, beside the two tables at its beginning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

import pytest

from fer_edge.capture import open_source, registry
from fer_edge.capture.address import CameraAddress
from fer_edge.capture.file import signature
from fer_edge.capture.file.picture import LARGEST_FILE
from fer_edge.capture.file.places import FOREIGN_SUFFIXES
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.limits import LARGEST, USUAL_MOST_PIXELS
from fer_edge.capture.media.names import PLAYLISTS, PROTOCOLS
from fer_edge.capture.media.source import MediaSource
from fer_edge.capture.registry import KINDS, kind_of
from fer_edge.capture.rtsp.refusal import refused
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import MissingExtra

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")


def rows(section: str) -> List[List[str]]:
    """The cells of the tables between a heading and the next one, without what stands over their columns."""
    _, found, text = PAGE.partition(f"\n{section}\n")
    assert found, section
    level = len(section) - len(section.lstrip("#"))
    text = re.split(rf"^#{{1,{level}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    ruled = [index for index, row in enumerate(cells) if row[0].startswith("---")]
    return [row for index, row in enumerate(cells) if index not in ruled and index + 1 not in ruled]


def codes(cell: str) -> List[str]:
    return re.findall(r"`([^`]+)`", cell)


def complete(text: str) -> str:
    """Make a source of what a table gives the beginning or the end of."""
    if text in PLAYLISTS:
        return f"http://host/live{text}"
    text = text.replace("(s)://....", "://host/live.")
    return f"session{text}" if text.startswith(".") else f"{text}host/live" if text.endswith("://") else text


@pytest.mark.parametrize("extra", [True, False])
def test_what_reads_video_files_is_what_the_page_says(monkeypatch: pytest.MonkeyPatch, extra: bool) -> None:
    monkeypatch.setattr(registry, "has_av", lambda: extra)
    table = [row for row in rows("## Video files") if row[1].startswith(("OpenCV,", "PyAV"))]
    said = {row[1].split(",")[0] for row in table if ("`media`" in row[0]) == extra}
    assert said == {"PyAV" if extra else "OpenCV"}
    assert type(open_source("clip.mp4")) is (MediaSource if extra else VideoFileSource)


def test_each_pipe_and_stream_is_read_as_the_table_says_with_the_extra_and_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = set()
    for what, given, read, without in rows("## Pipes and other streams"):
        if what.startswith("a named pipe"):  # its path is that of any file
            continue
        for text in map(complete, codes(given)):
            named.add(text.partition("://")[0])
            kind = kind_of(text)
            assert (kind.name, kind.live) == (("stream", True) if "live" in read else ("pipe", False)), text
            monkeypatch.setattr(registry, "has_av", lambda: False)
            if without == "not":
                with pytest.raises(MissingExtra):
                    open_source(text)
            else:
                assert without == "by OpenCV"
                open_source(text)
    assert set(PROTOCOLS) - {"https"} <= named
    assert all(f"{ending}`" in PAGE for ending in PLAYLISTS)


@pytest.mark.parametrize("section", ["## Cameras over HTTP", "### How long is waited"])
def test_the_times_are_those_of_the_settings(section: str) -> None:
    said = {codes(row[0])[0]: row[1] for row in rows(section) if "timeout" in row[0]}
    usual = CaptureSettings()
    assert said == {
        "--connect-timeout": f"{usual.connect_timeout:g} s",
        "--first-image-timeout": f"{usual.first_image_timeout:g} s",
        "--stall-timeout": f"{usual.stall_timeout:g} s",
    }


def test_every_kind_of_picture_that_is_known_has_its_row_and_the_page_names_no_other() -> None:
    known = {getattr(signature, name) for name in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "HEIF", "AVIF")}
    said = {word.strip() for row in rows("## Pictures") for word in row[0].split(",")}
    assert {kind.lower() for kind in known} <= {word.lower() for word in said}
    named = re.search(r"^Raw photos (.*) are not read", PAGE, re.MULTILINE)
    assert named is not None
    assert set(codes(named[1])) <= set(FOREIGN_SUFFIXES)


def test_the_limits_are_those_of_the_program() -> None:
    (limits,) = re.findall(r"^\*\*Limits\.\*\* (.*)$", PAGE, re.MULTILINE)
    assert limits.startswith(
        f"{USUAL_MOST_PIXELS // 10**6} million pixels, {LARGEST} along a side and {LARGEST_FILE >> 20} MiB a file."
    )
    assert f"Images may have {LARGEST} pixels a side and {USUAL_MOST_PIXELS // 10**6} million in all." in PAGE


def test_the_advice_of_each_refusal_of_rtsp_is_its_own() -> None:
    said = [int(row[0]) for row in rows("### What a camera answers")]
    assert {453, 461, 503} <= set(said)
    address = CameraAddress.parse("rtsp://host/live")
    advice = [refused(address, status, "No", "tcp").remedy for status in said]
    assert len(set(advice)) == len(advice)


def test_the_sources_that_are_asked_for_a_size_are_those_of_the_table() -> None:
    assert {kind.name for kind in KINDS if kind.sized} == {"camera", "csi", "gstreamer", "demo"}
    (size,) = (row for row in rows("## What can be asked of each camera") if row[0] == "`--size`")
    assert size[1:] == ["asks the device", "reduces", "reduces", "reduces"]
