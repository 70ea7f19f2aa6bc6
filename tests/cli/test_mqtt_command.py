from __future__ import annotations

from pathlib import Path

import pytest
from mosquitto import Listener, Mosquitto, needs_mosquitto

from fer_edge.cli.main import main
from fer_edge.errors import OutputNotWritable, UsageError
from fer_edge.sinks.mqtt.topics import default_prefix

pytest.importorskip("paho.mqtt.client")


@needs_mosquitto
def test_forget_takes_away_what_the_broker_of_the_settings_file_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "fer-edge.toml"
    with Mosquitto(tmp_path) as broker:
        settings.write_text(f'mqtt = "{broker.url}"\n')
        with Listener(broker) as listener:
            for camera in ("front", "door"):
                listener.say(f"{default_prefix()}/{camera}/persons", "1", retain=True)
        assert main(["mqtt", "forget", "--config", str(settings), "--camera", "door"]) == 0
        assert main(["mqtt", "forget", "--config", str(settings)]) == 0
        told = capsys.readouterr().out
        assert told.count("1 retained message below") == 2
        assert main(["mqtt", "forget", "--mqtt", broker.url]) == 0
        assert "0 retained messages" in capsys.readouterr().out


def test_a_broker_that_is_not_named_or_not_there_is_told_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="Give --mqtt"):
        main(["mqtt", "forget"])
    with pytest.raises(OutputNotWritable, match="nothing listens on port 1"):
        main(["mqtt", "forget", "--mqtt", "mqtt://127.0.0.1:1"])
