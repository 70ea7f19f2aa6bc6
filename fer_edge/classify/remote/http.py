"""The KServe v2 protocol over HTTP/1.1, with connections that are kept."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, NamedTuple, Optional
from urllib.parse import quote

import h11
from numpy.typing import NDArray

from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.remote.messages import (
    BINARY,
    CONFIGURATION,
    HEADER_LENGTH,
    Garbled,
    answer_in,
    complaint_in,
    json_object,
    model_in,
    request_of,
)
from fer_edge.classify.remote.sockets import Connection
from fer_edge.classify.remote.transport import LARGEST_ANSWER, ServerModel, Tensor, Transport
from fer_edge.errors import ServerError, ServerGarbled, ServerRefused, ServerUnfit, ServerUnreachable
from fer_edge.system.masking import printable

_UNKNOWN = ("unknown model", "not found", "no available version", "not exist")
"""What servers say of a network that they do not have, where they answer 400 in place of 404."""


class Answer(NamedTuple):
    """What a server answered.

    Attributes
    ----------
    status : int
        Of HTTP.
    header_length : str
        The field of that name; empty where there is none.
    body : bytes
        As a whole.
    """

    status: int
    header_length: str
    body: bytes


class HttpTransport(Transport):
    """Speaks HTTP to a server, each thread over a connection of its own, which the next request uses again.

    Parameters
    ----------
    access : ServerAccess
        Where the server is, who we are, and whom we trust.
    model : str
        What the network is called there.
    """

    def __init__(self, access: ServerAccess, model: str) -> None:
        self._access = access
        self._name = str(access.address)
        self._model = model
        self._idle: List[Connection] = []
        self._lock = threading.Lock()
        self._binary = False
        self._headers = [("Host", access.address.netloc), ("User-Agent", "fer-edge"), ("Accept", "application/json")]
        if access.token:
            self._headers.append(("Authorization", f"Bearer {access.token}"))

    def describe(self, deadline: float) -> ServerModel:
        """Ask what the network takes and gives; see `Transport.describe`."""
        path = f"/v2/models/{quote(self._model, safe='')}"
        server = self._json(self._sound(self._get("/v2", deadline), "what it is"))
        listed = server.get("extensions")
        extensions = listed if isinstance(listed, list) else []
        self._binary = BINARY in extensions
        told = self._json(self._sound(self._get(path, deadline), "its network"))
        # Triton's own extension; what others answer there counts for nothing.
        own = self._get(f"{path}/config", deadline) if CONFIGURATION in extensions else None
        configuration = self._json(own) if own is not None and own.status == 200 else None
        try:
            return model_in(told, configuration)
        except Garbled as wrong:
            raise self._garbled(self._access.quoted(str(wrong))) from None

    def infer(self, takes: Tensor, batch: NDArray[Any], gives: Tensor, deadline: float) -> NDArray[Any]:
        """Run a batch; see `Transport.infer`."""
        body, fields = request_of(takes, batch, gives, self._binary)
        path = f"/v2/models/{quote(self._model, safe='')}/infer"
        answer = self._sound(self._ask("POST", path, body, fields, deadline), "faces")
        try:
            return answer_in(answer.body, answer.header_length, gives)
        except Garbled as wrong:
            raise self._garbled(self._access.quoted(str(wrong))) from None

    def renew(self) -> None:
        """Close the connections that wait for a request."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close them, as no request follows."""
        self.renew()

    def _get(self, path: str, deadline: float) -> Answer:
        return self._ask("GET", path, b"", {}, deadline)

    def _ask(self, method: str, path: str, body: bytes, fields: Dict[str, str], deadline: float) -> Answer:
        until = time.monotonic() + deadline
        headers = [*self._headers, *fields.items()]
        if method == "POST":
            headers.append(("Content-Length", str(len(body))))
        request = h11.Request(method=method, target=self._access.address.path + path, headers=headers)
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            try:
                return self._exchange(kept, request, body, until)
            except _Gone:
                pass  # it was closed while it waited, as servers do; nothing was answered
        connection = Connection(self._access.address, self._access.tls, until)
        try:
            return self._exchange(connection, request, body, until)
        except _Gone:
            shows = bool(self._access.files.cert) or not self._access.address.tls
            raise ServerUnreachable(
                f"{self._name} closed the connection without an answer.",
                "Look into the server's log, and check the port."
                + ("" if shows else " One that wants a certificate of this machine needs --server-cert."),
            ) from None

    def _exchange(self, connection: Connection, request: h11.Request, body: bytes, until: float) -> Answer:
        """Ask over a connection, and keep it for the next request or close it."""
        kept = False
        try:
            http = h11.Connection(h11.CLIENT)
            data = (http.send(request) or b"") + (http.send(h11.Data(body)) or b"" if body else b"")
            data += http.send(h11.EndOfMessage()) or b""
            try:
                connection.send(data, until)
            except ServerUnreachable as error:
                raise _gone_or(error) from None
            self._access.tally.sent(len(data))
            answer = self._answer(connection, http, until)
            kept = http.our_state is h11.DONE and http.their_state is h11.DONE
            return answer
        except h11.RemoteProtocolError as error:
            raise self._garbled(f"it is no HTTP: {self._access.quoted(str(error))}") from None
        finally:
            if kept:
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()

    def _answer(self, connection: Connection, http: h11.Connection, until: float) -> Answer:
        begun = False
        head: Optional[h11.Response] = None
        body: List[bytes] = []
        length = 0
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                try:
                    data = connection.receive(until)
                except ServerUnreachable as error:
                    raise error if begun else _gone_or(error) from None
                if not data and not begun:
                    raise _Gone
                begun = True
                self._access.tally.received(len(data))
                http.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                length += len(event.data)
                if length > LARGEST_ANSWER:
                    raise self._garbled(f"it is longer than {LARGEST_ANSWER} bytes")
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                return Answer(head.status_code, fields.get(HEADER_LENGTH, ""), b"".join(body))
            elif not isinstance(event, h11.InformationalResponse):
                raise self._garbled("it ends in the middle")

    def _sound(self, answer: Answer, what: str) -> Answer:
        """Return an answer that is one, or raise what its status means."""
        if answer.status == 200:
            return answer
        raise self._refusal(answer, what)

    def _refusal(self, answer: Answer, what: str) -> ServerError:
        status, words = answer.status, self._access.quoted(complaint_in(answer.body))
        said = f"HTTP {status}{': ' + words if words else ''}"
        if status in (401, 403, 407):
            token = "the token that was given" if self._access.token else "a request without a token"
            return ServerRefused(
                f"{self._name} does not take {token} ({said}).",
                "Give the right one as FER_EDGE_SERVER_TOKEN, or in the file that server_token_file names.",
            )
        if status == 404 or (status == 400 and any(sign in words.lower() for sign in _UNKNOWN)):
            return ServerUnfit(
                f"{self._name} has no network '{printable(self._model)}', or does not speak the KServe v2 protocol ({said}).",
                "Name one that it has with --remote-model, or put it there: fer-edge export --triton FOLDER NAME",
            )
        if status in (429, 503, 504):
            return ServerUnreachable(
                f"{self._name} is not ready, or has too much to do ({said}).", "Look into the server's log."
            )
        if 300 <= status < 400:
            return self._garbled(f"it sends elsewhere ({said})")
        if 400 <= status < 500:
            return ServerUnfit(f"{self._name} does not take the request for {what} ({said}).", "Look into its log.")
        return ServerError(f"{self._name} failed, asked for {what} ({said}).", "Look into the server's log.")

    def _json(self, answer: Answer) -> Dict[str, Any]:
        try:
            return json_object(answer.body)
        except Garbled as wrong:
            raise self._garbled(self._access.quoted(str(wrong))) from None

    def _garbled(self, why: str) -> ServerGarbled:
        return ServerGarbled(
            f"{self._name} gave an answer that is none of the KServe v2 protocol: {why}.",
            "Check address and port: is it an inference server, and is there something between that answers in its place?",
        )


class _Gone(Exception):
    """A connection was closed before anything was answered."""


def _gone_or(error: ServerUnreachable) -> Exception:
    """Return what a failure means before anything was answered: the connection is gone, and a new one may do; or it is late."""
    return _Gone() if type(error) is ServerUnreachable else error
