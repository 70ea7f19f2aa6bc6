"""The messages of the KServe v2 protocol over HTTP, without a connection.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and, for tensors as bytes behind the JSON,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.remote.transport import DATATYPES, ServerModel, Tensor

HEADER_LENGTH = "inference-header-content-length"
"""The field that says how long the JSON is, where bytes follow it."""

BINARY = "binary_tensor_data"
"""The extension of servers that take tensors as bytes."""

CONFIGURATION = "model_configuration"
"""The extension of Triton that tells the parameters of a network."""

_MOST_DIMENSIONS = 16
_LARGEST_DIMENSION = 1 << 31


class Garbled(ValueError):
    """What came is not a message of the protocol; says in words what is wrong."""


def request_of(takes: Tensor, batch: NDArray[Any], gives: Tensor, binary: bool) -> Tuple[bytes, Dict[str, str]]:
    """Return the body of a request, and the fields of its head.

    Parameters
    ----------
    takes, gives : Tensor
        The network's input and output.
    batch : NDArray
        N x ..., of the input's type.
    binary : bool
        Whether tensors travel as bytes, each way; else as numbers in JSON.
    """
    given: Dict[str, Any] = {"name": takes.name, "datatype": takes.datatype, "shape": list(batch.shape)}
    raw = b""
    if binary:
        raw = batch.tobytes()
        given["parameters"] = {"binary_data_size": len(raw)}
    else:
        given["data"] = batch.ravel().tolist()
    wanted: Dict[str, Any] = {"name": gives.name, "parameters": {"binary_data": binary}}
    head = json.dumps({"inputs": [given], "outputs": [wanted]}, separators=(",", ":")).encode("ascii")
    if not binary:
        return head, {"Content-Type": "application/json"}
    return head + raw, {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}


def answer_in(body: bytes, header_length: str, gives: Tensor) -> NDArray[Any]:
    """Return the output that an answer holds.

    Parameters
    ----------
    body : bytes
        Of the answer.
    header_length : str
        The value of `HEADER_LENGTH`; empty where all is JSON.

    Raises
    ------
    Garbled
        It is no answer, or holds no such output.
    """
    length = _whole(header_length, "the length of its JSON") if header_length else len(body)
    told = json_object(body[:length])
    outputs = told.get("outputs")
    found = next((one for one in _objects(outputs) if one.get("name") == gives.name), None)
    if found is None:
        raise Garbled(f"it holds no output {gives.name}")
    shape, datatype = _shape(found.get("shape")), found.get("datatype")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise Garbled("its output is of no type of number")
    kind = DATATYPES[datatype]
    parameters = found.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    try:
        if size is None:
            return np.asarray(found["data"], dtype=kind).reshape(shape)
        # One output was asked for, so what is behind the JSON is its.
        if size != len(body) - length:
            raise Garbled("it has fewer or more bytes than it says")
        return np.frombuffer(body[length:], dtype=kind).reshape(shape)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Garbled("its output does not have the shape that it says") from error


def model_in(told: Mapping[str, Any], configuration: Optional[Mapping[str, Any]] = None) -> ServerModel:
    """Read what a server says of a network.

    Parameters
    ----------
    told : mapping
        The metadata.
    configuration : mapping, optional
        Triton's own, whose parameters count as well.

    Raises
    ------
    Garbled
        It is no metadata.
    """
    name = told.get("name")
    if not isinstance(name, str):
        raise Garbled("it names no network")
    versions = told.get("versions")
    texts = [str(one) for one in versions] if isinstance(versions, list) else []
    parameters = {**_parameters(told.get("parameters")), **_parameters((configuration or {}).get("parameters"))}
    inputs, outputs = (tuple(map(_tensor, _objects(told.get(key)))) for key in ("inputs", "outputs"))
    return ServerModel(name, inputs, outputs, tuple(texts), parameters)


def json_object(body: bytes) -> Dict[str, Any]:
    """Read a JSON object. Raises Garbled where it is none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Garbled("it is no JSON") from None
    if not isinstance(told, dict):
        raise Garbled("it is no JSON object")
    return told


def complaint_in(body: bytes) -> str:
    """Return what a server says of an error; empty where it says nothing that can be read."""
    try:
        told = json_object(body)
    except Garbled:
        return ""
    words = told.get("error", told.get("detail"))
    return words if isinstance(words, str) else ""


def _tensor(told: Mapping[str, Any]) -> Tensor:
    name, datatype = told.get("name"), told.get("datatype")
    if not isinstance(name, str) or not isinstance(datatype, str):
        raise Garbled("a tensor has no name or no type")
    return Tensor(name, datatype, _shape(told.get("shape")))


def _shape(told: Any) -> Tuple[int, ...]:
    # Some servers write numbers as text, as protobuf's JSON does.
    listed = told if isinstance(told, list) else []
    if not 1 <= len(listed) <= _MOST_DIMENSIONS:
        raise Garbled("a tensor has no shape")
    shape = tuple(_whole(one, "a shape") for one in listed)
    if any(not -1 <= one < _LARGEST_DIMENSION for one in shape):
        raise Garbled("a shape makes no sense")
    return shape


def _whole(told: Any, what: str) -> int:
    if isinstance(told, bool) or not isinstance(told, (int, str)):
        raise Garbled(f"{what} is no whole number")
    try:
        number = int(told) if len(str(told)) < 20 else -2
    except ValueError:
        number = -2
    if number < -1:
        raise Garbled(f"{what} is no whole number")
    return number


def _objects(told: Any) -> List[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _parameters(told: Any) -> Dict[str, str]:
    """Read parameters: plain ones, and Triton's, which are ``{"string_value": ...}``."""
    if not isinstance(told, dict):
        return {}
    texts = {key: one.get("string_value") if isinstance(one, dict) else one for key, one in told.items()}
    return {str(key): one for key, one in texts.items() if isinstance(one, str)}
