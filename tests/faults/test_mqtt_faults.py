from __future__ import annotations

import signal
import socket
import time
import urllib.request
from typing import Any

import pytest
from mosquitto import Listener, Mosquitto, needs_mosquitto
from programs import eventually

pytest.importorskip("paho.mqtt.client")
pytestmark = needs_mosquitto

TOPIC = ("--mqtt-topic", "fer-edge/nano")
BASE = "fer-edge/nano/hall"


def lost(program: Any) -> float:
    """Give what all sinks together have lost, as Prometheus is told."""
    with urllib.request.urlopen(f"http://{program.address}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith("fer_edge_sink_lost_total"))


def test_a_broker_may_be_killed_and_come_back_while_faces_are_analysed(bench: Any) -> None:
    broker = Mosquitto(bench.folder)
    bench.at_the_end(broker.kill)
    broker.start()
    with Listener(broker, f"{BASE}/#") as before:
        program = bench.program("--camera", "hall=demo:2", "--mqtt", broker.url, *TOPIC)
        before.wait_for("availability", "online")
        before.wait_for("persons", "2")
        eventually(lambda: len(before.events()) >= 2, "two who begin to show something")
    injected = time.monotonic()
    broker.kill()
    noticed, line = program.event("sink_lost", since=injected)
    assert line["sink"] == f"the MQTT output '{broker.url}' of hall"
    program.reason("the broker is not reached")
    program.more_frames(20)
    removed = time.monotonic()
    broker.start()
    back, _ = program.event("sink_back", since=removed)
    with Listener(broker, f"{BASE}/#") as after:
        after.wait_for("persons", "2")
        assert lost(program) == 0
        stopped = time.monotonic()
        program.stop()
        after.wait_for("availability", "stopped")
        took = time.monotonic() - stopped
        summary = program.ended(0)
        over = {one["track"] for one in after.events() if one["end"]}
    # A busy machine analyses few frames, and may count somebody who moved on as another person: who is there at the end counts.
    shown = {face["track"]["id"] for face in program.lines()[-1]["faces"]}
    assert shown
    assert shown <= over, "what the two showed is told at the end"
    bench.report.add(
        "the MQTT broker is killed, and started again",
        noticed - injected,
        back - removed,
        summary["dropped"],
        f"the analysis goes on; events wait and none is lost; a SIGTERM then took {took:.1f} s",
    )


def test_a_program_that_is_killed_is_told_as_offline_by_the_broker(bench: Any) -> None:
    broker = Mosquitto(bench.folder)
    bench.at_the_end(broker.kill)
    broker.start()
    with Listener(broker, f"{BASE}/#") as listener:
        program = bench.program("--camera", "hall=demo", "--mqtt", broker.url, *TOPIC)
        listener.wait_for("persons", "1")
        injected = time.monotonic()
        program.process.send_signal(signal.SIGKILL)
        listener.wait_for("availability", "offline")
        noticed = time.monotonic()
    bench.report.add(
        "kill -9 of a program that an MQTT broker is told of",
        noticed - injected,
        None,
        None,
        "the broker says `offline`",
    )


@pytest.mark.parametrize("dead", ["nobody listens", "nobody answers"])
def test_a_broker_that_is_not_there_costs_neither_start_nor_end(bench: Any, dead: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if dead == "nobody listens":
            silent.close()
            url = "mqtt://127.0.0.1:1"
        else:
            url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        program = bench.program("--camera", "hall=demo:2", "--mqtt", url, *TOPIC)
        program.event("sink_lost")
        program.more_frames(20)
        assert program.health()["status"] == "degraded"
        asked = time.monotonic()
        program.stop()
        summary = program.ended(0)
        took = time.monotonic() - asked
    eventually(lambda: "left out" in program.tail(), "what was never sent is told")
    bench.report.add(
        f"an MQTT broker where {dead}, from the start",
        None,
        None,
        summary["dropped"],
        f"the analysis goes on; a SIGTERM took {took:.1f} s, and what the broker was never told is counted",
    )
