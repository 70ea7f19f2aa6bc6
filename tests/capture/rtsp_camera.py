"""RTSP cameras of a test: one that answers as it says and notes what it is asked, and doors in front of a real one."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator, List, Optional

Reply = Callable[[str], str]
"""Gets a request, and gives the reply without its first number and CSeq: ``401 Unauthorized\\r\\nWWW-Authenticate: ...``."""


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server on loopback; gives its host and port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(20)
            try:
                handle(self.request)
            except OSError:  # the client went away
                return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def requests(connection: socket.socket) -> Iterator[str]:
    """Give the requests that come, as text."""
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return
            received += piece
        head, _, received = received.partition(b"\r\n\r\n")
        yield head.decode("latin-1")


@contextmanager
def camera(asked: List[str], reply: Reply) -> Iterator[str]:
    """Answer each request as `reply` says, and note it in `asked`."""

    def handle(connection: socket.socket) -> None:
        for request in requests(connection):
            asked.append(request)
            number = request.partition("CSeq: ")[2].split("\r")[0]
            status, _, headers = reply(request).partition("\r\n")
            rest = f"{headers}\r\n" if headers else ""
            connection.sendall(f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n{rest}\r\n".encode())

    with listening(handle) as place:
        yield place


def pipe(first: socket.socket, place: str, begin: bytes = b"") -> None:
    """Join a connection to that of a real server, until one of them ends."""
    host, port = place.split(":")
    with socket.create_connection((host, int(port))) as second:
        second.sendall(begin)

        def back() -> None:
            try:
                while True:
                    data = second.recv(65536)
                    if not data:
                        return
                    first.sendall(data)
            except OSError:
                return
            finally:
                second.close()

        thread = threading.Thread(target=back)
        thread.start()
        try:
            while True:
                data = first.recv(65536)
                if not data:
                    break
                second.sendall(data)
        except OSError:
            pass
        finally:
            with suppress(OSError):
                second.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def tls_door(place: str, certificate: Path, heard: Optional[List[bytes]] = None) -> Iterator[str]:
    """Stand in front of a server with a certificate; what comes through is noted in `heard`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(certificate))

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            first = secured.recv(65536)
            if heard is not None:
                heard.append(first)
            if first:
                _pipe_secured(secured, place, first)

    with listening(handle) as door:
        yield door


def _pipe_secured(secured: ssl.SSLSocket, place: str, begin: bytes) -> None:
    # One thread for both directions: a TLS connection does not bear two.
    host, port = place.split(":")
    with socket.create_connection((host, int(port))) as second:
        second.sendall(begin)
        secured.settimeout(0.01)
        second.settimeout(0.01)
        while True:
            for source, target in ((secured, second), (second, secured)):
                try:
                    data = source.recv(65536)
                except (socket.timeout, ssl.SSLWantReadError):
                    continue
                if not data:
                    return
                target.sendall(data)


def make_certificate(folder: Path, name: str = "IP:127.0.0.1") -> Path:
    """Make a certificate with its key in one file, signed by itself."""
    certificate, key = folder / "camera.pem", folder / "camera.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=camera"]
    command += ["-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    return certificate
