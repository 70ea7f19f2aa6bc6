"""A run that only seems to be: the addresses that the page asks for, with answers and events that a test puts there."""

from __future__ import annotations

import json
import queue
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import unquote, urlsplit

import cv2
import numpy as np

from fer_edge.types import LABELS

PAGE = Path(__file__).parents[2] / "fer_edge" / "web" / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def iso(ago: float = 0.0) -> str:
    """Return the moment so many seconds ago, as the API tells it."""
    return (
        (datetime.now(timezone.utc) - timedelta(seconds=ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def person(number: int, label: str, since: float = 12.0, **more: Any) -> Dict[str, Any]:
    """Return what the API tells of a person."""
    rest = dict.fromkeys(LABELS, 0.07 / 6)
    return {
        **{"id": number, "label": label, "confidence": 0.93, "uncertain": False, "doubt": "", "valence": 0.6},
        **{"since": iso(since), "probabilities": {**rest, label: 0.93}, "box": [10, 10, 90, 90], **more},
    }


def camera(name: str, **more: Any) -> Dict[str, Any]:
    """Return what the API tells of a camera."""
    fps = {"total": 14.9, "classification": 61.0, "detection": 80.0}
    return {"name": name, "state": "live", "trouble": "", "size": [640, 480], "fps": fps, "persons": 1, **more}


def flat_picture(index: int) -> bytes:
    """Return a JPEG whose grey tells its number."""
    image = np.full((120, 160, 3), 20 + 10 * index % 200, np.uint8)
    return bytes(cv2.imencode(".jpg", image)[1])


class CannedRun:
    """Serves the page and the API from a thread of its own.

    Parameters
    ----------
    cameras : list of dict
        As `camera` makes them.
    picture : callable
        Gives a JPEG for 0, 1, 2...; a stream has twenty a second.
    """

    def __init__(
        self, cameras: List[Dict[str, Any]], picture: Callable[[int], bytes] = flat_picture, port: int = 0
    ) -> None:
        self.cameras = cameras
        self.picture = picture
        self.pictures = True
        self.login = False
        self.session = {
            "fps": {"total": 14.9, "classification": 61.0, "detection": 80.0},
            **{"share": 0.87, "temperature_c": 51.5, "health": {"status": "healthy", "reasons": []}},
        }
        self.persons: Dict[str, List[Dict[str, Any]]] = {}
        self.timelines: Dict[str, Dict[str, Any]] = {}
        self.streams = 0
        self.readers: List[queue.Queue[Optional[bytes]]] = []
        self.ending = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (_Handler,), {"run": self}))
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.port = self.server.server_port
        self.address = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> CannedRun:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        for reader in self.readers:
            reader.put(None)
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def overview(self) -> Dict[str, Any]:
        """Return what ``/api/cameras`` answers."""
        return {
            **{"version": "0.1.0", "host": "nano", "pictures": self.pictures, "login": self.login, "time": iso()},
            **{"session": self.session, "cameras": self.cameras},
        }

    def push(self, kind: str, data: Dict[str, Any]) -> None:
        """Send an event to every reader."""
        for reader in list(self.readers):
            reader.put(_event(kind, data))

    def become(self, name: str, state: str, trouble: str = "") -> None:
        """Let a camera be lost, or come back."""
        next(one for one in self.cameras if one["name"] == name).update(state=state, trouble=trouble)
        self.push("camera", {"camera": name, "state": state, "trouble": trouble, "time": iso()})

    def state(self, name: str) -> Dict[str, Any]:
        """Return what ``/api/cameras/NAME/state`` answers."""
        timeline = self.timelines.get(name, {"from": iso(600), "to": iso(), "states": [], "valence": []})
        return {"camera": name, "time": iso(), "persons": self.persons.get(name, []), "timeline": timeline}


def _event(kind: str, data: Dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


class _Handler(BaseHTTPRequestHandler):
    run: CannedRun
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        name = unquote(path[len("/api/cameras/") :].rpartition("/")[0])
        if path == "/api/events":
            self._events()
        elif path == "/api/cameras":
            self._json(self.run.overview())
        elif path.endswith("/state"):
            self._json(self.run.state(name))
        elif path.endswith("/snapshot.jpg"):
            self._answer(200, "image/jpeg", self.run.picture(0))
        elif path.endswith("/live.mjpg"):
            self._stream()
        else:
            file = PAGE / {"/": "index.html", "/login": "login.html"}.get(path, path[len("/static/") :])
            if file.is_file():
                self._answer(200, TYPES[file.suffix], file.read_bytes())
            else:
                self._json({"error": "There is no such address.", "remedy": ""}, 404)

    def _json(self, data: Dict[str, Any], status: int = 200) -> None:
        self._answer(status, "application/json", json.dumps(data).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self._head(status, kind, len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: Optional[int]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Cache-Control", "no-store")
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _events(self) -> None:
        mine: queue.Queue[Optional[bytes]] = queue.Queue()
        self._head(200, "text/event-stream", None)
        self.wfile.write(_event("hello", self.run.overview()))
        self.run.readers.append(mine)
        try:
            while not self.run.ending.is_set():
                try:
                    text = mine.get(timeout=0.5)
                except queue.Empty:
                    text = _event("status", self.run.overview())
                if text is None:
                    return
                self.wfile.write(text)
        finally:
            self.run.readers.remove(mine)

    def _stream(self) -> None:
        if not self.run.pictures:
            self._json({"error": "This run shows no pictures.", "remedy": ""}, 403)
            return
        self._head(200, "multipart/x-mixed-replace; boundary=frame", None)
        self.run.streams += 1
        index = 0
        try:
            while not self.run.ending.wait(0.05):
                picture = self.run.picture(index)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                self.wfile.write(head.encode() + picture + b"\r\n")
                index += 1
        finally:
            self.run.streams -= 1
