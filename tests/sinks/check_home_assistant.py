"""Holds what Home Assistant is told to its own schema: ``make test-homeassistant``, as it needs an environment of its own.

Without an argument it writes what is told. With a file of that, it needs a Python that has the package ``homeassistant``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

HEALTH = '{"status":"degraded","reasons":["it is dark"],"problem":"unplugged","fps":14.9,"temperature_c":null}'
"""What ``health`` may say."""

MEANT = {"fps": "14.9", "temperature": "None", "health": "degraded", "problem": "ON"}
"""What a sensor makes of it."""


def tell() -> None:
    from fer_edge.sinks.mqtt.discovery import device_of
    from fer_edge.sinks.mqtt.topics import Topics

    print(device_of(Topics("fer-edge/nano", "door"), "homeassistant", "nano").payload)


async def check(told: Any, folder: str) -> None:
    from homeassistant.components.mqtt import binary_sensor, sensor
    from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA
    from homeassistant.const import __version__
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.template import Template

    home = HomeAssistant(folder)  # templates are read in the name of one
    DEVICE_DISCOVERY_SCHEMA(told)
    of_platform = {"sensor": sensor, "binary_sensor": binary_sensor}
    # As Home Assistant does it: what holds for the whole device holds for each of its components.
    shared = {name: told[name] for name in ("availability_topic", "availability_template", "device", "origin")}
    for name, component in told["components"].items():
        fields = {**shared, **component}
        platform = of_platform[fields.pop("platform")]
        platform.PLATFORM_SCHEMA_MODERN(fields)  # refuses what it does not know, which discovery leaves out in silence
        platform.DISCOVERY_SCHEMA(fields)
        if name in MEANT:
            said = Template(component["value_template"], home).async_render_with_possible_json_value(HEALTH)
            assert str(said) == MEANT[name], (name, said)
        print(f"{name}: as Home Assistant {__version__} wants it")
    for word, there in (("online", "online"), ("stopped", "offline"), ("offline", "offline")):
        template = Template(told["availability_template"], home)
        assert template.async_render_with_possible_json_value(word) == there
    await home.async_stop(force=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        with tempfile.TemporaryDirectory() as place:
            asyncio.run(check(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), place))
    else:
        tell()
