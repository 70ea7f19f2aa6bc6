"""Which MQTT broker is told what is seen."""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.settings.field import setting
from fer_edge.settings.values import PATH, TEXT, Kind, Unfit
from fer_edge.sinks.mqtt.address import FORM, BrokerText, parse_broker
from fer_edge.sinks.mqtt.topics import why_no_prefix


def _broker(text: str) -> str:
    try:
        return str(parse_broker(text))
    except BrokerText as error:
        raise Unfit(str(error)) from None


def _topic(text: str) -> str:
    why = why_no_prefix(text)
    if why:
        raise Unfit(why)
    return text


BROKER = Kind(_broker, FORM, secret=True)
"""A message shows no value: whoever forgets that a password does not belong there has written one."""

TOPIC = Kind(_topic, "a topic such as fer-edge/nano, without # and +")
PASSWORD = Kind(TEXT.read, TEXT.allowed, secret=True)


@dataclass(frozen=True)
class MqttSettings:
    """Which MQTT broker is told what is seen."""

    broker: str = setting(
        "mqtt",
        "",
        BROKER,
        "URL",
        "output",
        "tell an MQTT broker state changes, persons, expressions and figures, and Home Assistant with it, never a picture: "
        "mqtt://HOST, or mqtts://HOST for TLS, with :PORT where it is not 1883 or 8883; needs the extra mqtt",
    )
    user: str = setting("mqtt_user", "", TEXT, "NAME", "output", "the account at the MQTT broker", private=True)
    password: str = setting(
        "mqtt_password",
        "",
        PASSWORD,
        "WORD",
        "output",
        "its password; best in the environment, or in a file that mqtt_password_file names",
        private=True,
    )
    password_file: str = setting(
        "mqtt_password_file", "", PATH, "FILE", "output", "the file that holds the password, in its only line"
    )
    ca: str = setting(
        "mqtt_ca",
        "",
        PATH,
        "FILE",
        "output",
        "trust the certificates in this file for mqtts://, in place of the system's",
    )
    cert: str = setting(
        "mqtt_cert", "", PATH, "FILE", "output", "show the certificate in this PEM file to a broker that wants one"
    )
    key: str = setting(
        "mqtt_key", "", PATH, "FILE", "output", "its private key, where it does not stand in the same file"
    )
    topic: str = setting(
        "mqtt_topic",
        "",
        TOPIC,
        "TOPIC",
        "output",
        "what all topics begin with; the camera's name and what is told follow (default: fer-edge/ and this machine's name)",
    )
    discovery: str = setting(
        "mqtt_discovery",
        "homeassistant",
        TOPIC,
        "TOPIC",
        "output",
        "what the topics begin with where Home Assistant looks for devices; off tells it nothing",
    )
