"""How Home Assistant learns of a camera: one message that describes a device with all that it tells.

The fields are those of https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery (device discovery) and of the pages of
``sensor.mqtt`` and ``binary_sensor.mqtt`` there; tests/sinks/test_mqtt_discovery.py has each with its place.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from fer_edge.sinks.mqtt.messages import EXPRESSIONS, ONLINE, Message, as_json
from fer_edge.sinks.mqtt.topics import PROGRAM, Topics
from fer_edge.version import __version__

OFF = "off"
"""In place of a prefix: nothing is told to Home Assistant."""

STATUSES = ("healthy", "degraded", "down")
"""What ``health`` says, as `fer_edge.service.health` has it."""

_DIAGNOSTIC = {"entity_category": "diagnostic"}


def config_topic(prefix: str, device: str) -> str:
    """Return where Home Assistant looks for a device."""
    return f"{prefix}/device/{device}/config"


def birth_topic(prefix: str) -> str:
    """Return where Home Assistant says that it has come back, and wants to be told anew."""
    return f"{prefix}/status"


def device_of(topics: Topics, prefix: str, host: str) -> Message:
    """Return the message that describes the device of a camera.

    Parameters
    ----------
    prefix : str
        What discovery's topics begin with: ``homeassistant``, unless it was set up otherwise.
    host : str
        Name of this machine, for people.
    """
    payload = {
        "device": {
            "identifiers": [topics.device],
            "name": f"{topics.camera} ({host})",
            "manufacturer": PROGRAM,
            "model": "Facial expressions from a camera",
            "sw_version": __version__,
        },
        "origin": {"name": PROGRAM, "sw_version": __version__},
        "availability_topic": topics.availability,
        # A program that was stopped is as little there as one that was lost.
        "availability_template": f"{{{{ 'online' if value == '{ONLINE}' else 'offline' }}}}",
        "components": _components(topics),
    }
    return Message(config_topic(prefix, topics.device), as_json(payload))


def forgotten(prefix: str, device: str) -> Message:
    """Return the message that takes a device away."""
    return Message(config_topic(prefix, device), "")


def _components(topics: Topics) -> Dict[str, Any]:
    health = topics.of("health")
    return {
        "persons": _sensor(
            topics, "persons", "Persons in view", icon="mdi:account-multiple", state_class="measurement"
        ),
        "expression": _sensor(
            topics,
            "expression",
            "Dominant expression",
            icon="mdi:emoticon-outline",
            device_class="enum",
            options=list(EXPRESSIONS),
        ),
        "valence": _sensor(
            topics,
            "valence",
            "Valence",
            icon="mdi:emoticon-happy-outline",
            state_class="measurement",
            suggested_display_precision=2,
        ),
        "fps": _sensor(
            topics,
            "health",
            "Frames per second",
            "fps",
            icon="mdi:speedometer",
            state_class="measurement",
            unit_of_measurement="fps",
            value_template="{{ value_json.fps }}",
            suggested_display_precision=1,
            **_DIAGNOSTIC,
        ),
        "temperature": _sensor(
            topics,
            "health",
            "Temperature",
            "temperature",
            device_class="temperature",
            state_class="measurement",
            unit_of_measurement="°C",
            value_template="{{ value_json.temperature_c }}",
            suggested_display_precision=1,
            **_DIAGNOSTIC,
        ),
        "health": _sensor(
            topics,
            "health",
            "Health",
            icon="mdi:heart-pulse",
            device_class="enum",
            options=list(STATUSES),
            value_template="{{ value_json.status }}",
            json_attributes_topic=health,
            json_attributes_template="{{ {'reasons': value_json.reasons} | tojson }}",
            **_DIAGNOSTIC,
        ),
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "unique_id": f"{topics.device}-problem",
            "state_topic": health,
            "device_class": "problem",
            "value_template": "{{ 'ON' if value_json.problem else 'OFF' }}",
            "json_attributes_topic": health,
            "json_attributes_template": "{{ {'problem': value_json.problem} | tojson }}",
            **_DIAGNOSTIC,
        },
    }


def _sensor(topics: Topics, what: str, name: str, key: Optional[str] = None, **fields: Any) -> Dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "unique_id": f"{topics.device}-{key or what}",
        "state_topic": topics.of(what),
        **fields,
    }
