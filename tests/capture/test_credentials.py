"""Credentials go to the scheme, host and port that they were given for, and in clear only where that was asked for."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import threading
from pathlib import Path
from typing import Callable, Dict, List

import pytest
from http_server import HEAD, Answer, jpeg, part, server
from rtsp_camera import make_certificate, tls_door

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.authentication import Authentication
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceUnreachable, UsageError

ASKS_BASIC = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
ASKS_DIGEST = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="x", nonce="abc", qop="auth"\r\n\r\n'
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
CREDENTIALS = re.compile(r"(?i)authorization|eileen|secret")


def recorder(heads: List[str], *answers: bytes) -> Answer:
    """Note each request, and answer the first with the first of `answers`, and so on; the last again and again."""

    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        heads.append(head)
        send(answers[min(len(heads), len(answers)) - 1])

    return answer


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n".encode()


def test_no_password_is_sent_before_the_camera_asks_for_one() -> None:
    heads: List[str] = []
    with server(recorder(heads, ASKS_BASIC, HEAD + part(10))) as place, open_source(f"http://eileen:secret@{place}/"):
        pass
    assert not CREDENTIALS.search(heads[0])
    assert "Authorization: Basic ZWlsZWVuOnNlY3JldA==\r\n" in heads[1]


def test_a_camera_that_asks_for_no_password_is_told_none() -> None:
    heads: List[str] = []
    with server(recorder(heads, HEAD + part(10))) as place, open_source(f"http://eileen:secret@{place}/"):
        pass
    assert len(heads) == 1
    assert not CREDENTIALS.search(heads[0])


@pytest.mark.parametrize("offers", [[0, 1], [1, 0], [2]])
def test_basic_is_not_used_where_the_camera_also_takes_digest(offers: List[int]) -> None:
    ways = ['Basic realm="x"', 'Digest realm="x", nonce="n"', 'Basic realm="x", Digest realm="x", nonce="n"']
    challenge = "".join(f"WWW-Authenticate: {ways[offer]}\r\n" for offer in offers)
    heads: List[str] = []
    asks = f"HTTP/1.1 401 Unauthorized\r\n{challenge}\r\n".encode()
    with server(recorder(heads, asks, HEAD + part(10))) as place, open_source(f"http://eileen:secret@{place}/"):
        pass
    assert "Authorization: Digest " in heads[1]


@pytest.mark.parametrize("first", [b"", ASKS_BASIC, ASKS_DIGEST], ids=["at once", "after basic", "after digest"])
@pytest.mark.parametrize("asks", [ASKS_BASIC, ASKS_DIGEST], ids=["basic", "digest"])
def test_a_password_does_not_follow_a_redirect_to_another_place(first: bytes, asks: bytes) -> None:
    there: List[str] = []
    here: List[str] = []
    with server(recorder(there, asks)) as target:
        go = moved(f"http://{target}/there")
        with server(recorder(here, *filter(None, [first, go]))) as place, pytest.raises(SourceUnreachable) as caught:
            open_source(f"http://eileen:secret@{place}/").open()
    assert [head.split(" ")[1] for head in there] == ["/there"]
    assert not CREDENTIALS.search(there[0])
    assert "were not sent there" in str(caught.value)
    assert f"give its own address, with a user and a password for it: http://{target}/there" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_in_a_redirect_is_not_used() -> None:
    there: List[str] = []
    with server(recorder(there, ASKS_BASIC)) as target, server(
        recorder([], moved(f"http://admin:admin@{target}/reboot"))
    ) as place, pytest.raises(SourceUnreachable, match="answers: 401"):
        open_source(f"http://{place}/").open()
    assert len(there) == 1
    assert "Authorization" not in there[0]


@pytest.mark.parametrize("asks_first", [False, True])
def test_a_password_is_not_sent_to_a_place_that_a_stranger_chose_on_its_own_camera(asks_first: bool) -> None:
    here: List[str] = []
    # The camera refers to a stranger, and the stranger back to the camera.
    backs: List[str] = []
    with server(lambda head, send, _: send(moved(backs[0]))) as stranger:

        def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
            here.append(head)
            if "/reboot" in head or (asks_first and "Authorization" not in head):
                send(ASKS_BASIC)
            else:
                send(moved(f"http://{stranger}/"))

        with server(camera) as place:
            backs.append(f"http://{place}/reboot")
            with pytest.raises(SourceUnreachable):
                open_source(f"http://eileen:secret@{place}/").open()
    assert [head.split(" ")[1] for head in here] == ["/", *(["/"] if asks_first else []), "/reboot"]
    assert not CREDENTIALS.search(here[-1])


def test_a_redirect_on_the_same_camera_keeps_the_password() -> None:
    heads: List[str] = []
    answers = recorder(heads, moved("/video"), ASKS_DIGEST, HEAD + part(10))
    with server(answers) as place, open_source(f"http://eileen:secret@{place}/"):
        pass
    assert 'uri="/video"' in heads[2]


def test_a_picture_that_is_fetched_again_and_again_is_asked_for_its_password_once() -> None:
    heads: List[str] = []
    data = jpeg(50)
    picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)
    with server(recorder(heads, ASKS_DIGEST, picture)) as place, open_source(
        f"http://eileen:secret@{place}/snap.jpg", CaptureSettings(fps=100)
    ) as source:
        seen = 0
        while seen < 4:
            seen += bool(source.grab())
    assert "Authorization" not in heads[0]
    # A number that is used once and no more: a camera may refuse one that comes again.
    counts = [re.search(r"nc=(\w+)", head) for head in heads[1:]]
    assert [found.group(1) for found in counts if found][:4] == ["00000001", "00000002", "00000003", "00000004"]


def test_a_wrong_password_is_tried_once() -> None:
    heads: List[str] = []
    with server(recorder(heads, ASKS_DIGEST)) as place, pytest.raises(SourceUnreachable, match="password is wrong"):
        open_source(f"http://eileen:secret@{place}/").open()
    assert len(heads) == 2


def test_an_answer_that_came_too_late_is_given_once_more() -> None:
    stale = ASKS_DIGEST.replace(b'nonce="abc"', b'nonce="def", stale=true')
    heads: List[str] = []
    answers = recorder(heads, ASKS_DIGEST, stale, HEAD + part(10))
    with server(answers) as place, open_source(f"http://eileen:secret@{place}/"):
        pass
    assert 'nonce="def"' in heads[2]


def answered(challenge: str, url: str = "http://eileen:secret@camera/video") -> Dict[str, str]:
    address = CameraAddress.parse(url)
    authentication = Authentication(address)
    assert authentication.challenge([challenge])
    text = authentication.answer(address, "GET", address.path)
    return dict(re.findall(r'(\w+)="?([^",]*)"?', text.partition(" ")[2]))


def test_the_strongest_digest_that_a_camera_offers_is_given() -> None:
    def offer(algorithm: str) -> str:
        return f'Digest realm="x", nonce="n", qop="auth", algorithm={algorithm}'

    for offers in (["MD5", "SHA-256"], ["SHA-256", "MD5"], ["MD5", '"SHA-256"', "SHA-1024"]):
        address = CameraAddress.parse("http://eileen:secret@camera/")
        for headers in ([*map(offer, offers)], [", ".join(map(offer, offers))]):
            authentication = Authentication(address)
            assert authentication.challenge(headers)
            assert "algorithm=SHA-256" in authentication.answer(address, "GET", "/")


def test_a_camera_that_wants_its_body_protected_gets_a_digest_of_none() -> None:
    fields = answered('Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-256')

    def h(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    parts = [h("eileen:r:secret"), "n", fields["nc"], fields["cnonce"], "auth-int", h(f"GET:/video:{h('')}")]
    assert (fields["qop"], fields["response"]) == ("auth-int", h(":".join(parts)))


def test_a_password_that_is_typed_with_every_sign_reaches_the_camera() -> None:
    heads: List[str] = []
    password = "p@ss#w/rd:%?&=+ x\u00e4"
    with server(recorder(heads, ASKS_BASIC, HEAD + part(10))) as place, open_source(
        f"http://admin:{password}@{place}/"
    ):
        pass
    assert f"Basic {base64.b64encode(f'admin:{password}'.encode()).decode()}\r\n" in heads[1]


@pytest.mark.parametrize(
    ("algorithm", "function"),
    [
        ("MD5", "md5"),
        ("SHA-256", "sha256"),
        ("MD5-sess", "md5"),
        pytest.param(
            "SHA-512-256",
            "sha512_256",
            marks=pytest.mark.skipif(
                "sha512_256" not in hashlib.algorithms_available, reason="this Python's OpenSSL has no SHA-512/256"
            ),
        ),
    ],
)
@pytest.mark.parametrize("qop", ["", ', qop="auth-int, auth"'])
def test_a_digest_is_what_its_definition_says(algorithm: str, function: str, qop: str) -> None:
    def h(text: str) -> str:
        return hashlib.new(function, text.encode()).hexdigest()

    fields = answered(f'Digest realm="My cam", nonce="n1", algorithm={algorithm}{qop}, opaque="o"')
    who = h("eileen:My cam:secret")
    if algorithm.endswith("-sess"):
        who = h(f"{who}:n1:{fields['cnonce']}")
    parts = [who, "n1", *([fields["nc"], fields["cnonce"], "auth"] if qop else []), h("GET:/video")]
    assert fields["response"] == h(":".join(parts))
    assert (fields["username"], fields["realm"], fields["uri"]) == ("eileen", "My cam", "/video")
    assert (fields["algorithm"], fields["opaque"]) == (algorithm, "o")


@pytest.mark.parametrize(
    "challenge",
    [
        "Digest",
        'Digest realm="x"',
        'Digest realm="x", nonce="n", algorithm=SHA-512',
        'Digest realm="x", nonce="n", qop="auth-conf"',
        "Negotiate",
        'Bearer realm="x"',
        "",
        'Digest realm="x", nonce="n\r\nX: y"',
        "Digest " + "x" * 100_000,
    ],
)
def test_a_challenge_that_cannot_be_answered_is_not(challenge: str) -> None:
    address = CameraAddress.parse("http://eileen:secret@camera/")
    authentication = Authentication(address)
    assert not authentication.challenge([challenge])
    assert authentication.answer(address, "GET", "/") == ""


@pytest.mark.parametrize(
    "target",
    [
        "http://other/",
        "http://camera:8080/",
        "https://camera/",
        "https://camera:80/",
        "http://camera.other/",
        "rtsp://camera:80/",
    ],
)
def test_no_answer_is_made_for_another_scheme_host_or_port(target: str) -> None:
    for challenge in ("Basic realm=x", 'Digest realm="x", nonce="n"'):
        authentication = Authentication(CameraAddress.parse("http://eileen:secret@camera/"))
        assert authentication.challenge([challenge])
        assert authentication.answer(CameraAddress.parse("http://camera:80/x"), "GET", "/x")
        assert authentication.answer(CameraAddress.parse(target), "GET", "/") == ""


@needs_openssl
def test_a_web_camera_with_a_certificate_that_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    heard: List[bytes] = []
    refused = pytest.raises(SourceUnreachable, match=r"signed by nobody .*\(self-signed\).*\n.*--tls-ca")
    with server(recorder([], ASKS_BASIC)) as plain, tls_door(
        plain, make_certificate(tmp_path), heard
    ) as place, refused:
        open_source(f"https://eileen:secret@{place}/").open()
    assert b"".join(heard) == b""


@needs_openssl
def test_a_password_for_a_safe_connection_does_not_follow_into_an_open_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    there: List[str] = []
    here: List[str] = []
    with server(recorder(there, ASKS_BASIC)) as target, server(
        recorder(here, ASKS_DIGEST, moved(f"http://{target}/there"))
    ) as plain, tls_door(plain, certificate) as place, pytest.raises(
        SourceUnreachable, match="not a safe connection"
    ) as caught:
        open_source(f"https://eileen:secret@{place}/").open()
    assert "Authorization: Digest" in here[1]
    assert there == []
    assert "secret" not in str(caught.value)


def test_a_redirect_into_another_protocol_leads_nowhere() -> None:
    here = CameraAddress.parse("http://eileen:secret@camera/a")
    assert here.elsewhere("//admin:x@[::1]:81/b?c#d").url == "http://[::1]:81/b?c"
    assert here.elsewhere("https://other/").scheme == "https"
    for scheme in ("http", "https", "rtsp", "rtsps"):
        assert CameraAddress.parse(f"{scheme}://camera/").elsewhere(f"{scheme.upper()}://other/").scheme == scheme
    assert CameraAddress.parse("rtsp://camera/").elsewhere("rtsps://other/").scheme == "rtsps"
    for safe in ("https", "rtsps"):
        with pytest.raises(SourceUnreachable, match=f"not a safe connection as {safe}:// is"):
            CameraAddress.parse(f"{safe}://camera/").elsewhere(f"{safe[:-1]}://other/")
    for location in (
        "httpss://other/",
        "https s://other/",
        "rtsp://other/",
        "file:///etc/passwd",
        "gopher://x/",
        "http://[",
        "http://a/ b",
    ):
        with pytest.raises(UsageError):
            here.elsewhere(location)
