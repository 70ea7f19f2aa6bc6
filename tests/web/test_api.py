"""The API over real sockets, with results as the pipeline gives them, held to its own description."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from waiting import wait_until as eventually

from fer_edge.app.answering import _history
from fer_edge.service.health import CameraHealth, Health
from fer_edge.settings import Settings
from fer_edge.sinks.base import StreamInfo
from fer_edge.sinks.history.sink import make_sink
from fer_edge.sinks.request import SinkRequest
from fer_edge.sinks.run_view import KnownRun
from fer_edge.system.address import Address
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Observation, ObservedFace, Rates, Track
from fer_edge.web import application
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.hub import Hub
from fer_edge.web.openapi import DESCRIPTION
from fer_edge.web.pictures import Pictures
from fer_edge.web.run import WebRun
from fer_edge.web.sink import PageSink

DOOR = "door & <b>"


class Scene:
    """Two cameras: one at whose picture somebody looks, and one that has given nothing yet."""

    def __init__(self, **of_run: Any) -> None:
        self.hub = Hub()
        self.trouble = ""
        self.frames = 0
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = Address("127.0.0.1", probe.getsockname()[1])
        self.run = WebRun(self.health, hub=self.hub, temperature=lambda: 51.5, **of_run)

    def health(self) -> Health:
        door = CameraHealth(self.frames, 0.1 if self.frames else None, Rates(14.9), self.trouble)
        cameras = {DOOR: door, "yard": CameraHealth(0, None, Rates())}
        return Health("healthy", (), 1.0, self.frames, 0.1, Rates(14.9), cameras)

    def shows(self, label: str = "happy", shade: int = 0, camera: str = DOOR) -> Observation:
        probabilities = np.full(7, 0.01, np.float32)
        probabilities[LABELS.index(label)] = 0.94
        steady = Expression(probabilities, label, 0.94, False)
        at = time.monotonic()
        image = np.full((120, 160, 3), shade % 256, np.uint8)
        frame = Frame(self.frames, at, datetime.now(timezone.utc), image, camera)
        face = ObservedFace(Face(Box(40.0, 30.0, 50.0, 60.0), 0.9, {}), steady, Track(3, 2.0, steady, since=0.0))
        observation = Observation(frame, (face,))
        PageSink(self.hub.take).write(observation, Rates(14.9))
        self.frames += 1
        return observation

    def ask(
        self, path: str, method: str = "GET", body: Optional[str] = None, **headers: str
    ) -> Tuple[http.client.HTTPResponse, bytes]:
        with closing(http.client.HTTPConnection(*self.address, timeout=30)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer, answer.read()

    def json(self, path: str, **headers: str) -> Any:
        answer, body = self.ask(path, **headers)
        assert answer.status == 200, body
        return json.loads(body)

    def of_door(self, what: str) -> str:
        return f"/api/cameras/{quote(DOOR, safe='')}/{what}"


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    with Endpoint(made.address, made.run):
        yield made
    made.hub.pictures.close()


class Moving:
    """Gives results all the time, as a camera does."""

    def __init__(self, scene: Scene, seconds: float = 0.01) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._move, args=(scene, seconds))

    def _move(self, scene: Scene, seconds: float) -> None:
        while not self._over.wait(seconds):
            scene.shows(shade=scene.frames)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Viewer:
    """Looks at a stream, as slowly as it likes."""

    def __init__(self, scene: Scene, path: str, **headers: str) -> None:
        self._connection = http.client.HTTPConnection(*scene.address, timeout=30)
        self._connection.request("GET", path, headers={n.replace("_", "-"): value for n, value in headers.items()})
        self.answer = self._connection.getresponse()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()
        self._connection.close()

    def picture(self, decode: bool = True) -> np.ndarray:
        """Read the next picture."""
        length = 0
        while True:
            line = self.answer.readline()
            assert line
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            elif line == b"\r\n" and length:
                data = np.frombuffer(self.answer.read(length), np.uint8)
                return cv2.imdecode(data, cv2.IMREAD_COLOR) if decode else data

    def event(self, name: str) -> Tuple[int, Dict[str, Any]]:
        """Read until an event of a name; give its number, 0 where it has none, and what it tells."""
        fields: Dict[str, str] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line:
                key, _, value = line.partition(": ")
                fields[key] = value
            elif fields.get("event") == name:
                return int(fields.get("id", 0)), json.loads(fields["data"])
            else:
                fields = {}


def fits(answer: Any, path: str) -> None:
    schema = DESCRIPTION["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(answer)


def test_every_route_is_described_and_real_answers_are_as_it_says(scene: Scene) -> None:
    site = application.Site(scene.run, None)  # type: ignore[arg-type]
    routes = {(route.path.replace(":path", ""), method) for route in site.routes() for method in route.methods or ()}
    told = {(path, method.upper()) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert {route for route in routes if route[1] != "HEAD"} == told
    assert scene.json("/api/openapi.json") == DESCRIPTION
    Draft202012Validator.check_schema({"components": DESCRIPTION["components"], "type": "object"})
    for _ in range(2):  # before the first result, and with one
        fits(scene.json("/api/cameras"), "/api/cameras")
        fits(scene.json(scene.of_door("state")), "/api/cameras/{camera}/state")
        fits(scene.json("/healthz"), "/healthz")
        scene.shows()


def test_cameras_are_told_of_with_their_state_and_the_figures(scene: Scene) -> None:
    scene.shows()
    told = scene.json("/api/cameras")
    assert told["session"]["temperature_c"] == 51.5
    assert told["session"]["fps"]["total"] == 14.9
    assert told["session"]["health"] == {"status": "healthy", "reasons": []}
    door, yard = told["cameras"]
    assert (door["name"], door["state"], door["size"], door["persons"]) == (DOOR, "live", [160, 120], 1)
    assert (yard["name"], yard["state"], yard["size"], yard["persons"]) == ("yard", "waiting", None, 0)


def test_who_is_in_view_and_what_was_shown_are_told_of_a_camera(scene: Scene) -> None:
    scene.shows("happy")
    scene.shows("sad")
    told = scene.json(scene.of_door("state?minutes=5"))
    (person,) = told["persons"]
    assert (person["id"], person["label"], person["box"]) == (3, "sad", [40.0, 30.0, 50.0, 60.0])
    assert person["probabilities"]["sad"] == pytest.approx(0.94, abs=1e-3)
    over, begun = told["timeline"]["states"]
    assert (over["label"], over["end"] is None, begun["label"], begun["end"]) == ("happy", False, "sad", None)
    seconds = [second for second, _ in told["timeline"]["valence"]]
    assert seconds == sorted(set(seconds))
    length = datetime.fromisoformat(told["timeline"]["to"][:-1]) - datetime.fromisoformat(told["timeline"]["from"][:-1])
    assert length == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/cameras/yard/state?minutes=0", 400),
        ("/api/cameras/yard/state?minutes=61", 400),
        ("/api/cameras/yard/state?minutes=nan", 400),
        ("/api/cameras/yard/state?minutes=%00", 400),
        ("/api/cameras/yard/state?minutes=1&minutes=2", 400),
        ("/api/cameras/yard/state?hours=1", 400),
        ("/api/history?from=yesterday", 400),
        ("/api/history?from=2026-11-26T10:00:00Z&to=2026-11-26T10:00:00Z", 400),
        ("/api/history?what=faces", 400),
        ("/api/history", 404),
        ("/api/events?camera=none", 404),
        ("/api/cameras/none/state", 404),
        ("/api/cameras/none/live.mjpg", 404),
        ("/api/cameras/" + "%2e" * 3 + "/snapshot.jpg", 404),
        ("/api", 404),
        ("/api/cameras/", 404),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason_and_a_remedy(scene: Scene, path: str, status: int) -> None:
    answer, body = scene.ask(path)
    assert answer.status == status
    told = json.loads(body)
    assert sorted(told) == ["error", "remedy"]
    assert all(told.values())


def test_a_failure_inside_is_an_answer_and_a_line_of_the_log_and_not_the_end(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    made = Scene(metrics=lambda: 1 / 0)
    with Endpoint(made.address, made.run):
        answer, body = made.ask("/metrics")
        assert answer.status == 500
        assert sorted(json.loads(body)) == ["error", "remedy"]
        assert b"ZeroDivision" not in body
        assert made.json("/healthz")["status"] == "healthy"
    assert "an answer could not be given" in caplog.text


def test_who_looks_while_no_thread_can_be_had_keeps_nobody_from_looking_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pictures = Pictures()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError), pictures.watched(DOOR):
            pass
    assert pictures.viewers(DOOR) == 0
    with pictures.watched(DOOR):
        assert pictures.viewers(DOOR) == 1
    pictures.close()


def test_figures_that_hang_are_asked_for_once_however_often_somebody_asks() -> None:
    release = threading.Event()
    begun: List[str] = []

    def hang() -> Tuple[str, bytes]:
        begun.append(threading.current_thread().name)
        release.wait(20)
        return "text/plain", b"1\n"

    made = Scene(metrics=hang)
    with Endpoint(made.address, made.run), ExitStack() as stack:
        asking = [stack.enter_context(closing(http.client.HTTPConnection(*made.address))) for _ in range(5)]
        stack.callback(release.set)
        for connection in asking:
            connection.request("GET", "/metrics")
        for _ in range(3):
            assert made.json("/healthz")["status"] == "healthy"
        assert len(begun) == 1
        release.set()
        assert [connection.getresponse().read() for connection in asking] == [b"1\n"] * 5


def test_a_stream_of_pictures_moves_and_nothing_is_encoded_while_nobody_looks(scene: Scene) -> None:
    for _ in range(5):
        scene.shows()
    assert scene.hub.pictures.encoded == 0
    with Moving(scene):
        with Viewer(scene, scene.of_door("live.mjpg")) as viewer:
            assert viewer.answer.getheader("content-type", "").startswith("multipart/x-mixed-replace; boundary=")
            first = viewer.picture()
            assert first.shape == (120, 160, 3)
            eventually(lambda: np.abs(viewer.picture().astype(int) - first).mean() > 5, "another picture")
        eventually(lambda: not scene.hub.pictures.viewers(DOOR), "the end of the viewer")
        seen, frames = scene.hub.pictures.encoded, scene.frames
        eventually(lambda: scene.frames > frames + 20, "more results")
    assert scene.hub.pictures.encoded <= seen + 1  # one was being made


def test_of_a_camera_at_which_nobody_looks_nothing_is_encoded_while_somebody_looks_at_another(scene: Scene) -> None:
    with Viewer(scene, scene.of_door("live.mjpg")) as viewer:
        for shade in range(0, 250, 25):
            scene.shows(camera="yard", shade=shade)
            scene.shows(shade=shade)
            viewer.picture()
        assert scene.hub.pictures.encoded <= 10


def test_a_picture_is_made_once_for_all_who_look(scene: Scene) -> None:
    with Moving(scene), ExitStack() as stack:
        viewers = [stack.enter_context(Viewer(scene, scene.of_door("live.mjpg"))) for _ in range(5)]
        for viewer in viewers:
            viewer.picture()
        before = scene.hub.pictures.encoded
        for _ in range(10):
            for viewer in viewers:
                viewer.picture()
        # Five times as many were seen; some more are made while these are read, at most one for each result.
        assert scene.hub.pictures.encoded - before < 50


def test_who_does_not_read_costs_the_others_nothing_and_is_cut(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.web.connections.LONGEST_WRITE", 0.5)
    path = scene.of_door("live.mjpg")
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with closing(stuck), Moving(scene):
        stuck.connect(scene.address)
        stuck.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with Viewer(scene, path) as viewer:
            eventually(lambda: scene.hub.pictures.viewers(DOOR) == 2, "two viewers")

            def only_one_is_left() -> bool:
                viewer.picture(False)
                return scene.hub.pictures.viewers(DOOR) == 1

            # Kernels keep megabytes for a reader, and the picture is small.
            noise = bytes(cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8))[1])
            monkeypatch.setattr(scene.hub.pictures, "_encode", lambda *_: noise)
            eventually(only_one_is_left, "the end of who does not read")


def test_a_snapshot_is_of_the_newest_result_and_waits_for_the_first(scene: Scene) -> None:
    threading.Timer(0.2, scene.shows, ["happy", 200]).start()
    answer, body = scene.ask(scene.of_door("snapshot.jpg"))
    assert answer.status == 200
    assert answer.getheader("content-type") == "image/jpeg"
    assert cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)[0, 0].mean() > 150
    scene.shows("happy", 20)
    _, body = scene.ask(scene.of_door("snapshot.jpg"))
    assert cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)[0, 0].mean() < 60


def test_no_more_than_so_many_look_at_a_time() -> None:
    made = Scene(viewers=2)
    path = made.of_door("live.mjpg")
    with Endpoint(made.address, made.run):
        made.shows()
        with Viewer(made, path) as one, Viewer(made, path) as other:
            one.picture()
            other.picture()
            answer, body = made.ask(path)
            assert answer.status == 503
            assert "--web-viewers" in json.loads(body)["remedy"]
        eventually(lambda: made.ask(made.of_door("snapshot.jpg"))[0].status == 200, "room again")
    made.hub.pictures.close()


def test_where_only_data_is_shown_there_is_no_picture() -> None:
    made = Scene(pictures=False)
    with Endpoint(made.address, made.run):
        made.shows()
        assert made.json("/api/cameras")["pictures"] is False
        for what in ("snapshot.jpg", "live.mjpg"):
            answer, body = made.ask(made.of_door(what))
            assert answer.status == 403
            assert "--web pictures" in json.loads(body)["remedy"]
    assert made.hub.pictures.encoded == 0


def test_events_come_as_they_happen_and_those_of_an_absence_afterwards(scene: Scene) -> None:
    with Viewer(scene, "/api/events") as reader:
        _, hello = reader.event("hello")
        fits(hello, "/api/cameras")
        scene.shows("happy")
        number, begun = reader.event("change")
        assert (begun["camera"], begun["track"], begun["expression"], begun["end"]) == (DOOR, 3, "happy", None)
        _, persons = reader.event("persons")
        assert (persons["camera"], persons["persons"][0]["label"]) == (DOOR, "happy")
        scene.trouble = "it was unplugged"
        _, told = reader.event("camera")
        assert (told["camera"], told["state"], told["trouble"]) == (DOOR, "lost", "it was unplugged")
    scene.shows("sad")
    with Viewer(scene, "/api/events?camera=yard", Last_Event_ID=str(number)) as reader:
        _, status = reader.event("status")
        assert status["cameras"][0]["state"] == "lost"
    with Viewer(scene, "/api/events", Last_Event_ID=str(number)) as reader:
        last, over = reader.event("change")
        assert (over["expression"], over["end"] is None) == ("happy", False)
        assert last > number


def test_a_reader_who_missed_more_than_is_kept_is_told_how_many(scene: Scene) -> None:
    labels: List[str] = ["happy", "sad"]
    for turn in range(700):
        scene.shows(labels[turn % 2])
    with Viewer(scene, "/api/events", Last_Event_ID="1") as reader:
        _, lost = reader.event("lost")
        first, _ = reader.event("change")
    assert lost["count"] == first - 2 > 0


def test_the_history_is_read_while_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "week.db"
    made = Scene(history=_history(str(file)))
    options = Settings.of(history=str(file)).history
    with make_sink(SinkRequest(str(file), options, run=KnownRun((DOOR,), "fernet-r"))) as sink:
        sink.open(StreamInfo(DOOR))
        for label in ("happy", "sad", "happy"):
            sink.write(made.shows(label), Rates())
    with Endpoint(made.address, made.run):
        for what in ("states", "minutes"):
            told = made.json(f"/api/history?what={what}&camera={quote(DOOR)}")
            fits(told, "/api/history")
            assert told["rows"]
            assert {row["camera"] for row in told["rows"]} == {DOOR}
            assert told["truncated"] is False
        answer, body = made.ask("/api/history?camera=none")
        assert answer.status == 404
        assert "no camera" in json.loads(body)["error"]
        assert made.json("/api/history?to=2020-01-01T00:00:00Z")["rows"] == []
        file.write_bytes(b"no history at all" * 100)
        answer, body = made.ask("/api/history")
        assert answer.status == 503
        assert json.loads(body)["remedy"]
