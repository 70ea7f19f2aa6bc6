"""The sink against a real broker."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest
from certificates import needs_openssl, self_signed
from mosquitto import Listener, Mosquitto, needs_mosquitto
from observations import tracked
from waiting import wait_until

from fer_edge.errors import SettingsError, UsageError
from fer_edge.settings import load_settings
from fer_edge.sinks.mqtt import client, connection
from fer_edge.sinks.mqtt.forget import Forgetting
from fer_edge.sinks.mqtt.outbox import Outbox
from fer_edge.sinks.mqtt.sink import MqttSink, make_sink
from fer_edge.sinks.request import SinkRequest
from fer_edge.sinks.run_view import KnownRun
from fer_edge.types import LABELS as ALL
from fer_edge.types import FrameBalance, Observation, Rates

pytest.importorskip("paho.mqtt.client")
pytestmark = needs_mosquitto

BASE = "fer-edge/nano/front"
LABELS = ("happy", "sad", "neutral")
HEALTHY = KnownRun(("front",), of_cameras={"front": Rates(14.96)}, degrees=51.26)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as started:
        yield started


@contextlib.contextmanager
def sink(
    url: str, run: KnownRun = HEALTHY, memory: Optional[Dict[str, Any]] = None, **options: str
) -> Iterator[MqttSink]:
    made = make_sink(request(url, run, memory, **options))
    assert isinstance(made, MqttSink)
    with made:
        yield made


def request(url: str, run: KnownRun = HEALTHY, memory: Optional[Dict[str, Any]] = None, **options: str) -> SinkRequest:
    environment = {f"FER_EDGE_MQTT_{name.upper()}": value for name, value in options.items()}
    settings = load_settings({"mqtt": url, "mqtt_topic": "fer-edge/nano"}, environment)
    return SinkRequest(url, settings.mqtt, run=run, memory={} if memory is None else memory, camera="front")


def changing(first: int, count: int) -> List[Observation]:
    """A face that shows another label after every second frame, of ten a second."""
    return [tracked(index, LABELS[index // 2 % 3], frames=2) for index in range(first, first + count)]


def number(event: Dict[str, Any]) -> int:
    return int(event["id"].partition("-")[2])


def write(to: MqttSink, observations: List[Observation]) -> None:
    for one in observations:
        to.write(one, Rates())


def test_a_broker_is_told_what_begins_and_ends_how_it_is_and_that_the_program_is_there(broker: Mosquitto) -> None:
    with Listener(broker) as listener:
        with sink(broker.url) as writing:
            listener.wait_for("availability", "online")
            write(writing, changing(0, 4))
            listener.wait_for("persons", "1")
            listener.wait_for("expression", "sad")
            listener.wait_for("valence", "-0.65")
            health = json.loads(listener.wait_for("health").payload)
        listener.wait_for("availability", "stopped")
        events = listener.events()
    assert health == {"status": "healthy", "reasons": [], "problem": "", "fps": 15.0, "temperature_c": 51.3}
    assert [(one["expression"], one["end"] is None) for one in events] == [
        ("happy", True),
        ("happy", False),
        ("sad", True),
        ("sad", False),
    ]
    assert len({one["id"] for one in events}) == 4
    assert not any(one["repeated"] for one in events)
    order = [one.what for one in listener.told if one.topic.startswith(BASE)]
    assert (order[0], order[-1]) == ("availability", "availability")
    assert all(one.topic.startswith((f"{BASE}/", "homeassistant/device/")) for one in listener.told)


def test_the_figures_of_each_minute_are_told_and_kept(broker: Mosquitto) -> None:
    run = replace(HEALTHY, balances={"front": FrameBalance(110, 100, 7, 3)})
    with Listener(broker) as listener:
        with sink(broker.url, run) as writing:
            write(writing, changing(0, 10))
            first = json.loads(listener.wait_for("figures").payload)
        listener.wait_for("availability", "stopped")
        told = json.loads(listener.last("figures"))
    assert first == {
        "camera": "front",
        "start": "2024-02-29T23:59:00.000Z",
        "seconds": 0.0,
        "frames": 1,
        "captured": 110,
        "dropped": 7,
        "fps": 0.0,
        "persons": 0.0,
        "persons_most": 1,
        "valence": None,
        "temperature_c": 51.3,
        **{f"{label}_s": 0.0 for label in ALL},
    }
    assert (told["frames"], told["fps"], told["persons_most"], told["dropped"]) == (9, 10.0, 1, 0)


def test_who_comes_later_is_told_how_it_is_and_of_nothing_that_is_over(broker: Mosquitto) -> None:
    with Listener(broker) as early, sink(broker.url) as writing:
        write(writing, changing(0, 4))
        early.wait_for("valence")
        wait_until(lambda: len(early.events()) == 3)
        with Listener(broker) as late:
            late.wait_for("valence")
            late.wait_for("config")
            kept = {one.what for one in late.told if one.retained}
    assert kept == {"availability", "persons", "expression", "valence", "health", "config", "figures"}


def test_a_camera_that_gives_nothing_is_a_problem_and_nobody_knows_who_is_in_view(broker: Mosquitto) -> None:
    lost = replace(HEALTHY, troubles={"front": "unplugged"}, state="degraded", reasons=("front: unplugged",))
    with Listener(broker) as listener, sink(broker.url, lost):
        listener.wait_for("persons", "None")
        listener.wait_for("expression", "None")
        assert json.loads(listener.wait_for("health").payload)["problem"] == "unplugged"


def test_what_a_broker_misses_while_it_is_killed_and_started_again_comes_in_order_once_or_marked(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    with Listener(broker) as before, sink(broker.url) as writing:
        memory = writing._memory
        write(writing, changing(0, 40))
        wait_until(lambda: len(before.events()) == memory.events)
        quiet = memory.events
        write(writing, changing(40, 200))
        broker.kill()  # in the middle of these
        at_risk = memory.events
        wait_until(writing.trouble, "the loss is noticed")
        write(writing, changing(240, 200))
        told = before.events()
        with memory.outbox._lock:  # nothing is sent until somebody listens
            broker.start()
            after = Listener(broker)
        with after:
            after.wait_for("availability", "online")
            after.wait_for("persons", "1")
            write(writing, changing(440, 20))
            wait_until(lambda: after.events() and number(after.events()[-1]) == memory.events)
            told += after.events()
            count = memory.events
    once = [number(one) for one in told if not one["repeated"]]
    assert once == sorted(set(once)), "what is not marked came once, and in order"
    missing = set(range(1, count + 1)) - {number(one) for one in told}
    assert missing <= set(range(quiet + 1, at_risk + 1)), "of those that the broker took, it may have told nobody"
    assert writing.lost == 0
    assert {"sink_lost", "sink_back"} <= {getattr(one, "event", "") for one in caplog.records}


def test_of_too_many_events_of_an_outage_the_oldest_are_dropped_and_counted(broker: Mosquitto) -> None:
    memory: Dict[str, Any] = {}
    broker.kill()
    with sink(broker.url, memory=memory) as writing:
        memory["mqtt"].outbox = writing._connection._outbox = Outbox(most=10)
        wait_until(writing.trouble)
        write(writing, changing(0, 40))
        assert writing.lost == memory["mqtt"].events + 1 - 10, "a minute was over as well"
        first = memory["mqtt"].events - 9
        with writing._connection._outbox._lock:  # nothing is sent until somebody listens
            broker.start()
            listener = Listener(broker)
        with listener:
            wait_until(lambda: len(listener.events()) == 10)
    assert [number(one) for one in listener.events()] == list(range(first, first + 10))


def test_home_assistant_is_told_anew_when_it_comes_back(broker: Mosquitto) -> None:
    with Listener(broker) as listener, sink(broker.url):
        listener.wait_for("config")
        count = sum(one.what == "config" for one in listener.told)
        listener.say("homeassistant/status", "offline")
        listener.say("homeassistant/status", "online")
        wait_until(lambda: sum(one.what == "config" for one in listener.told) > count)
    with Listener(broker, "homeassistant/#") as listener, sink(broker.url, discovery="off", topic="other") as quiet:
        wait_until(lambda: quiet._connection.connected)
        quiet.close()
    assert not [one for one in listener.told if "other" in one.payload]


def test_what_a_broker_keeps_is_forgotten_and_nothing_of_others(broker: Mosquitto) -> None:
    with Listener(broker) as listener:
        listener.say("fer-edge/nano2/front/persons", "1", retain=True)
        lamp = {"origin": {"name": "lamp"}, "availability_topic": f"{BASE}/availability"}  # it goes with the camera
        listener.say("homeassistant/device/lamp/config", json.dumps(lamp), retain=True)
        with sink(broker.url) as writing:
            write(writing, changing(0, 4))
            listener.wait_for("valence")
            listener.wait_for("health")
            forgotten = Forgetting(writing._connection._access, "fer-edge/nano", "homeassistant").run()
            assert forgotten.running == (BASE,)
        forgotten = Forgetting(writing._connection._access, "fer-edge/nano", "homeassistant").run()
    assert (forgotten.messages, forgotten.devices, forgotten.running) == (2, 0, ()), (
        "that it was stopped, and the last minute"
    )
    with Listener(broker) as late:
        late.say("end", "x")
        late.wait_for("end")
        assert {one.topic for one in late.told if one.retained} == {
            "fer-edge/nano2/front/persons",
            "homeassistant/device/lamp/config",
        }


def test_a_wrong_password_is_told_and_shown_nowhere_and_the_right_one_lets_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    passwords = tmp_path / "passwords"
    passwords.write_text("cam:right-word\n")
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, timeout=30)
    with Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        with sink(broker.url, user="cam", password="wrong-word") as writing:
            assert "check mqtt_user and the password" in wait_until(writing.trouble)
        with sink(broker.url) as writing:
            assert "lets nobody in without" in wait_until(writing.trouble)
        file = tmp_path / "password"
        file.write_text("right-word\n")
        file.chmod(0o600)
        login = {"user": "cam", "password": "right-word"}
        with Listener(broker, **login) as listener, sink(broker.url, user="cam", password_file=str(file)):
            listener.wait_for("availability", "online")
    assert "-word" not in caplog.text + repr(writing._connection._access)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="Everybody on this machine can read the password"):
        MqttSink(request(broker.url, user="cam", password_file=str(file)))


@needs_openssl
def test_a_broker_is_trusted_by_its_certificate_and_shown_ours(tmp_path: Path) -> None:
    server, ours = self_signed(tmp_path, "server"), self_signed(tmp_path, "ours")
    lines = (f"cafile {ours.cert}", f"certfile {server.cert}", f"keyfile {server.key}", "require_certificate true")
    with Mosquitto(tmp_path, "allow_anonymous true", *lines) as broker:
        url = f"mqtts://localhost:{broker.port}"
        shown = {"cert": str(ours.cert), "key": str(ours.key)}
        with sink(url, ca=str(server.cert), **shown) as writing:
            wait_until(lambda: writing._connection.connected)
        with sink(url, ca=str(server.cert)) as writing:
            assert "mqtt_cert" in wait_until(writing.trouble)
        with sink(url, ca=str(ours.cert), **shown) as writing:
            assert "of no authority that is trusted" in wait_until(writing.trouble)
        with sink(f"mqtt://localhost:{broker.port}") as writing:
            assert "mqtts://" in wait_until(writing.trouble)
    with pytest.raises(SettingsError, match="of no use as mqtt_cert and mqtt_key: the key is not that"):
        MqttSink(request(url, cert=str(ours.cert), key=str(server.key)))
    with pytest.raises(SettingsError, match="holds no certificate"):
        MqttSink(request(url, ca=str(ours.key)))
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        MqttSink(request(url, ca=str(tmp_path / "missing")))
    with pytest.raises(UsageError, match="without TLS"):
        MqttSink(request("mqtt://localhost", ca=str(server.cert)))


def test_a_broker_that_takes_the_connection_and_says_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, client):
        monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("mqtt", "mqtts"):
            with sink(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}") as writing:
                assert "did not answer" in wait_until(writing.trouble)
                write(writing, changing(0, 20))
            assert writing.lost == writing._memory.events + 2, "with the figures of two minutes"


def test_a_broker_that_never_confirms_a_message_is_left_and_connected_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONFIRM_SECONDS", 0.2)
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        writing = stack.enter_context(sink(f"mqtt://127.0.0.1:{deaf.getsockname()[1]}", discovery="off"))
        peer = stack.enter_context(deaf.accept()[0])
        assert peer.recv(1000)
        peer.sendall(b"\x20\x02\x00\x00")  # CONNACK of MQTT 3.1.1
        assert "did not confirm" in wait_until(writing.trouble)
