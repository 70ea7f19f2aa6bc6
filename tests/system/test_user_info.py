"""Where a password ends that is typed as it is, and that no piece of it is shown."""

from __future__ import annotations

import json
import logging
import re
from typing import Optional
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fer_edge.capture.address import CameraAddress
from fer_edge.errors import UsageError
from fer_edge.system.logs import JsonFormatter, TextFormatter
from fer_edge.system.masking import PLACEHOLDER, mask
from fer_edge.system.user_info import split_user_info

# Letters that stand in nothing else of an address or a message, and every sign that divides one.
TYPED = st.text("QZJXKéß79 !$%+-._~?/&=;:,@#()[]|^*<>\\\"'", min_size=1, max_size=16)
HOSTS = st.sampled_from(["127.0.0.1", "10.0.0.9:8080", "localhost", "[fe80::1]:81", "cam.local", "garden:8080"])
PATHS = st.sampled_from(["", "/", "/video", "/cam/realmonitor?channel=1&subtype=0", "/h264.sdp?real_stream"])


@pytest.mark.parametrize(
    ("text", "user_info", "rest"),
    [
        ("admin:p@ss#w/rd:%?&=+ x@127.0.0.1:8080/video", "admin:p@ss#w/rd:%?&=+ x", "127.0.0.1:8080/video"),
        ("me:a/b@host/x", "me:a/b", "host/x"),
        ("me:a?b@host/x", "me:a?b", "host/x"),
        ("me:1#2@host/x", "me:1#2", "host/x"),
        ("me:a@b/c@10.0.0.1/x", "me:a@b/c", "10.0.0.1/x"),
        ("me:a b@host/x", "me:a b", "host/x"),
        ("me@home.org:word@host/x", "me@home.org:word", "host/x"),
        ("me:a/b@host:99/x@2", "me:a/b", "host:99/x@2"),
        ("me:word@10.0.0.1/x?mail=a@b.c", "me:word", "10.0.0.1/x?mail=a@b.c"),
        ("10.0.0.1:8080/x@b.c", None, "10.0.0.1:8080/x@b.c"),
        ("host:8080/video@2", None, "host:8080/video@2"),
        ("host/video@2?mail=me@home", None, "host/video@2?mail=me@home"),
        ("host", None, "host"),
        ("me@host", "me", "host"),
        (":word@host", ":word", "host"),
    ],
)
def test_a_password_ends_where_a_host_begins(text: str, user_info: Optional[str], rest: str) -> None:
    assert split_user_info(text) == (user_info, rest)


@pytest.mark.parametrize(
    "text",
    [
        "me:12/34@host",
        "me:12/34@10.0.0.1",
        "me:a@b/c@host",
        "me:sesame@host/x?mail=a@b.c",
        "me:sesame@host/x?peer=a@10.0.0.1",
        "me:a@10.0.0.1/b@10.0.0.2",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_a_hint_and_without_the_password(text: str) -> None:
    assert split_user_info(text) is None
    with pytest.raises(UsageError, match="%40") as caught:
        CameraAddress.parse(f"rtsp://{text}")
    assert not re.search("12/|sesame|34|a@b", caught.value.message)


@given(st.text(min_size=1, max_size=20).filter(str.isprintable), TYPED, HOSTS, PATHS)
def test_any_user_and_password_come_through_when_they_are_percent_encoded(
    user: str, password: str, host: str, path: str
) -> None:
    address = CameraAddress.parse(f"http://{quote(user, safe='')}:{quote(password, safe='')}@{host}{path}")
    assert (address.user, address.password) == (user, password)
    assert address.path == path or address.path == "/"
    assert CameraAddress.parse(address.encoded).password == password


@given(TYPED, HOSTS, PATHS)
@example("p@ss#w/rd:%?&=+ x", "127.0.0.1", "/video")
@example("100%", "cam.local", "")
@example("%zz%4", "cam.local", "/")
def test_a_password_that_is_typed_as_it_is_is_read_so_or_refused(password: str, host: str, path: str) -> None:
    try:
        address = CameraAddress.parse(f"http://admin:{password}@{host}{path}")
    except UsageError:
        return
    is_coded = re.search("%[0-9A-Fa-f]{2}", password)
    assert is_coded or address.password == password or "@" in password
    assert address.netloc.startswith(host.lower()) or "@" in password


def pieces_shown(password: str, text: str, without: str) -> bool:
    pieces = {password[start : start + 3] for start in range(len(password) - 2)}
    return any(len(re.findall(r"\w", piece)) == 3 and piece in text and piece not in without for piece in pieces)


def _logged(formatter: logging.Formatter, text: str) -> str:
    return formatter.format(logging.LogRecord("fer_edge", 30, "", 0, "%s", (text,), None))


@pytest.mark.parametrize(
    "words",
    [
        "{}",
        "see {}, please",
        "'{}' is no camera",
        "http://10.0.0.1:80/x leads to {}",
        "{} leads to http://10.0.0.1:80/x",
    ],
)
@given(password=st.text("QZJXKW79 !$%+-._~?/&=;:,@#()'\"", min_size=3, max_size=16), host=HOSTS, path=PATHS)
@example(password="QZ XKW", host="cam.local", path="")
@example(password="12 ZQXKW", host="cam.local", path="")
@example(password="'QZJ XKW'", host="127.0.0.1", path="/video")
def test_no_piece_of_a_password_is_shown_by_messages_and_logs(words: str, password: str, host: str, path: str) -> None:
    url = f"http://admin:{password}@{host}{path}"
    text = words.format(url)
    without = text.replace(password, "\0")
    shown = [mask(text), _logged(TextFormatter(False), text), json.loads(_logged(JsonFormatter(), text))["message"]]
    try:
        shown.append(CameraAddress.parse(url).name)
    except UsageError as error:
        shown += [str(error), mask(str(error))]
    for each in shown:
        assert not pieces_shown(password, each, without), each


def test_the_words_that_say_where_a_password_belongs_stay_as_they_are() -> None:
    for text in (
        f"Put the user and password into the address: http://{PLACEHOLDER}10.0.0.1:80",
        f"http://{PLACEHOLDER}host/video?channel=1",
        f"http://cam:8080/x wants a password: http://{PLACEHOLDER}cam:8080/x",
    ):
        assert mask(text) == text
    assert mask(f"http://{PLACEHOLDER}host/?pwd=secret") == f"http://{PLACEHOLDER}host/?pwd=***"
    assert mask("http://USER:secret@host") == "http://***@host"
    assert "PASSWORD" not in mask("http://USER:PASSWORD@secret@host")


@pytest.mark.parametrize("piece", ["@", "a@", ":a@", "a.", "/a:b@c", "[", "#", "?a=@b"])
def test_a_long_text_is_taken_apart_within_the_time_of_its_length(piece: str) -> None:
    split_user_info(piece * (200_000 // len(piece)))
