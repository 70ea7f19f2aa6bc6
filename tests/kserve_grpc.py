"""The gRPC side of the small server of `kserve_server`; needs tritonclient."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional, Tuple

import numpy as np
from kserve_server import Network


def grpc_server(network: Network, port: int, tls: Optional[Tuple[Path, Path]] = None) -> Any:
    """Return a running server of gRPC, to be stopped with ``stop(None).wait()``."""
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    how = network.behaviour

    class Service(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
        def _check(self, context: Any, name: str = "") -> None:
            shown = dict(context.invocation_metadata()).get("authorization")
            if how.token and shown != f"Bearer {how.token}":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, how.refusal)
            if name not in ("", how.name):
                context.abort(grpc.StatusCode.NOT_FOUND, f"Model {name} not found")

        def ServerMetadata(self, request: Any, context: Any) -> Any:
            self._check(context)
            return service_pb2.ServerMetadataResponse(name="kserve_server", version="1", extensions=how.extensions)

        def ModelMetadata(self, request: Any, context: Any) -> Any:
            self._check(context, request.name)
            name, datatype, shape = network.takes
            answer = service_pb2.ModelMetadataResponse(name=how.name, versions=["1"], platform="onnx")
            answer.inputs.add(name=name, datatype=datatype, shape=shape)
            answer.outputs.add(name="logits", datatype="FP32", shape=[-1, how.labels])
            return answer

        def ModelConfig(self, request: Any, context: Any) -> Any:
            self._check(context, request.name)
            answer = service_pb2.ModelConfigResponse()
            if how.sha256:
                answer.config.parameters["fer_edge.sha256"].string_value = how.sha256
            return answer

        def ModelInfer(self, request: Any, context: Any) -> Any:
            self._check(context, request.model_name)
            time.sleep(how.delay)
            if how.status != 200:
                context.abort(grpc.StatusCode.INTERNAL, "something is wrong")
            given = request.inputs[0]
            kind = np.uint8 if given.datatype == "UINT8" else np.float32
            batch = np.frombuffer(request.raw_input_contents[0], kind).reshape(tuple(given.shape))
            logits = network.run(batch)
            answer = service_pb2.ModelInferResponse(model_name=how.name)
            answer.outputs.add(name="logits", datatype="FP32", shape=logits.shape)
            answer.raw_output_contents.append(how.body if how.body is not None else logits.tobytes())
            return answer

    server = grpc.server(ThreadPoolExecutor(16))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Service(), server)
    if tls:
        credentials = grpc.ssl_server_credentials([(tls[1].read_bytes(), tls[0].read_bytes())])
        server.add_secure_port(f"127.0.0.1:{port}", credentials)
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server
