"""Holds what Home Assistant is told to its own schema: ``make test-homeassistant``, as it needs an environment of its own.

Without an argument it writes what is told. With a file of that, it needs a Python that has the package ``homeassistant``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def tell() -> None:
    from fer_edge.sinks.mqtt.discovery import device_of
    from fer_edge.sinks.mqtt.topics import Topics

    print(device_of(Topics("fer-edge/nano", "door"), "homeassistant", "nano").payload)


def check(file: str) -> None:
    from homeassistant.components.mqtt import binary_sensor, sensor
    from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA
    from homeassistant.const import __version__

    told = json.loads(Path(file).read_text(encoding="utf-8"))
    DEVICE_DISCOVERY_SCHEMA(told)
    of_platform = {"sensor": sensor, "binary_sensor": binary_sensor}
    # As Home Assistant does it: what holds for the whole device holds for each of its components.
    shared = {name: told[name] for name in ("availability_topic", "availability_template", "device", "origin")}
    for name, component in told["components"].items():
        fields = {**shared, **component}
        platform = of_platform[fields.pop("platform")]
        platform.PLATFORM_SCHEMA_MODERN(fields)  # refuses what it does not know, which discovery leaves out in silence
        platform.DISCOVERY_SCHEMA(fields)
        print(f"{name}: as Home Assistant {__version__} wants it")


if __name__ == "__main__":
    check(sys.argv[1]) if sys.argv[1:] else tell()
