from __future__ import annotations

import gc
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Callable, Iterator

import pytest
from kserve_grpc import grpc_server
from kserve_server import NETWORK, Behaviour, HttpServer
from programs import free_port
from stand_in.cuda import Gpu, driver_of
from stand_in.tensorrt import Machine, tensorrt_of

from fer_edge.classify.tensorrt.engine_cache import EngineCache
from fer_edge.inference.model_files import sha256_of

Install = Callable[[str], Machine]


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    """A GPU of which nothing may be held when the test ends."""
    gpu = Gpu()
    yield gpu
    gc.collect()
    gpu.assert_nothing_is_held()


@pytest.fixture
def install(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Give what puts a version of TensorRT, and pycuda, on this machine."""

    def put(version: str) -> Machine:
        driver = driver_of(gpu)
        machine = Machine(gpu, driver)
        package = ModuleType("pycuda")
        package.driver = driver  # type: ignore[attr-defined]
        tensorrt = tensorrt_of(machine, version)
        for name, module in (("pycuda", package), ("pycuda.driver", driver), ("tensorrt", tensorrt)):
            module.__spec__ = ModuleSpec(name, None)
            monkeypatch.setitem(sys.modules, name, module)
        return machine

    return put


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(Behaviour(sha256=sha256_of(NETWORK)), free_port()) as server:
        yield server


@pytest.fixture
def grpc_port(server: HttpServer) -> Iterator[int]:
    pytest.importorskip("tritonclient.grpc")
    port = free_port()
    running = grpc_server(server.network, port)
    yield port
    running.stop(None).wait()


@pytest.fixture(params=["http", "grpc"])
def url(request: pytest.FixtureRequest, server: HttpServer) -> str:
    if request.param == "http":
        return server.url
    return f"grpc://127.0.0.1:{request.getfixturevalue('grpc_port')}"
