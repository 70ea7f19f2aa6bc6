"""The KServe v2 protocol over gRPC, by NVIDIA's tritonclient."""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.remote.messages import CONFIGURATION
from fer_edge.classify.remote.transport import DATATYPES, LARGEST_ANSWER, ServerModel, Tensor, Transport
from fer_edge.errors import (
    ServerError,
    ServerGarbled,
    ServerLate,
    ServerRefused,
    ServerUnfit,
    ServerUnreachable,
    SettingsError,
)
from fer_edge.system.credentials import read_named
from fer_edge.system.libraries import import_library
from fer_edge.system.masking import printable

_OPTIONS: List[Tuple[str, int]] = [
    # What is not sent to a server that was named is sent nowhere, whatever the environment says of proxies.
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", LARGEST_ANSWER),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A server that vanished without a word is noticed by its silence.
    ("grpc.keepalive_time_ms", 20000),
    ("grpc.keepalive_timeout_ms", 5000),
]
_TLS = ("certificate", "ssl", "tls", "handshake")
_NO_GRPC = ("http1", "http/1", "http2", "http/2", "frame", "http status", "content-type", "settings")

Call = Callable[..., Any]


class GrpcTransport(Transport):
    """Speaks gRPC to a server over one connection, on which the requests of all threads go side by side.

    Parameters
    ----------
    access : ServerAccess
        Where the server is, who we are, and whom we trust.
    model : str
        What the network is called there.

    Raises
    ------
    MissingExtra, LibraryUnusable
        tritonclient is not there.
    SettingsError
        A file of certificates cannot be read.
    """

    def __init__(self, access: ServerAccess, model: str) -> None:
        self._access = access
        self._name = str(access.address)
        self._model = model
        # Its handlers for fork would write to the standard error; what the program starts runs another program at once.
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        self._messages = import_library("tritonclient.grpc.service_pb2", "triton", "A server that is asked by gRPC")
        self._stubs = import_library("tritonclient.grpc.service_pb2_grpc", "triton", "A server that is asked by gRPC")
        self._grpc = import_library("grpc", "triton", "A server that is asked by gRPC")
        self._credentials = self._read_credentials()
        self._metadata = [("authorization", f"Bearer {access.token}")] if access.token else []
        self._lock = threading.Lock()
        self._channel, self._stub = self._connected()

    def describe(self, deadline: float) -> ServerModel:
        """Ask what the network takes and gives; see `Transport.describe`."""
        said = self._messages
        server = self._ask("ServerMetadata", said.ServerMetadataRequest(), deadline)
        told = self._ask("ModelMetadata", said.ModelMetadataRequest(name=self._model), deadline)
        parameters: Dict[str, str] = {}
        if CONFIGURATION in server.extensions:
            try:
                own = self._ask("ModelConfig", said.ModelConfigRequest(name=self._model), deadline)
            except ServerUnreachable:
                raise
            except ServerError:
                own = None  # another server's extension of that name
            if own is not None:
                parameters = {key: value.string_value for key, value in own.config.parameters.items()}
        inputs, outputs = (
            tuple(Tensor(one.name, one.datatype, tuple(one.shape)) for one in listed)
            for listed in (told.inputs, told.outputs)
        )
        if any(not one.shape for one in (*inputs, *outputs)):
            raise self._garbled("a tensor has no shape")
        return ServerModel(told.name, inputs, outputs, tuple(told.versions), parameters)

    def infer(self, takes: Tensor, batch: NDArray[Any], gives: Tensor, deadline: float) -> NDArray[Any]:
        """Run a batch; see `Transport.infer`."""
        request = self._messages.ModelInferRequest(model_name=self._model, raw_input_contents=[batch.tobytes()])
        request.inputs.add(name=takes.name, datatype=takes.datatype, shape=batch.shape)
        request.outputs.add(name=gives.name)
        answer = self._ask("ModelInfer", request, deadline)
        place = next((place for place, one in enumerate(answer.outputs) if one.name == gives.name), None)
        if place is None:
            raise self._garbled(f"it holds no output {self._access.quoted(gives.name)}")
        output = answer.outputs[place]
        kind = DATATYPES.get(output.datatype)
        if kind is None:
            raise self._garbled("its output is of no type of number")
        try:
            if answer.raw_output_contents:
                return np.frombuffer(answer.raw_output_contents[place], kind).reshape(tuple(output.shape))
            contents = output.contents
            numbers = contents.fp32_contents or contents.fp64_contents
            return np.asarray(numbers, kind).reshape(tuple(output.shape))
        except (IndexError, ValueError) as error:
            raise self._garbled("its output does not have the shape that it says") from error

    def renew(self) -> None:
        """Begin a new connection: an old one may wait for long before it tries again."""
        with self._lock:
            old, (self._channel, self._stub) = self._channel, self._connected()
        old.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _connected(self) -> Tuple[Any, Any]:
        place = self._access.address.netloc
        if self._credentials is None:
            channel = self._grpc.insecure_channel(place, options=_OPTIONS)
        else:
            channel = self._grpc.secure_channel(place, self._credentials, options=_OPTIONS)
        return channel, self._stubs.GRPCInferenceServiceStub(channel)

    def _read_credentials(self) -> Any:
        if not self._access.address.tls:
            return None
        files = self._access.files
        roots = read_named(files.ca, "server_ca") if files.ca else _roots_of_the_system()
        shown = read_named(files.cert, "server_cert") if files.cert else None
        key = read_named(files.key or files.cert, "server_key") if files.cert else None
        return self._grpc.ssl_channel_credentials(root_certificates=roots, private_key=key, certificate_chain=shown)

    def _ask(self, method: str, request: Any, deadline: float) -> Any:
        call: Call = getattr(self._stub, method)
        self._access.tally.sent(request.ByteSize())
        try:
            answer = call(request, timeout=deadline, metadata=self._metadata)
        except self._grpc.RpcError as error:
            raise self._fault(error.code(), error.details() or "") from None
        except ValueError as error:  # a channel that another thread has closed meanwhile
            raise ServerUnreachable(f"{self._name} cannot be asked: {self._access.quoted(str(error))}.") from None
        self._access.tally.received(answer.ByteSize())
        return answer

    def _fault(self, code: Any, details: str) -> ServerError:
        status, low = self._grpc.StatusCode, details.lower()
        said = f"{code.name}: {self._access.quoted(details)}" if details else str(code.name)
        if code in (status.UNAUTHENTICATED, status.PERMISSION_DENIED):
            token = "the token that was given" if self._access.token else "a request without a token"
            return ServerRefused(
                f"{self._name} does not take {token} ({said}).",
                "Give the right one as FER_EDGE_SERVER_TOKEN, or in the file that server_token_file names.",
            )
        if code is status.DEADLINE_EXCEEDED:
            return ServerLate(
                f"{self._name} gave no answer in time.",
                "Look whether it is overloaded or far away; --server-deadline gives it longer.",
            )
        if code is status.UNAVAILABLE and self._access.address.tls and any(sign in low for sign in _TLS):
            return ServerRefused(
                f"{self._name} has no safe connection for us ({said}).",
                "Name the certificate of its authority with --server-ca, the host as the certificate has it, and, where it "
                "wants a certificate of this machine, one with --server-cert.",
            )
        if code in (status.UNAVAILABLE, status.UNKNOWN, status.INTERNAL) and any(sign in low for sign in _NO_GRPC):
            return self._garbled(f"it is no gRPC ({said})")
        if code is status.NOT_FOUND or (code is status.INVALID_ARGUMENT and "unknown model" in low):
            return ServerUnfit(
                f"{self._name} has no network '{printable(self._model)}' ({said}).",
                "Name one that it has with --remote-model, or put it there: fer-edge export --triton FOLDER NAME",
            )
        if code in (status.UNAVAILABLE, status.RESOURCE_EXHAUSTED, status.CANCELLED):
            return ServerUnreachable(
                f"{self._name} cannot be reached, or has too much to do ({said}).",
                "Check that the server runs, its address and port, and that this machine is in its network.",
            )
        if code is status.UNIMPLEMENTED:
            return self._garbled(f"it does not know the question ({said})")
        if code is status.INVALID_ARGUMENT:
            return ServerUnfit(f"{self._name} does not take the request ({said}).", "Look into its log.")
        return ServerError(f"{self._name} failed ({said}).", "Look into the server's log.")

    def _garbled(self, why: str) -> ServerGarbled:
        return ServerGarbled(
            f"{self._name} gave an answer that is none of the KServe v2 protocol: {why}.",
            "Check address and port: is it an inference server, and is it gRPC that it speaks there?",
        )


def _roots_of_the_system() -> bytes:
    """Return whom this machine trusts: gRPC would take a list of its own."""
    file = ssl.get_default_verify_paths().cafile
    if not file:
        raise SettingsError(
            "This system has no file of certificates to trust.", "Name the server's authority with --server-ca."
        )
    return read_named(file, "SSL_CERT_FILE")
