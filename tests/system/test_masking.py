"""What may be shown of an address: no secret, wherever it stands, and still enough to know which camera is meant."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fer_edge
from fer_edge.system.masking import mask, printable


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@host/x", "http://***@host/x"),
        ("http://host/x?user=me&password=it&n=1", "http://host/x?user=***&password=***&n=1"),
        ("see rtsp://me:a@b@host:1/x.", "see rtsp://***@host:1/x."),
        ("admin:p@ss#w/rd:%?&=+ x@host/x", "***@host/x"),
        ("http:/admin:p@ss w@host:80/x", "***@host:80/x"),
        ("http://host/?access_token=abc#top", "http://host/?access_token=***#***"),
        ("gst:rtspsrc user-id=me user-pw='it is' ! fakesink", "gst:rtspsrc user-id=*** user-pw=*** ! fakesink"),
        ("http://host/?loginpas=abc&w=3", "http://host/?loginpas=***&w=3"),
        ("see rtsp://me:a/b@host/x, and", "see rtsp://***@host/x, and"),
        ("rtsp://me:a?b#c@d@host/x", "rtsp://***@host/x"),
        ("rtsp://user:12/34@host", "rtsp://***"),
        ("rtsp://me:secret", "rtsp://***"),
        ("0rtsp://me:secret@host", "0rtsp://***@host"),
        ("there is no file me:secret@host", "there is no file ***@host"),
        ("tell me@home of http://host/x", "tell me@home of http://host/x"),
        (
            "rtsp://10.0.0.9:554/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
            "rtsp://10.0.0.9:554/user=***_password=***_channel=1_stream=0.sdp?real_stream",
        ),
        ("rtsp://h/user=a&password=&channel=1&stream=0.sdp?", "rtsp://h/user=***&password=&channel=1&stream=0.sdp?"),
        ("http://h/video?pin=1234&p=x&q=y", "http://h/video?pin=***&p=***&***=***"),
        ("http://h/video;pw=x", "http://h/video;pw=***"),
        (
            "gst:souphttpsrc location=http://h/?pw=1 cookies=a ! x",
            "gst:souphttpsrc location=http://h/?pw=*** cookies=*** ! x",
        ),
        ('gst:rtspsrc location="rtsp://me:my word@h/x" ! x', 'gst:rtspsrc location="rtsp://***@h/x" ! x'),
        ("http://h/login/bob:pw/video", "http://h/login/***"),
        ("http://h/bob%3Apw?channel=1", "http://h/***?channel=1"),
        ("http://h/bob:a;b=c/user=me", "http://h/***user=***"),
        ("http://h/?channel=hunter2&stream=main", "http://h/?channel=***&stream=main"),
    ],
)
def test_whatever_looks_like_a_secret_is_masked(url: str, shown: str) -> None:
    assert mask(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://host/video@2/x",
        "rtsp://10.0.0.9:554/cam/realmonitor?channel=1&subtype=0",
        "http://[fe80::1]:8080/axis-cgi/mjpg/video.cgi?resolution=640x480&camera=1&fps=15&compression=30",
        "rtsp://host/Streaming/Channels/101?transport=tcp",
        "rtsp://host/h264Preview_01_main",
        "http://host:8080/?action=stream",
        "rtsp://host/live/ch00_0.sdp is no stream: it sends text/html.",
        "/home/me/clip.mp4 is cut off; 3 of 9 frames, width=640;height=480",
        "gst:videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,framerate=15/1",
    ],
)
def test_what_tells_which_camera_is_meant_stays_readable(text: str) -> None:
    assert mask(text) == text


PLACES = [
    "rtsp://admin:{}@camera/live",
    "rtsp://{}:word@camera/live",
    "see 'rtsp://admin:{}@camera/live', please",
    "http://camera/video?pwd={}",
    "http://camera/video?pwd={}&channel=1",
    "http://camera:8080/video?channel=1&foo={}&stream=0",
    "http://camera/video?{}",
    "http://camera/video?channel={}",
    "http://camera/video?{}=1",
    "http://camera/video#{}",
    "http://camera/video;pw={}",
    "http://camera/video;{}",
    "http://camera/video;pw={}?channel=1",
    "rtsp://camera/user=admin_password={}_channel=1_stream=0.sdp?real_stream",
    "rtsp://camera:554/user=admin_password={}_channel=1_stream=0.sdp?real_stream",
    "rtsp://camera/user={}&password=word&channel=1&stream=0.sdp?",
    "rtsp://camera/foo={}",
    "gst:rtspsrc location=rtsp://camera/live user-id=me user-pw={} ! fakesink",
    'gst:rtspsrc user-pw="{}" ! fakesink',
    "gst:rtspsrc user-pw = {} ! fakesink",
    "gst:souphttpsrc location=http://camera/?token={} ! fakesink",
    'gst:rtspsrc location="rtsp://me:{}@camera/live" ! fakesink',
    "gst:srtsrc uri=srt://camera passphrase={}",
    "FER_EDGE_TOKEN={}",
]
# Letters that make no harmless word, and every sign that divides the parts of an address.
SECRETS = st.text("QZJK79!$%+-._~?/&=;:,@#()|^", min_size=6, max_size=14).filter(
    lambda text: not re.search(r"\d[.]?\d", text)
)


@pytest.mark.parametrize("place", PLACES)
@given(secret=SECRETS)
def test_no_piece_of_a_secret_is_shown_wherever_it_stands(place: str, secret: str) -> None:
    shown = mask(place.format(secret))
    pieces = {secret[start : start + 4] for start in range(len(secret) - 3)}
    pieces = {piece for piece in pieces if re.search(r"\w", piece)}  # dividers stand in what is shown anyway
    assert not [piece for piece in pieces if piece in shown and piece not in place and "***" not in piece]


@given(st.text())
def test_a_masked_text_is_not_masked_further(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@pytest.mark.parametrize(
    "piece", ["a", "/", "//", "//a=", "//h/user=", "//h/_", "a:", "//a@", '"//', "x=", "a.b-", "//h?&", "'", "\\"]
)
def test_a_long_text_is_masked_within_the_time_of_its_length(piece: str) -> None:
    # The square of this length would take minutes.
    mask(piece * (200_000 // len(piece)))


def test_what_would_control_a_terminal_is_not_printable() -> None:
    assert printable("a\x1b]0;evil\x07b\u202ec\x9bd\n") == "a?]0;evil?b?c?d?"
    assert len(printable("x" * 1000)) == 120


def test_no_message_of_the_program_is_changed_by_the_masking_of_what_it_tells() -> None:
    """What is shown as an example of an address must still be one when the message is read."""
    changed = []
    for path in sorted(Path(fer_edge.__file__).parent.rglob("*.py")):
        if path.name == "masking.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in docstrings | parts:
                continue
            text = _as_shown(node)
            # What is said to SQLite, nobody reads.
            if " " in text and not text.startswith("PRAGMA ") and mask(text) != text:
                changed.append(f"{path.name}:{getattr(node, 'lineno', 0)}: {mask(text)}")
    assert changed == []


def _as_shown(node: ast.AST) -> str:
    """Give the text of a string in a program, with X for what stands in braces; empty for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
