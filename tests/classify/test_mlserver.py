"""Boards and a server that others wrote: MLServer, over HTTP and gRPC, with the network that ``export --triton`` writes.

It needs an environment of its own:  make test-mlserver
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Iterator

import numpy as np
import pytest
from programs import free_port
from waiting import wait_until

from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.remote.access import LOCAL, NONE, ServerAccess
from fer_edge.classify.remote.address import parse_server
from fer_edge.errors import ServerUnfit, ServerUnreachable
from fer_edge.inference.model_files import find_model, sha256_of

MLSERVER = os.environ.get("MLSERVER", "")
RUNTIME = Path(__file__).parents[1] / "mlserver_model" / "fer_runtime.py"
MODEL = find_model("fernet_r")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MLSERVER, reason="needs MLServer in an environment of its own (make test-mlserver)"),
]


def settings_of(form: str, model: Path, version: str) -> str:
    shape, datatype, name = (
        ([-1, 1, 64, 64], "UINT8", "faces") if form == "pixels" else ([-1, 3, 64, 64], "FP32", "image")
    )
    return json.dumps(
        {
            "name": f"fernet-{form}",
            "implementation": "fer_runtime.FerRuntime",
            "parameters": {"uri": str(model), "version": version},
            "versions": [version],
            "inputs": [{"name": name, "datatype": datatype, "shape": shape}],
            "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 7]}],
        }
    )


class MLServer:
    """A real MLServer on ports of loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.grpc = free_port(), free_port()
        self.urls = {"http": f"http://127.0.0.1:{self.http}", "grpc": f"grpc://127.0.0.1:{self.grpc}"}
        ports = {"http_port": self.http, "grpc_port": self.grpc, "metrics_port": free_port(), "host": "127.0.0.1"}
        (folder / "settings.json").write_text(json.dumps({**ports, "parallel_workers": 0}))
        self.start()

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [MLSERVER, "start", "."], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self.answers, (self.folder / "log").read_text)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            for url in self.urls.values():
                open_classifier(MODEL, Wanted("kserve"), server=access(url, "fernet-pixels")).close()
        except (ServerUnreachable, ServerUnfit):
            return False
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


def access(url: str, name: str) -> ServerAccess:
    return ServerAccess(parse_server(url), name, deadline=5.0, fallback=NONE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLServer]:
    from fer_edge.training.triton.repository import write_repository

    folder = tmp_path_factory.mktemp("mlserver")
    served = write_repository(MODEL, folder / "repository")
    for form, model, version in (
        ("pixels", served.folder / "1" / "model.onnx", sha256_of(MODEL)),
        ("float", MODEL, "v1"),
        ("other", MODEL, "0" * 60 + "beef"),
    ):
        place = folder / form
        place.mkdir()
        shutil.copy(RUNTIME, place)
        (place / "model-settings.json").write_text(settings_of(form, model, version))
    running = MLServer(folder)
    yield running
    running.kill()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
@pytest.mark.parametrize(("form", "told"), [("pixels", "by its sha256"), ("float", "does not tell the sha256")])
def test_mlserver_answers_what_the_local_network_answers(
    server: MLServer, scheme: str, form: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    crops = np.random.default_rng(3).integers(0, 256, (5, 64, 64, 3), np.uint8)
    local = open_classifier(MODEL, Wanted("onnx", "cpu", "fp32"))
    remote = open_classifier(MODEL, Wanted("kserve"), server=access(server.urls[scheme], f"fernet-{form}"))
    try:
        wanted, got = local.classify(crops), remote.classify(crops)
        for one, other in zip(wanted, got):
            assert one.label == other.label
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
        assert told in caplog.text
    finally:
        local.close()
        remote.close()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_mlserver_without_the_network_is_refused_by_name(server: MLServer, scheme: str) -> None:
    with pytest.raises(ServerUnfit, match="no network 'nobody'"):
        open_classifier(MODEL, Wanted("kserve"), server=access(server.urls[scheme], "nobody"))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_mlserver_with_the_network_of_another_file_is_refused(server: MLServer, scheme: str) -> None:
    with pytest.raises(ServerUnfit, match="made from another file"):
        open_classifier(MODEL, Wanted("kserve"), server=access(server.urls[scheme], "fernet-other"))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_the_local_network_answers_while_mlserver_is_killed_and_started_again(server: MLServer, scheme: str) -> None:
    asks = replace(access(server.urls[scheme], "fernet-pixels"), fallback=LOCAL)
    crops = np.random.default_rng(4).integers(0, 256, (2, 64, 64, 3), np.uint8)
    remote = open_classifier(MODEL, Wanted("kserve", precision="fp32"), server=asks)
    try:
        wanted = [one.label for one in remote.classify(crops)]
        server.kill()
        assert [one.label for one in remote.classify(crops)] == wanted
        assert asks.tally.use().fallbacks == 1
        assert "has not classified" in remote.trouble()
        server.start()
        wait_until(lambda: not remote.trouble(), "back")
        assert [one.label for one in remote.classify(crops)] == wanted
        assert asks.tally.use().fallbacks == 1
    finally:
        remote.close()
