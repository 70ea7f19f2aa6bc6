"""A small server of the KServe v2 protocol with a real network, over HTTP and gRPC, that can be told to misbehave.

As a program, for what is to be killed and started again:  python tests/kserve_server.py --port 8000 --grpc-port 8001
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Optional, Tuple, Type

import numpy as np
import onnxruntime
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fer_edge.classify.onnx import read_contract
from fer_edge.inference.model_files import sha256_of, shipped_folder

NETWORK = shipped_folder() / "fernet_r.onnx"
EXTENSIONS = ["model_configuration", "binary_tensor_data"]


@dataclass
class Behaviour:
    """How it serves; may be changed while it runs.

    Attributes
    ----------
    pixels : bool
        Whether the network takes bytes; else the numbers of the ONNX file.
    extensions : list of str
        What it says it can do beside the protocol.
    sha256 : str
        What it tells of its file; empty for nothing.
    name : str
        Of the network.
    labels : int
        How many numbers it says that it gives.
    delay : float
        Seconds before each answer to faces.
    status : int
        Of that answer; with another than 200 it holds an error.
    body : bytes or None
        In place of every answer.
    width : int
        How many numbers it gives.
    worth : float or None
        In place of each number.
    token : str
        That must be shown; empty for none.
    refusal : str
        What is said where another is shown.
    """

    pixels: bool = True
    extensions: List[str] = field(default_factory=lambda: list(EXTENSIONS))
    sha256: str = ""
    name: str = "fernet_r"
    labels: int = 7
    delay: float = 0.0
    status: int = 200
    body: Optional[bytes] = None
    width: int = 7
    worth: Optional[float] = None
    token: str = ""
    refusal: str = "unauthorized"


class Network:
    """What computes, for both protocols."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.spec, self._image = read_contract(NETWORK)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(NETWORK), options, providers=["CPUExecutionProvider"])
        self.asked: List[Tuple[int, ...]] = []

    @property
    def takes(self) -> Tuple[str, str, List[int]]:
        size = self.spec.input_size
        return (
            ("faces", "UINT8", [-1, 1, size, size]) if self.behaviour.pixels else ("image", "FP32", [-1, 3, size, size])
        )

    def run(self, batch: Any) -> Any:
        self.asked.append(batch.shape)
        image = batch
        if self.behaviour.pixels:
            factor = np.array([self.spec.scale / std for std in self.spec.std], np.float32).reshape(1, 3, 1, 1)
            offset = np.array([-mean / std for mean, std in zip(self.spec.mean, self.spec.std)], np.float32)
            image = batch.astype(np.float32) * factor + offset.reshape(1, 3, 1, 1)
        (logits,) = self._session.run(None, {self._image: image})
        if self.behaviour.worth is not None:
            logits = np.full_like(logits, self.behaviour.worth)
        return np.ascontiguousarray(logits[:, : self.behaviour.width])


def application(network: Network) -> Starlette:
    """Return the HTTP side."""
    how = network.behaviour

    def refused(request: Request) -> Optional[Response]:
        if how.body is not None:
            return Response(how.body)
        if how.token and request.headers.get("authorization") != f"Bearer {how.token}":
            return JSONResponse({"error": how.refusal}, 401)
        name = request.path_params.get("name", how.name)
        return None if name == how.name else JSONResponse({"error": f"Model {name} not found"}, 404)

    async def server(request: Request) -> Response:
        about = {"name": "kserve_server", "version": "1", "extensions": how.extensions}
        return refused(request) or JSONResponse(about)

    async def model(request: Request) -> Response:
        name, datatype, shape = network.takes
        told = {
            "name": how.name,
            "versions": ["1"],
            "platform": "onnx",
            "inputs": [{"name": name, "datatype": datatype, "shape": shape}],
            "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, how.labels]}],
        }
        return refused(request) or JSONResponse(told)

    async def config(request: Request) -> Response:
        parameters = {"fer_edge.sha256": {"string_value": how.sha256}} if how.sha256 else {}
        return refused(request) or JSONResponse({"name": how.name, "parameters": parameters})

    async def infer(request: Request) -> Response:
        body = await request.body()
        no = refused(request)
        if no is not None:
            return no
        await asyncio.sleep(how.delay)
        if how.status != 200:
            return JSONResponse({"error": "something is wrong"}, how.status)
        length = int(request.headers.get("inference-header-content-length", len(body)))
        told = json.loads(body[:length])
        given = told["inputs"][0]
        kind = np.uint8 if given["datatype"] == "UINT8" else np.float32
        raw = np.frombuffer(body[length:], kind) if "data" not in given else np.asarray(given["data"], kind)
        batch = raw.reshape(given["shape"])
        logits = await asyncio.get_running_loop().run_in_executor(None, network.run, batch)
        output: Dict[str, Any] = {"name": "logits", "datatype": "FP32", "shape": list(logits.shape)}
        if not told["outputs"][0].get("parameters", {}).get("binary_data"):
            output["data"] = [float(one) if np.isfinite(one) else None for one in logits.ravel()]
            return JSONResponse({"model_name": how.name, "outputs": [output]})
        output["parameters"] = {"binary_data_size": logits.nbytes}
        head = json.dumps({"model_name": how.name, "outputs": [output]}).encode()
        fields = {"Inference-Header-Content-Length": str(len(head))}
        return Response(head + logits.tobytes(), 200, fields, "application/octet-stream")

    path = "/v2/models/{name}"
    return Starlette(
        routes=[
            Route("/v2", server),
            Route(path, model),
            Route(f"{path}/config", config),
            Route(f"{path}/infer", infer, methods=["POST"]),
        ]
    )


class HttpServer:
    """Serves over HTTP in a thread; a context manager. It can be stopped and started again at its port.

    Parameters
    ----------
    behaviour : Behaviour
        How it serves.
    port : int
        Of loopback.
    tls : pair of Path, optional
        Certificate and key.
    clients : Path, optional
        Authority of certificates that clients must show.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        port: int,
        tls: Optional[Tuple[Path, Path]] = None,
        clients: Optional[Path] = None,
    ) -> None:
        self.network = Network(behaviour)
        self.behaviour = behaviour
        self.port = port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self._tls, self._clients = tls, clients
        self._server: Optional[uvicorn.Server] = None
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        cert, key = self._tls or (None, None)
        config = uvicorn.Config(
            application(self.network),
            "127.0.0.1",
            self.port,
            log_config=None,
            lifespan="off",
            ssl_certfile=str(cert) if cert else None,
            ssl_keyfile=str(key) if key else None,
            ssl_ca_certs=str(self._clients) if self._clients else None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if self._clients else ssl.CERT_NONE,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="kserve-server")
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert self._thread.is_alive(), "the server does not start"
            assert time.monotonic() < deadline, "the server takes too long to start"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(60)
        self._server = self._thread = None

    def __enter__(self) -> HttpServer:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """End it."""
        self.stop()


def main() -> None:
    from kserve_grpc import grpc_server

    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int)
    parser.add_argument("--float", action="store_true")
    asked = parser.parse_args()
    network = Network(Behaviour(pixels=not asked.float, sha256=sha256_of(NETWORK)))
    server = grpc_server(network, asked.grpc_port) if asked.grpc_port else None
    with suppress(KeyboardInterrupt):
        uvicorn.run(application(network), host="127.0.0.1", port=asked.port, log_level="warning", lifespan="off")
    if server is not None:
        server.stop(None).wait()


if __name__ == "__main__":
    main()
