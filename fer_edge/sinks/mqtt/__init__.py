"""States and figures to an MQTT broker, one connection and one device of Home Assistant for each camera."""
