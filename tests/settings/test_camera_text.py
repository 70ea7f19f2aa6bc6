"""What ``--camera`` takes: NAME=SOURCE told apart from a source that holds an equals sign; and names that are made."""

from __future__ import annotations

import string
from pathlib import Path
from typing import List, Tuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fer_edge.errors import UsageError
from fer_edge.settings.camera_text import LONGEST_NAME, distinct_names, is_camera_name, name_for, split_camera

NAMES = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=LONGEST_NAME).filter(
    lambda name: name not in (".", "..")
)
PRINTABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters=","), max_size=30
)
"""Without commas, with which a text may look like several cameras."""
WHOLE = st.sampled_from(
    ["http://", "https://", "rtsp://", "RTSPS://", "gst:", "csi:", "demo:", "/", "./", "../", "~/", "/dev/"]
)
"""How a source begins that is one as a whole."""


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("0", "", "0"),
        ("front=0", "front", "0"),
        (" front = 0 ", "front", "0"),
        ("door=rtsp://user:pa=ss@host/live?a=b", "door", "rtsp://user:pa=ss@host/live?a=b"),
        ("http://host/?a=b", "", "http://host/?a=b"),
        ("rtsp://user:pa=ss@host/live", "", "rtsp://user:pa=ss@host/live"),
        ("gst:v4l2src device=/dev/video0 ! videoconvert", "", "gst:v4l2src device=/dev/video0 ! videoconvert"),
        ("yard=gst:v4l2src device=/dev/video0", "yard", "gst:v4l2src device=/dev/video0"),
        ("/clips/a=b.mp4", "", "/clips/a=b.mp4"),
        ("./a=b.mp4", "", "./a=b.mp4"),
        ("~/a=b.mp4", "", "~/a=b.mp4"),
        ("a=b.mp4", "a", "b.mp4"),
        ("a=./b=c.mp4", "a", "./b=c.mp4"),
        ("a=*.jpg", "a", "*.jpg"),
    ],
)
def test_a_name_is_what_stands_before_the_first_equals_sign_of_what_is_no_source_as_a_whole(
    text: str, name: str, source: str
) -> None:
    assert split_camera(text) == (name, source)


@pytest.mark.parametrize(
    "text",
    ["0,1", "demo,demo:3", "x=demo,y=demo", "x=0, y=clip.mp4", "x=rtsp://a/live,y=rtsp://b/live", "demo:2,y=0"],
)
def test_several_cameras_in_one_text_are_refused_with_the_ways_to_give_each(text: str) -> None:
    with pytest.raises(UsageError, match="names several cameras in one text") as caught:
        split_camera(text)
    for way in ("--camera of its own", "FER_EDGE_CAMERA__NAME__SOURCE", "[[camera]]"):
        assert way in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "http://host/?a=1,b=2",
        "rtsp://host/a,b=rtsp",
        "gst:v4l2src ! video/x-raw,width=640,height=480",
        "./a=1,b=2.mp4",
        "/clips/a=1,b=2.mp4",
        "clip,1.mp4",
    ],
)
def test_a_comma_in_a_source_does_not_make_it_several(text: str) -> None:
    assert split_camera(text) == ("", text)
    for named in ("http://host/?a=1,b=2", "gst:videotestsrc ! video/x-raw,width=640,b=2", "./a,b=2.mp4"):
        assert split_camera(f"x={named}") == ("x", named)


def test_a_file_that_is_there_is_taken_by_its_whole_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    for name in ("a=b.mp4", "clips/a=b.mp4", "0,1", "x=demo,y=demo"):
        (tmp_path / name).touch()
        assert split_camera(name) == ("", name)


@pytest.mark.parametrize(
    "text", ["a/b=0", "=0", "..=0", "fr ont=0", "x" * 65 + "=0", "küche=0", "clips/a=b.mp4", "a:b=0"]
)
def test_what_is_no_name_is_refused_with_the_way_to_name_a_file(text: str) -> None:
    with pytest.raises(UsageError, match="neither a file that is there nor NAME=SOURCE") as caught:
        split_camera(text)
    assert "./FILE" in caught.value.remedy


@pytest.mark.parametrize("text", ["front=", "front= ", "", "  "])
def test_a_camera_without_a_source_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="[Nn]o source"):
        split_camera(text)


def test_a_password_in_a_mistyped_address_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        split_camera("user:sesame=1@host/live")
    assert "sesame" not in str(caught.value)


@settings(deadline=None)
@given(NAMES, PRINTABLE.filter(bool))
@example("0", "=")
@example("demo", "demo")
def test_every_legal_name_is_told_from_the_source_behind_it(name: str, source: str) -> None:
    assert split_camera(f"{name}={source}") == (name, source)


@settings(deadline=None)
@given(WHOLE, PRINTABLE)
def test_a_source_that_says_what_it_is_never_loses_a_part_to_a_name(beginning: str, rest: str) -> None:
    assert split_camera(beginning + rest) == ("", beginning + rest)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_taken_whole_or_in_two_or_refused(text: str) -> None:
    try:
        name, source = split_camera(text)
    except UsageError:
        return
    assert source
    assert not name or is_camera_name(name)
    assert "".join(text.split()).endswith("".join(source.split()))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("auto", "camera"),
        ("0", "camera0"),
        ("/dev/video2", "camera2"),
        ("/dev/v4l/by-id/usb-Co._Ltd._C920-video-index0", "usb-Co._Ltd._C920-video-index0"),
        ("demo", "demo"),
        ("demo:3", "demo-3"),
        ("csi:0", "csi-0"),
        ("gst:videotestsrc ! videoconvert", "gst"),
        ("rtsp://user:word@Door.local:554/live", "door.local"),
        ("http://192.168.1.20/video?user=me", "192.168.1.20"),
        ("http://[fe80::1]:8080/", "fe80-1"),
        ("rtsp://user:12/34@host/live", "rtsp"),
        ("rtsp://user:word/live", "rtsp"),
        ("clips/hall.mp4", "hall"),
        ("/clips/Küche 1.mp4", "Kuche-1"),
        ("shots/*.jpg", "shots"),
        ("shots/", "shots"),
        ("*.jpg", "camera"),
        ("..", "camera"),
    ],
)
def test_a_camera_without_a_name_is_called_after_its_source(source: str, name: str) -> None:
    assert name_for(source) == name


@settings(deadline=None)
@given(st.one_of(st.text(max_size=90), st.builds("{}{}".format, WHOLE, st.text(max_size=90))))
@example("x" * 300)
def test_a_name_that_is_made_of_any_source_is_a_legal_one(source: str) -> None:
    assert is_camera_name(name_for(source))


@settings(deadline=None)
@given(
    st.sampled_from(["rtsp", "http"]),
    st.text("abcXYZ019._-", max_size=6),
    st.text(string.ascii_letters + string.digits + "/?#:@=%&;!", max_size=12),
)
def test_a_made_name_holds_nothing_of_a_password(scheme: str, user: str, password: str) -> None:
    name = name_for(f"{scheme}://{user}:{password}@host.local/live")
    assert name in ("host.local", scheme)


def test_a_second_camera_of_the_same_kind_gets_a_number_that_no_other_name_has() -> None:
    cameras = [("", "demo"), ("", "demo"), ("Demo-2", "0"), ("", "demo"), ("", "x" * 64), ("", "x" * 64)]
    assert distinct_names(cameras) == ["demo", "demo-3", "Demo-2", "demo-4", "x" * 64, "x" * 62 + "-2"]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([("", "demo"), ("", "0"), ("", "x" * 70), ("demo-2", "1"), ("Camera0", "2")]), max_size=12)
)
def test_made_names_are_legal_and_differ_from_all_others_whatever_their_case(cameras: List[Tuple[str, str]]) -> None:
    names = distinct_names(cameras)
    made = [name for (own, _), name in zip(cameras, names) if not own]
    assert all(map(is_camera_name, names))
    assert len({name.lower() for name in made}) == len(made)
    assert not {name.lower() for name in made} & {own.lower() for own, _ in cameras if own}


def test_spaces_that_belong_to_the_name_of_a_file_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(" clip.mp4 ").touch()
    assert split_camera(" clip.mp4 ") == ("", " clip.mp4 ")
    assert split_camera("front= clip.mp4 ") == ("front", " clip.mp4 ")
    assert split_camera(" other.mp4 ") == ("", "other.mp4")


def test_the_standard_input_has_a_name_and_one_reader() -> None:
    assert split_camera("front=-") == ("front", "-")
    assert [name_for(source) for source in ("-", "/dev/stdin", "/dev/fd/63")] == ["stdin", "stdin", "pipe"]
    with pytest.raises(UsageError, match="standard input more than once"):
        distinct_names([("a", "-"), ("b", "/dev/stdin")])
