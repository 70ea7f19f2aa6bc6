"""Who is answered: by token or by cookie, from which names and from which sites."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing
from typing import Dict, Iterator, Optional, Tuple
from urllib.parse import quote

import pytest

from fer_edge.service.health import Health
from fer_edge.system.address import Address
from fer_edge.types import Rates
from fer_edge.web.access import MOST_SESSIONS, MOST_WRONG, SESSION_SECONDS, WRONG_SECONDS, Access
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.origin import Origins
from fer_edge.web.refusal import Refusal
from fer_edge.web.run import WebRun

TOKEN = "open=sesame&more"


def health() -> Health:
    return Health("healthy", (), 1.0, 2, 0.1, Rates())


@pytest.fixture
def address() -> Iterator[Address]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        place = Address("127.0.0.1", probe.getsockname()[1])
    with Endpoint(place, WebRun(health, names=("nano.example",)), TOKEN):
        yield place


@pytest.fixture
def unguarded() -> Iterator[Address]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        place = Address("127.0.0.1", probe.getsockname()[1])
    with Endpoint(place, WebRun(health, names=("nano.example",))):
        yield place


def ask(
    address: Address,
    path: str,
    method: str = "GET",
    body: Optional[str] = None,
    headers: Optional[Dict[str, str]] = None,
) -> Tuple[int, Dict[str, str]]:
    with closing(http.client.HTTPConnection(*address, timeout=30)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def form(token: str) -> str:
    return f"token={quote(token, safe='')}"


def test_who_logs_in_gets_a_cookie_that_is_not_the_token_and_opens_everything_until_the_end(address: Address) -> None:
    assert ask(address, "/api/cameras")[0] == 401
    status, headers = ask(address, "/login", "POST", form(TOKEN))
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "sesame" not in cookie
    shown = {"Cookie": f"other=1; {cookie.partition(';')[0]}"}
    assert ask(address, "/api/cameras", headers=shown)[0] == 200
    status, headers = ask(address, "/logout", "POST", headers=shown)
    assert (status, headers["location"]) == (303, "/login")
    assert "Max-Age=0" in headers["set-cookie"]
    assert ask(address, "/api/cameras", headers=shown)[0] == 401


def test_a_person_is_led_to_the_form_and_a_program_is_told(address: Address) -> None:
    status, headers = ask(address, "/", headers={"Accept": "text/html,*/*"})
    assert (status, headers["location"]) == (303, "/login")
    assert ask(address, "/login")[0] == 200
    assert ask(address, "/")[0] == 401


@pytest.mark.parametrize("body", ["", "token=", "token=a&token=b", "tokens=x", "token=" + "x" * 5000])
def test_a_form_without_one_token_is_refused_and_is_no_guess(address: Address, body: str) -> None:
    for _ in range(MOST_WRONG + 2):
        assert ask(address, "/login", "POST", body)[0] == 400
    assert ask(address, "/login", "POST", form(TOKEN))[0] == 303


def test_who_guesses_is_not_listened_to_for_a_while_whatever_is_said(address: Address) -> None:
    _, headers = ask(address, "/login", "POST", form(TOKEN))
    shown = {"Cookie": headers["set-cookie"].partition(";")[0]}
    for turn in range(MOST_WRONG):
        guess = {"Authorization": f"Bearer {turn}"}
        status, _ = ask(address, "/", headers=guess) if turn % 2 else ask(address, "/login", "POST", form(str(turn)))
        assert status == 401
    status, headers = ask(address, "/login", "POST", form(TOKEN))
    assert status == 429
    assert 0 < int(headers["retry-after"]) <= WRONG_SECONDS + 1
    assert ask(address, "/healthz", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 429
    assert ask(address, "/healthz", headers=shown)[0] == 200


def test_a_cookie_ends_with_its_time_and_is_sent_over_tls_only_where_there_is_tls() -> None:
    now = [100.0]
    access = Access(TOKEN, 8650, True, lambda: now[0])
    cookie = access.log_in(TOKEN, "192.0.2.1")
    assert "; Secure" in cookie
    assert "; Secure" not in Access(TOKEN, 8650, False).log_in(TOKEN, "192.0.2.1")
    assert access.is_logged_in(cookie)
    now[0] += SESSION_SECONDS - 1
    assert access.is_logged_in(cookie)
    now[0] += 1
    assert not access.is_logged_in(cookie)
    for nonsense in ("", "fer-edge-8650", "fer-edge-8650=", "fer-edge-8650=\udcff", "\x01=;=", "fer-edge-8651=x"):
        assert not access.is_logged_in(nonsense)


def test_what_is_kept_of_sessions_and_of_guesses_is_bounded() -> None:
    now = [100.0]
    access = Access(TOKEN, 8650, False, lambda: now[0])
    cookies = [access.log_in(TOKEN, "192.0.2.1") for _ in range(MOST_SESSIONS + 1)]
    assert [access.is_logged_in(cookie) for cookie in cookies] == [False] + [True] * MOST_SESSIONS
    for peer in range(5000):
        with pytest.raises(Refusal):
            access.log_in("wrong", str(peer))
    assert len(access._wrong) <= 1024
    for _ in range(MOST_WRONG):
        with pytest.raises(Refusal):
            access.log_in("wrong", "192.0.2.9")
    with pytest.raises(Refusal, match="Too many"):
        access.log_in(TOKEN, "192.0.2.9")
    now[0] += WRONG_SECONDS
    assert access.log_in(TOKEN, "192.0.2.9")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8650", 200),
        ("[::1]:1", 200),
        ("192.0.2.7", 200),
        ("NANO.example.", 200),
        (socket.gethostname(), 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("nano.example.evil", 421),
        ("evil@localhost@x", 421),
        ("[::1", 421),
    ],
)
def test_under_another_name_nothing_is_answered_to_a_browser(unguarded: Address, host: str, status: int) -> None:
    assert ask(unguarded, "/healthz", headers={"Host": host})[0] == status
    assert ask(unguarded, "/login", headers={"Host": host})[0] == status


def test_who_knows_the_token_may_use_any_name(address: Address) -> None:
    headers = {"Host": "fer-edge-container:8650", "Authorization": f"Bearer {TOKEN}"}
    assert ask(address, "/metrics", headers=headers)[0] == 404  # none are given here
    assert ask(address, "/healthz", headers=headers)[0] == 200
    assert ask(address, "/healthz", headers={"Host": "fer-edge-container:8650"})[0] == 421


@pytest.mark.parametrize("path", ["/api/cameras", "/api/events", "/api/cameras/x/live.mjpg", "/healthz"])
def test_no_other_site_can_have_a_browser_ask(unguarded: Address, path: str) -> None:
    place = f"http://127.0.0.1:{unguarded.port}"
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": place.replace("127.0.0.1", "localhost")},
    ):
        assert ask(unguarded, path, headers=headers)[0] == 403, headers
    if path == "/api/cameras":
        for headers in ({"Origin": place}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
            assert ask(unguarded, path, headers=headers)[0] == 200, headers


def test_a_link_on_another_site_leads_to_the_page_and_a_form_there_to_nothing(address: Address) -> None:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask(address, "/login", headers=from_elsewhere)[0] == 200
    for path in ("/login", "/logout"):
        assert ask(address, path, "POST", form(TOKEN), from_elsewhere)[0] == 403
        assert ask(address, path, "POST", form(TOKEN), {"Origin": "http://evil.example"})[0] == 403


def test_every_answer_tells_browsers_to_run_nothing_of_others(address: Address) -> None:
    for path in ("/login", "/healthz", "/static/style.css", "/nothing"):
        _, headers = ask(address, path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("no-store" if path in ("/healthz", "/nothing") else "no-cache")
        assert "access-control-allow-origin" not in headers


def test_a_file_of_the_page_is_sent_once_and_then_known(unguarded: Address) -> None:
    status, headers = ask(unguarded, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert ask(unguarded, "/", headers={"If-None-Match": f'"x", {headers["etag"]}'})[0] == 304
    status, headers = ask(unguarded, "/static/main.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert ask(unguarded, "/static/main.py")[0] == 404


def test_an_address_that_is_no_address_is_none_of_ours() -> None:
    with pytest.raises(Refusal):
        Origins().check("GET", "/", {"host": "local\udcffhost"})


def test_a_name_with_letters_of_its_own_is_known_as_browsers_write_it() -> None:
    Origins(["küche.local"]).check("GET", "/", {"host": "xn--kche-0ra.local:8650"})
