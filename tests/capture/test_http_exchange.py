"""What cameras answer, right and wrong, as bytes; no connection is needed."""

from __future__ import annotations

from typing import Iterable, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.http.exchange import LONGEST_HEAD, Exchange, Head, NoAnswer
from fer_edge.errors import UsageError

CAMERA = CameraAddress.parse("http://camera/video")
PICTURE = b"\xff\xd8 a picture \xff\xd9"


def answered(pieces: Iterable[bytes], ends: bool = True) -> Tuple[Head, bytes]:
    """Give what an exchange makes of an answer that comes in pieces, after which the server closes the connection."""
    exchange = Exchange(CAMERA)
    head, body = None, b""
    for piece in [*pieces, *([b""] if ends else [])]:
        exchange.feed(piece)
        head = head or exchange.head()
        while head is not None:
            more = exchange.body()
            if not more:
                break
            body += more
    assert head is not None
    return head, body


def cut(data: bytes, cuts: List[int]) -> List[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in zip(edges, edges[1:]) if start < end]


ODD = {
    "no status line": b"Content-Type: image/jpeg\r\nContent-Length: 15\r\n\r\n",
    "the first part without a head before it": b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
    "lines that end with LF alone": b"HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: 15\n\n",
    "ends of lines of both kinds": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 15\r\n\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Type: image/jpeg\r\n\r\n",
    "no space before the reason": b"HTTP/1.1 200OK\r\nContent-Type: image/jpeg\r\n\r\n",
    "a reason that is no text": b"HTTP/1.0 200 \0\xff\x0b\r\nContent-Type: image/jpeg\r\n\r\n",
    "the name of SHOUTcast": b"ICY 200 OK\r\nContent-Type: image/jpeg\r\n\r\n",
    "a date without a name": b"HTTP/1.1 200 OK\r\nTue, 12 Jun 2012 01:56:34 GMT\r\nContent-Type:image/jpeg\r\n\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nX-Frame-Options : x\r\nContent-Type : image/jpeg\r\n\r\n",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nWelcome to my camera\r\nContent-Type: image/jpeg\r\n\r\n",
    "names with spaces and letters": b"HTTP/1.1 200 OK\r\nMy H\xfcst: \0\xff\r\nContent-Type: image/jpeg\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Type: image/jpeg\r\n\r\n",
    "a first line that goes on": b"HTTP/1.1 200 OK\r\n Server: x\r\nContent-Type: image/jpeg\r\n\r\n",
    "a value over two lines": b"HTTP/1.1 200 OK\r\nContent-Type:\r\n image/jpeg\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nContent-Length: 9\r\nContent-Type: image/jpeg\r\n\r\n",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\nContent-Type: image/jpeg\r\n\r\n",
    "a length without end": b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\nContent-Type: image/jpeg\r\n\r\n"
    % (b"9" * 5000),
    "a coding that changes nothing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n"
    b"Content-Type: IMAGE/JPEG; q=1\r\n\r\n",
    "an answer before the answer": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n",
    "a hundred fields and more": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"Content-Type: image/jpeg\r\n\r\n",
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_camera_is_read_in_spite_of(odd: str, step: int) -> None:
    data = ODD[odd] + PICTURE
    head, body = answered(data[at : at + step] for at in range(0, len(data), step))
    assert (head.status, head.content_type, body) == (200, "image/jpeg", PICTURE)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/2.0 2000\r\n\r\n",
        b"HTTP/1.1 099 x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"Content-Length: 9\r\n\r\n",
        b"RTSP/1.0 400 Bad Request\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\x16\x03\x01\n\n",
        b"x" * (LONGEST_HEAD + 1),
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_what_is_no_answer_is_none(data: bytes) -> None:
    with pytest.raises(NoAnswer):
        answered([data])


@given(
    st.lists(st.binary(min_size=1, max_size=300)), st.lists(st.integers(0, 5000)), st.sampled_from([b"", b" ", b";x=y"])
)
def test_chunked_bodies_are_put_together_again_however_they_are_cut(
    chunks: List[bytes], cuts: List[int], extra: bytes
) -> None:
    coded = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extra, chunk) for chunk in chunks) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\n"
    _, body = answered(cut(head + coded + b"of another answer", cuts), ends=False)
    assert body == b"".join(chunks)


@given(st.binary(max_size=60), st.lists(st.integers(0, 200)))
def test_the_chunked_coding_of_any_bytes_gives_no_more_than_came(content: bytes, cuts: List[int]) -> None:
    _, body = answered(cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + content, cuts))
    assert len(body) <= len(content)


@pytest.mark.parametrize("beginning", [b"", b"5\r\nhello\r\n"])
def test_what_announces_a_chunk_is_not_collected_without_limit(beginning: bytes) -> None:
    exchange = Exchange(CAMERA)
    exchange.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + beginning)
    assert exchange.head() is not None
    exchange.body()
    for _ in range(LONGEST_HEAD // 1000):
        assert exchange.body() is None
        exchange.feed(b"1" * 1000)
    exchange.feed(b"1" * 1000)
    assert exchange.body() == b""


def test_a_body_ends_with_its_length_its_last_chunk_or_its_connection() -> None:
    for fields in (b"Content-Length: 2", b"Transfer-Encoding: chunked", b"X: y"):
        exchange = Exchange(CAMERA)
        exchange.feed(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % fields)
        assert exchange.head() is not None
        assert exchange.body() is None
        coded = b"chunked" in fields
        exchange.feed(b"2\r\nab\r\n" if coded else b"ab")
        assert exchange.body() == b"ab"
        assert exchange.body() == (b"" if b"Length" in fields else None)
        exchange.feed(b"0\r\n\r\n" if coded else b"")
        assert [exchange.body(), exchange.body()] == [b"", b""]


def test_a_request_says_what_is_wanted_and_nothing_of_a_line_of_its_own() -> None:
    address = CameraAddress.parse("http://eileen:secret@[::1]:81/k\u00fcche?a=\u00fc&b=%20#c")
    lines = Exchange(address, "Basic x").request.decode("ascii").split("\r\n")
    assert lines[0] == "GET /k%C3%BCche?a=%C3%BC&b=%20 HTTP/1.1"
    assert {"Host: [::1]:81", "Connection: close", "Authorization: Basic x"} <= set(lines)
    assert lines[-2:] == ["", ""]
    assert "secret" not in "".join(lines)
    with pytest.raises(UsageError, match="a control character") as caught:
        Exchange(address, 'Digest username="a\r\nX: y"')
    assert "secret" not in str(caught.value)
