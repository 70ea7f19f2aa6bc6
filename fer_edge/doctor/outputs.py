"""Findings about the extras that speak to others: the page and health over HTTP, MQTT, reports, a server that classifies."""

from __future__ import annotations

from typing import List, Tuple

from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.system.installation import pip_install

TRY_WEB = "import starlette, uvicorn; facts = {'version': f'uvicorn {uvicorn.__version__}'}"

TRY_MQTT = "import paho.mqtt.client, paho.mqtt; facts = {'version': f'paho-mqtt {paho.mqtt.__version__}'}"

TRY_REPORT = "import plotly.offline; facts = {'version': f'plotly {plotly.__version__}'}"

TRY_GRPC = "import tritonclient.grpc.service_pb2_grpc, grpc; facts = {'version': f'grpcio {grpc.__version__}'}"

_TOPIC = "outputs"


def output_findings(web: Probe, mqtt: Probe, report: Probe) -> List[Finding]:
    """Return whether the extras are there, and what each is for.

    Parameters
    ----------
    web, mqtt, report : Probe
        Of `TRY_WEB`, `TRY_MQTT` and `TRY_REPORT`.
    """
    return [
        _extra("page and health", web, ("starlette", "uvicorn"), "web", "--listen: a page, /healthz and /metrics"),
        _extra("MQTT", mqtt, ("paho",), "mqtt", "--mqtt: a broker and Home Assistant"),
        _extra("report", report, ("plotly",), "report", "`fer-edge report`: a page of a history"),
    ]


def server_findings(grpc: Probe) -> List[Finding]:
    """Return whether a server can be asked to classify by gRPC; by HTTP it always can.

    Parameters
    ----------
    grpc : Probe
        Of `TRY_GRPC`.
    """
    what = "--backend kserve --server grpc://...; http:// needs nothing more"
    return [_extra("a KServe server", grpc, ("tritonclient", "grpc"), "triton", what, "backends")]


def _extra(name: str, probe: Probe, modules: Tuple[str, ...], extra: str, what: str, topic: str = _TOPIC) -> Finding:
    if probe.facts:
        return Finding(topic, name, probe.facts["version"], OK, f"For {what}.")
    if probe.missing.partition(".")[0] in modules:
        return Finding(topic, name, "not installed", NOTE, f"Needed for {what}.  {pip_install(extra)}")
    meaning = f"{probe.reason}. Needed for {what}. Install it again:  {pip_install(extra)}"
    return Finding(topic, name, "cannot be imported", WARNING, meaning)
