"""Which server classifies the faces, and what happens while it does not."""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.classify.remote.access import LOCAL, NONE
from fer_edge.classify.remote.address import FORM, ServerText, parse_server
from fer_edge.settings.field import setting
from fer_edge.settings.values import DEADLINE, PATH, WORD, Kind, Unfit, choice


def _server(text: str) -> str:
    try:
        return str(parse_server(text))
    except ServerText as error:
        raise Unfit(str(error)) from None


def _model(text: str) -> str:
    if not text.isprintable() or not text.strip() or len(text) > 200:
        raise ValueError
    return text


SERVER = Kind(_server, FORM, secret=True)
"""A message shows no value: whoever forgets that a password does not belong there has written one."""

MODEL = Kind(_model, "a name of up to 200 characters that can be printed")


@dataclass(frozen=True)
class RemoteSettings:
    """Which server classifies the faces, and what happens while it does not."""

    server: str = setting(
        "server",
        "",
        SERVER,
        "URL",
        "analysis",
        "with --backend kserve: send the pictures of faces to a server that speaks the KServe v2 protocol (NVIDIA Triton and "
        "others), http://HOST:8000 or grpc://HOST:8001 (extra triton), with https:// or grpcs:// for TLS",
    )
    model: str = setting(
        "remote_model",
        "",
        MODEL,
        "NAME",
        "analysis",
        "what the network is called there (default: the name of the file of --model)",
    )
    deadline: float = setting(
        "server_deadline",
        0.2,
        DEADLINE,
        "TIME",
        "analysis",
        "how long the server may take for the faces of a frame before something else happens",
    )
    fallback: str = setting(
        "fallback",
        LOCAL,
        choice(LOCAL, NONE),
        "WHAT",
        "analysis",
        "while the server does not answer: local reads the faces with the network on this machine, none reads nothing, and "
        "the frames wait or are left out",
    )
    token: str = setting(
        "server_token",
        "",
        WORD,
        "WORD",
        "analysis",
        "what the server wants to be shown (Authorization: Bearer WORD); best in the environment, or in a file that "
        "server_token_file names",
        private=True,
    )
    token_file: str = setting(
        "server_token_file", "", PATH, "FILE", "analysis", "the file that holds the token, in its only line"
    )
    ca: str = setting(
        "server_ca",
        "",
        PATH,
        "FILE",
        "analysis",
        "trust the certificates in this file for https:// and grpcs://, in place of the system's",
    )
    cert: str = setting(
        "server_cert", "", PATH, "FILE", "analysis", "show the certificate in this PEM file to a server that wants one"
    )
    key: str = setting(
        "server_key", "", PATH, "FILE", "analysis", "its private key, where it does not stand in the same file"
    )
