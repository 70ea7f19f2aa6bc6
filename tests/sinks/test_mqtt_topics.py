from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import UsageError
from fer_edge.settings import load_settings
from fer_edge.settings.load import check_value
from fer_edge.sinks.mqtt.address import BrokerText, parse_broker
from fer_edge.sinks.mqtt.topics import Topics, level

NAMES = st.text(st.sampled_from("ab1._-/#+ ä\0"), min_size=1, max_size=12)


@given(NAMES, NAMES)
def test_no_two_cameras_have_one_topic_or_one_device_whatever_they_are_called(one: str, other: str) -> None:
    first, second = Topics("fer-edge/nano", one), Topics("fer-edge/nano", other)
    assert (first.base == second.base) == (one == other)
    assert (first.device == second.device) == (one == other)
    assert re.fullmatch(r"fer-edge/nano/[A-Za-z0-9_.-]+", first.base)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first.device), "all that Home Assistant takes in discovery's topics"


def test_a_name_that_looks_like_what_another_becomes_becomes_another_itself() -> None:
    assert level("door") == "door"
    made = level("a/b")
    assert level(made) != made


@pytest.mark.parametrize(
    "topic", ["home/#", "+/cameras", "a\0b", "$SYS/x", "/a", "a/", "a//b", "/", "a\nb", "x" * 1025]
)
def test_a_topic_to_which_nobody_can_write_is_refused_with_the_reason(topic: str) -> None:
    with pytest.raises(UsageError, match=r"will not do: (a topic to write|it begins|it names|it has more|text)"):
        check_value("mqtt_topic", topic)


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("mqtt://broker", "broker", 1883, False),
        ("MQTTS://broker.local/", "broker.local", 8883, True),
        ("mqtt://10.0.0.7:1884", "10.0.0.7", 1884, False),
        ("mqtt://[::1]", "::1", 1883, False),
        ("mqtts://[fe80::1%eth0]:1", "fe80::1%eth0", 1, True),
    ],
)
def test_a_broker_is_named_by_its_address(text: str, host: str, port: int, tls: bool) -> None:
    address = parse_broker(text)
    assert address == (host, port, tls)
    assert parse_broker(str(address)) == address


@pytest.mark.parametrize(
    "text", ["broker", "http://broker", "mqtt://", "mqtt://:1883", "mqtt://a:0", "mqtt://a/topic", "mqtt://a b", "://a"]
)
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(BrokerText):
        parse_broker(text)


def test_a_password_in_an_address_is_refused_with_the_remedy_and_shown_nowhere() -> None:
    with pytest.raises(UsageError, match="FER_EDGE_MQTT_PASSWORD") as refused:
        load_settings({"mqtt": "mqtt://me:hunter2@broker"}, {})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("option", ["mqtt_user", "mqtt_password"])
def test_user_and_password_are_no_matter_of_a_command_line(option: str) -> None:
    with pytest.raises(UsageError, match=f"FER_EDGE_{option.upper()}") as refused:
        load_settings({option: "hunter2"}, {})
    assert "hunter2" not in str(refused.value)
    given = load_settings({}, {f"FER_EDGE_{option.upper()}": "hunter2"})
    assert getattr(given.mqtt, option.partition("_")[2]) == "hunter2"
