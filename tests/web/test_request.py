"""Requests and replies as bytes; no connection is needed."""

from __future__ import annotations

from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.web.request import MOST_BYTES, Misunderstood, Question, Reply, Request

ASKED = b"GET /healthz?verbose HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xfc\r\nAuthorization: Bearer y\r\n\r\n"


@given(st.lists(st.integers(0, len(ASKED))))
def test_a_question_is_the_same_however_it_is_cut(cuts: List[int]) -> None:
    request = Request()
    edges = [0, *sorted(cuts), len(ASKED)]
    heard = [request.feed(ASKED[start:end]) for start, end in zip(edges, edges[1:]) if start < end]
    assert heard[:-1] == [None] * (len(heard) - 1)
    assert heard[-1] == Question("GET", "/healthz", b"Bearer \xfc")


def test_what_stands_behind_a_question_is_not_looked_at() -> None:
    request = Request()
    body = b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n\0\xff GET /metrics HTTP/1.1\r\n"
    assert request.feed(b"GET / HTTP/1.0\r\n" + body) == Question("GET", "/", b"")
    assert request.write(Reply(200, "text/plain", b"hello")).endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_reply_says_its_length_and_that_the_connection_ends(method: bytes) -> None:
    request = Request()
    request.feed(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = request.write(Reply(404, "text/plain", b"nothing")).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 404 Not Found"
    assert {b"Content-Length: 7", b"Connection: close", b"Cache-Control: no-store"} <= set(lines)
    assert body == (b"nothing" if method == b"GET" else b"")


def test_a_request_that_is_too_long_is_told_so_before_more_of_it_is_read() -> None:
    request = Request()
    assert request.feed(b"GET / HTTP/1.1\r\nX: ") is None
    with pytest.raises(Misunderstood) as caught:
        request.feed(b"y" * request.left)
    assert caught.value.reply.status == 431
    assert str(MOST_BYTES) in str(caught.value)
    assert request.write(caught.value.reply).startswith(b"HTTP/1.1 431 ")
