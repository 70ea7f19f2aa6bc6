"""``fer-edge mqtt forget``: takes away what an MQTT broker, and Home Assistant with it, keep of this machine's cameras."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fer_edge.errors import UsageError
from fer_edge.settings import Settings, load_settings, settings_file

SERVICE_SETTINGS = Path("/etc/fer-edge/fer-edge.toml")
"""What is read where nothing names a broker: most who ask mean the service."""

_OPTIONS = {
    "mqtt": ("URL", "the broker"),
    "mqtt_topic": ("TOPIC", "what all topics begin with"),
    "mqtt_discovery": ("TOPIC", "where Home Assistant looks for devices"),
    "mqtt_password_file": ("FILE", "the file that holds the password"),
    "mqtt_ca": ("FILE", "the certificates to trust"),
    "mqtt_cert": ("FILE", "the certificate to show"),
    "mqtt_key": ("FILE", "its private key"),
}


def add_mqtt_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="forget")
    forget = verbs.add_parser(
        "forget",
        help="remove the retained messages and the devices of Home Assistant",
        description="Remove what the broker keeps of this machine's cameras, and their devices from Home Assistant. Stop "
        "fer-edge before. User and password are given as FER_EDGE_MQTT_USER and FER_EDGE_MQTT_PASSWORD, or in the settings "
        "file.",
        allow_abbrev=False,
    )
    forget.add_argument("--camera", metavar="NAME", help="only this camera")
    forget.add_argument("--config", metavar="FILE", help="the TOML file with settings that fer-edge is started with")
    for name, (metavar, text) in _OPTIONS.items():
        forget.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=f"{text} (default: as for fer-edge)")


def run_mqtt(options: argparse.Namespace) -> int:
    """Forget, and say what was.

    Raises
    ------
    UsageError
        No broker is known.
    OutputNotWritable
        It is not reached.
    """
    from fer_edge.sinks.mqtt.access import access_to
    from fer_edge.sinks.mqtt.forget import Forgetting
    from fer_edge.sinks.mqtt.topics import default_prefix

    settings = _settings(options)
    mqtt = settings.mqtt
    if not mqtt.broker:
        raise UsageError(
            "It is not known which broker is meant.", "Give --mqtt mqtt://HOST, or --config with the settings file."
        )
    prefix = mqtt.topic or default_prefix()
    forgotten = Forgetting(access_to(mqtt), prefix, mqtt.discovery, options.camera).run()
    sys.stdout.write(
        f"{_count(forgotten.messages, 'retained message')} below {prefix} and "
        f"{_count(forgotten.devices, 'device')} of Home Assistant forgotten at {mqtt.broker}.\n"
    )
    if forgotten.running:
        sys.stdout.write(
            f"fer-edge is connected as {', '.join(forgotten.running)} and tells all of it anew: stop it, then repeat this.\n"
        )
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    given = {name: value for name in _OPTIONS for value in [getattr(options, name)] if value}
    file = settings_file(options.config)
    settings = load_settings(given, file=file, watching=False)
    if file is None and not settings.mqtt.broker and SERVICE_SETTINGS.exists():
        settings = load_settings(given, file=SERVICE_SETTINGS, watching=False)
    return settings


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
