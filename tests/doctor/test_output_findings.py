from __future__ import annotations

import pytest

from fer_edge.doctor.outputs import TRY_MQTT, TRY_REPORT, TRY_WEB, output_findings, server_findings
from fer_edge.doctor.probe import Probe, probe
from fer_edge.system.installation import pip_install


def test_what_shows_results_to_others_is_named_with_what_it_is_for_and_how_it_comes() -> None:
    damaged = Probe(reason="ImportError: libssl.so.3")
    web, mqtt, report = output_findings(Probe(missing="uvicorn"), Probe({"version": "paho-mqtt 2.1.0"}), damaged)
    assert (web.value, web.level) == ("not installed", "note")
    assert "--listen" in web.meaning
    assert pip_install("web") in web.meaning
    assert (mqtt.value, mqtt.level) == ("paho-mqtt 2.1.0", "ok")
    assert (report.value, report.level) == ("cannot be imported", "warning")
    assert "libssl" in report.meaning
    assert pip_install("report") in report.meaning


def test_the_libraries_of_this_machine_are_asked_for_by_their_names() -> None:
    for module in ("uvicorn", "paho.mqtt", "plotly"):
        pytest.importorskip(module)
    assert [one.level for one in output_findings(*map(probe, (TRY_WEB, TRY_MQTT, TRY_REPORT)))] == ["ok"] * 3


def test_a_server_is_asked_by_http_with_nothing_more_and_by_grpc_with_an_extra() -> None:
    (missing,) = server_findings(Probe(missing="tritonclient.grpc"))
    assert (missing.topic, missing.value, missing.level) == ("backends", "not installed", "note")
    assert "triton" in missing.meaning
    (there,) = server_findings(Probe({"version": "grpcio 1.70.0"}))
    assert there.level == "ok"
    assert "http:// needs nothing more" in there.meaning
