"""The messages of the protocol over HTTP, sound and hostile."""

from __future__ import annotations

import contextlib
import json
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kserve_server import HttpServer

from fer_edge.classify.onnx import read_contract
from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.remote.address import parse_server
from fer_edge.classify.remote.classifier import RemoteClassifier
from fer_edge.classify.remote.http import HttpTransport
from fer_edge.classify.remote.messages import Garbled, answer_in, json_object, model_in, request_of
from fer_edge.classify.remote.transport import FakeTransport, ServerModel, Tensor
from fer_edge.errors import ServerGarbled, ServerUnfit
from fer_edge.inference.model_files import find_model

TAKES, GIVES = Tensor("faces", "UINT8", (-1, 1, 2, 2)), Tensor("logits", "FP32", (-1, 7))


def output(**changes: Any) -> bytes:
    told = {"name": "logits", "datatype": "FP32", "shape": [1, 7], "data": [0] * 7, **changes}
    return json.dumps({"outputs": [told]}).encode()


@pytest.mark.parametrize("binary", [True, False])
def test_a_request_says_what_it_holds(binary: bool) -> None:
    batch = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2)
    body, fields = request_of(TAKES, batch, GIVES, binary)
    length = int(fields.get("Inference-Header-Content-Length", len(body)))
    told = json.loads(body[:length])["inputs"][0]
    assert (told["name"], told["datatype"], told["shape"]) == ("faces", "UINT8", [2, 1, 2, 2])
    if binary:
        assert told["parameters"]["binary_data_size"] == len(body) - length == 8
        assert body[length:] == bytes(range(8))
    else:
        assert told["data"] == list(range(8))


def test_answers_in_json_and_in_bytes_are_read() -> None:
    assert answer_in(output(), "", GIVES).shape == (1, 7)
    head = json.dumps(
        {"outputs": [{"name": "logits", "datatype": "FP16", "shape": [1, 7], "parameters": {"binary_data_size": 14}}]}
    ).encode()
    read = answer_in(head + np.arange(7, dtype="<f2").tobytes(), str(len(head)), GIVES)
    np.testing.assert_array_equal(read, [[0, 1, 2, 3, 4, 5, 6]])
    for body in (head, head + b"\0" * 13, head + b"\0" * 15):
        with pytest.raises(Garbled):
            answer_in(body, str(len(head)), GIVES)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100000,
        b'{"outputs": 1}',
        b'{"outputs": [1, null]}',
        output(name="other"),
        output(datatype="BYTES"),
        output(datatype=7),
        output(shape=[]),
        output(shape=[1, 8]),
        output(shape=[-1, -1]),
        output(shape=["x", 7]),
        output(shape=[1] * 40),
        output(shape=[10**30]),
        output(data="abcdefg"),
        output(data=[[1], [2, 3]]),
        output(parameters={"binary_data_size": "much"}, data=None),
    ],
)
def test_what_is_no_answer_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        answer_in(body, "", GIVES)


@given(st.binary(max_size=200), st.one_of(st.just(""), st.integers().map(str), st.text(max_size=5)))
def test_any_bytes_are_an_answer_or_garbled(body: bytes, length: str) -> None:
    with contextlib.suppress(Garbled):
        answer_in(body, length, GIVES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "shape", "x"]), inner),
)


@given(st.dictionaries(st.sampled_from(["name", "versions", "inputs", "outputs", "parameters"]), JSON))
def test_any_metadata_are_read_or_garbled(told: Any) -> None:
    with contextlib.suppress(Garbled):
        model_in(json_object(json.dumps(told).encode()), told)


def test_tritons_parameters_and_shapes_written_as_text_are_read() -> None:
    tensor = {"name": "a", "datatype": "UINT8", "shape": ["-1", "1", "64", "64"]}
    told = model_in({"name": "m", "inputs": [tensor]}, {"parameters": {"k": {"string_value": "v"}, "n": 3}})
    assert told.inputs[0].shape == (-1, 1, 64, 64)
    assert told.parameters == {"k": "v"}


TOKEN = "open-sesame-0123456789"
EVIL = f"\x1b[2J{TOKEN}\r\n"


@pytest.mark.parametrize("place", ["its name", "the type of its input", "the type of its output", "its sha256"])
def test_what_a_server_calls_its_network_is_shown_without_the_token_and_what_controls_a_terminal(place: str) -> None:
    takes, gives = Tensor(EVIL, "UINT8", (-1, 1, 64, 64)), Tensor(EVIL, "FP32", (-1, 7))
    model = ServerModel(EVIL, (takes,), (gives,), parameters={"fer_edge.sha256": EVIL})
    if place == "the type of its input":
        model = replace(model, inputs=(replace(takes, datatype=EVIL),))
    elif place != "its sha256":
        model = replace(model, outputs=(replace(gives, datatype=EVIL),))
    access = ServerAccess(parse_server("http://127.0.0.1:9"), token=TOKEN, fallback="none")
    spec, _ = read_contract(find_model("fernet_r"))
    with pytest.raises(ServerUnfit) as told:
        RemoteClassifier(FakeTransport(model), spec, "0" * 64, access, None)
    assert "***" in told.value.message
    assert TOKEN not in str(told.value)
    assert told.value.message.isprintable()


def test_an_output_that_is_not_there_is_named_without_the_token(server: HttpServer) -> None:
    server.behaviour.body = b'{"outputs": []}'
    transport = HttpTransport(ServerAccess(parse_server(server.url), token=TOKEN), "fernet_r")
    takes, gives = Tensor("faces", "UINT8", (-1, 1, 64, 64)), Tensor(EVIL, "FP32", (-1, 7))
    with closing(transport), pytest.raises(ServerGarbled) as told:
        transport.infer(takes, np.zeros((1, 1, 64, 64), np.uint8), gives, 5.0)
    assert "no output ?[2J***" in told.value.message
    assert told.value.message.isprintable()
