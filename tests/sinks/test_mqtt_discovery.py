"""What Home Assistant is told, held to its documentation field by field; ``make test-homeassistant`` holds it to its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Set

import pytest
import yaml

from fer_edge.service.health import DEGRADED, DOWN, HEALTHY
from fer_edge.sinks.mqtt.discovery import STATUSES, device_of
from fer_edge.sinks.mqtt.messages import EXPRESSIONS
from fer_edge.sinks.mqtt.topics import Topics

TOPICS = Topics("fer-edge/nano", "door.1")

DISCOVERY = "https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload"
SENSOR = "https://www.home-assistant.io/integrations/sensor.mqtt/#configuration-variables"
BINARY = "https://www.home-assistant.io/integrations/binary_sensor.mqtt/#configuration-variables"
OF_ALL = {"platform", "name", "unique_id", "state_topic", "value_template", "device_class", "entity_category", "icon"}
ATTRIBUTES = {"json_attributes_topic", "json_attributes_template"}

FIELDS: Dict[str, Set[str]] = {
    DISCOVERY: {"device", "origin", "components", "availability_topic", "availability_template"},
    SENSOR: OF_ALL | ATTRIBUTES | {"options", "state_class", "unit_of_measurement", "suggested_display_precision"},
    BINARY: OF_ALL | ATTRIBUTES,
}
"""What may stand there, of what is used, by the page that has it."""

OF_DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version"}
OF_ORIGIN = {"name", "sw_version"}


@pytest.fixture
def told() -> Dict[str, Any]:
    message = device_of(TOPICS, "homeassistant", "nano")
    assert message.topic == f"homeassistant/device/{TOPICS.device}/config"
    assert message.retain
    payload = json.loads(message.payload)
    assert isinstance(payload, dict)
    return payload


def test_every_field_is_one_that_its_documentation_has(told: Dict[str, Any]) -> None:
    assert set(told) == FIELDS[DISCOVERY]
    assert set(told["device"]) == OF_DEVICE
    assert set(told["origin"]) == OF_ORIGIN
    for component in told["components"].values():
        page = SENSOR if component["platform"] == "sensor" else BINARY
        assert set(component) <= FIELDS[page], component
        assert {"platform", "unique_id", "state_topic", "name"} <= set(component)


def test_a_device_has_all_that_a_camera_tells_each_under_an_id_of_its_own(told: Dict[str, Any]) -> None:
    components = told["components"]
    assert set(components) == {"persons", "expression", "valence", "fps", "temperature", "problem", "health"}
    assert len({component["unique_id"] for component in components.values()}) == len(components)
    assert all(component["state_topic"].startswith(TOPICS.base) for component in components.values())


def test_what_a_sensor_may_say_is_all_that_is_ever_said(told: Dict[str, Any]) -> None:
    components = told["components"]
    for name, words in (("expression", EXPRESSIONS), ("health", STATUSES)):
        assert components[name]["device_class"] == "enum"
        assert components[name]["options"] == list(words)
        assert not {"state_class", "unit_of_measurement"} & set(components[name]), "an enum has neither"
    assert STATUSES == (HEALTHY, DEGRADED, DOWN)


def test_the_automation_of_the_documents_is_one_that_home_assistant_can_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "home-assistant.md").read_text(encoding="utf-8")
    automation = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    assert set(automation) == {"alias", "triggers", "actions", "mode"}
    assert [one["trigger"] for one in automation["triggers"]] == ["numeric_state", "state"]
    assert all({"action", "target"} == set(one) for one in automation["actions"])
