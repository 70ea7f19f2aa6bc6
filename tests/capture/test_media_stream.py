"""Streams from the network, read by PyAV: what they give, and what they are not given."""

from __future__ import annotations

import base64
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import pytest

pytest.importorskip("av")

from media_files import grays, write_video

from fer_edge.capture.base import Source
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, SourceStalled, SourceUnreachable, SourceUnreadable, UsageError

QUICK = CaptureSettings(connect_timeout=3.0, first_image_timeout=5.0, stall_timeout=5.0)


class Web:
    """A web server with files in memory, or with redirections; it notes who asked for what with which password."""

    def __init__(self, password: str = "") -> None:
        self.files: Dict[str, bytes] = {}
        self.moved: Dict[str, str] = {}
        self.asked: List[Tuple[str, Optional[str]]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = self.headers.get("Authorization")
                web.asked.append((self.path, given))
                path = self.path.partition("?")[0]
                if password and given is None:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                elif path in web.moved:
                    self.send_response(302)
                    self.send_header("Location", web.moved[path])
                elif path in web.files:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(web.files[path])))
                    self.end_headers()
                    self.wfile.write(web.files[path])
                    return
                else:
                    self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def web(password: str = "") -> Iterator[Web]:
    server = Web(password)
    try:
        yield server
    finally:
        server.close()


def segment(tmp_path: Path, count: int = 10) -> bytes:
    path = tmp_path / "piece.ts"
    write_video(path, grays(count), bf="0", g="5")
    return path.read_bytes()


def playlist(*places: str) -> bytes:
    pieces = "".join(f"#EXTINF:1.0,\n{place}\n" for place in places)
    return f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n{pieces}#EXT-X-ENDLIST\n".encode()


def read(source: Source) -> List[float]:
    """Read a stream until it ends, which it says by an error."""
    means: List[float] = []
    with pytest.raises(SourceStalled, match="ended the stream"):
        limit = time.monotonic() + 40
        while time.monotonic() < limit:
            if source.grab():
                means.append(float(source.retrieve().mean()))
    return means


def test_a_playlist_is_shown_at_its_own_pace_and_its_end_is_told(tmp_path: Path) -> None:
    with web() as server:
        server.files = {"/live/index.m3u8": playlist("a.ts", "a.ts"), "/live/a.ts": segment(tmp_path)}
        with open_source(f"http://{server.host}/live/index.m3u8", QUICK) as source:
            assert source.live
            began = time.monotonic()
            means = read(source)
            assert time.monotonic() - began >= 0.5, "a player takes a second for it"
        assert len(means) >= 5
        assert source.media_time is None


def test_the_password_of_a_playlist_opens_its_pieces_and_goes_to_no_other_host(tmp_path: Path) -> None:
    with web("secret") as server, web() as other:
        server.files = {"/index.m3u8": playlist("a.ts", "moved.ts", f"http://{other.host}/c.ts")}
        server.files["/a.ts"] = other.files["/b.ts"] = other.files["/c.ts"] = segment(tmp_path)
        server.moved = {"/moved.ts": f"http://{other.host}/b.ts"}
        with open_source(f"http://me:secret@{server.host}/index.m3u8", QUICK) as source:
            child = Path(f"/proc/{source._pipe.pid}/cmdline").read_bytes()  # type: ignore[attr-defined]
            assert b"secret" not in child
            read(source)
        assert ("/a.ts", "Basic bWU6c2VjcmV0") in server.asked
        assert {path for path, _ in other.asked} == {"/b.ts", "/c.ts"}
        assert [given for _, given in other.asked if given is not None] == []


def test_the_password_of_a_playlist_may_hold_what_ends_a_host(tmp_path: Path) -> None:
    with web("secret") as server:
        server.files = {"/index.m3u8": playlist("a.ts"), "/a.ts": segment(tmp_path)}
        with open_source(f"http://me:s3/w#r?d% @{server.host}/index.m3u8", QUICK) as source:
            assert source.grab()
        given = {"Basic " + base64.b64encode(b"me:s3/w#r?d% ").decode()}
        assert {words for asked, words in server.asked if asked == "/a.ts"} - {None} == given


@pytest.mark.parametrize(
    "url", ["rtmp://me:12/34@127.0.0.1/a", "rtmp://camera:12/34@host/a", "rtmps://me:w?rd@[::1]/a"]
)
def test_a_password_that_ffmpeg_would_cut_in_two_goes_nowhere(url: str) -> None:
    with pytest.raises(UsageError, match="password") as caught:
        open_source(url, QUICK)
    assert "34" not in str(caught.value)


def test_a_multicast_address_with_its_sign_is_no_user() -> None:
    with pytest.raises(SourceUnreachable, match="sent nothing"):
        open_source("udp://@127.0.0.1:9?localaddr=127.0.0.1", CaptureSettings(connect_timeout=0.5)).open()


def test_a_playlist_that_is_not_there_has_its_path_checked() -> None:
    with web() as server, pytest.raises(SourceUnreachable, match="404") as caught:
        open_source(f"http://{server.host}/index.m3u8", QUICK).open()
    assert "this path" in caught.value.remedy


def test_a_video_whose_index_the_server_does_not_give_is_told_so(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", grays(10))
    data = (tmp_path / "clip.mp4").read_bytes()
    index, gap = data.rindex(b"moov") - 4, (1 << 20).to_bytes(4, "big") + b"free" + bytes((1 << 20) - 8)
    with web() as server, pytest.raises(SourceUnreadable, match="breaks off") as caught:
        server.files = {"/clip.mp4": data[:index] + gap + data[index:]}
        open_source(f"http://{server.host}/clip.mp4", QUICK).open()
    assert "faststart" in caught.value.remedy


def test_a_password_that_is_wrong_is_told_and_not_shown() -> None:
    with web("secret") as server, pytest.raises(SourceUnreachable) as caught:
        open_source(f"http://{server.host}/index.m3u8?token=hidden", QUICK).open()
    assert "USER:PASSWORD@" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_remote_playlist_opens_no_file_of_this_machine(tmp_path: Path) -> None:
    segment(tmp_path)
    local = tmp_path / "piece.ts"
    with web() as server:
        for place in (
            str(local),
            f"file:{local}",
            f"file://{local}",
            f"concat:{local}",
            f"subfile,,start,0,end,0,,:{local}",
        ):
            server.files = {"/index.m3u8": playlist(place)}
            with pytest.raises(SourceError), open_source(f"http://{server.host}/index.m3u8", QUICK) as source:
                limit = time.monotonic() + 20
                while time.monotonic() < limit:
                    assert not source.grab(), "an image of a file of this machine"


def test_a_local_playlist_has_pieces_beside_it_and_on_the_web(tmp_path: Path) -> None:
    with web() as server:
        server.files["/b.ts"] = segment(tmp_path)
        (tmp_path / "list.m3u8").write_bytes(playlist("piece.ts", f"http://{server.host}/b.ts"))
        count = 0
        with open_source(str(tmp_path / "list.m3u8")) as source:
            assert not source.live
            while True:
                state = source.grab()
                if state is False:
                    break
                count += bool(state)
    assert count == 20


def test_a_video_file_that_is_a_playlist_in_truth_does_not_reach_the_network(tmp_path: Path) -> None:
    with web() as server:
        server.files["/b.ts"] = segment(tmp_path)
        (tmp_path / "clip.mp4").write_bytes(playlist(f"http://{server.host}/b.ts"))
        with pytest.raises(SourceError):
            open_source(str(tmp_path / "clip.mp4")).open()
        assert server.asked == []


def test_a_stream_over_tcp_is_read_and_its_end_is_told(tmp_path: Path) -> None:
    data = segment(tmp_path, 30)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        with open_source(f"tcp://127.0.0.1:{listening.getsockname()[1]}", QUICK) as source:
            assert read(source)
        thread.join()


def test_a_stream_over_udp_is_read(tmp_path: Path) -> None:
    data = segment(tmp_path, 30)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ended = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not ended.is_set():
                for at in range(0, len(data), 1316):
                    out.sendto(data[at : at + 1316], ("127.0.0.1", port))
                    ended.wait(0.002)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with open_source(f"udp://127.0.0.1:{port}", CaptureSettings(connect_timeout=10)) as source:
            limit = time.monotonic() + 30
            while not source.grab() and time.monotonic() < limit:
                pass
            assert source.retrieve().shape == (48, 64, 3)
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("scheme", ["rtmp", "tcp", "http"])
def test_a_port_where_nobody_answers_is_told_with_the_address(scheme: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SourceUnreachable) as caught:
            open_source(f"{scheme}://me:secret@{place}/live/a.m3u8", QUICK).open()
    assert place in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "refused" in str(caught.value)


def test_a_port_that_nothing_is_sent_to_is_told_in_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceUnreachable, match="sent nothing for 1 s"):
        open_source(f"udp://127.0.0.1:{port}", CaptureSettings(connect_timeout=1.0)).open()


def test_a_stream_that_falls_silent_counts_as_stalled(tmp_path: Path) -> None:
    data = segment(tmp_path, 30)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(data)
                ended.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        settings = CaptureSettings(connect_timeout=3.0, stall_timeout=1.0)
        try:
            source = open_source(f"tcp://127.0.0.1:{listening.getsockname()[1]}", settings)
            with source, pytest.raises(SourceStalled, match="no frame for 1 s"):
                while True:
                    source.grab()
        finally:
            ended.set()
            thread.join()


def test_a_protocol_that_this_ffmpeg_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        __import__("fer_edge.capture.media.names", fromlist=["PROTOCOLS"]).PROTOCOLS, "gopherx", "gopherx"
    )
    with pytest.raises(SourceUnreadable, match="has no gopherx://"):
        open_source("gopherx://127.0.0.1:9/x", QUICK).open()
