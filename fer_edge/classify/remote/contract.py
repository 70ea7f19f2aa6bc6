"""What a server's network takes and gives, held against the local file of the same network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.remote.transport import DATATYPES, ServerModel, Tensor
from fer_edge.classify.spec import ModelSpec
from fer_edge.classify.tensors import NetworkTensors, gray_of
from fer_edge.errors import ServerGarbled, ServerUnfit
from fer_edge.system.masking import printable
from fer_edge.types import LABELS, Expression

SHA256 = "fer_edge.sha256"
"""The parameter of a network on a server that holds the sha256 of the ONNX file that it was made from."""

GREY, COLOUR, FLOAT = "grey", "colour", "float"

_HEX = re.compile(r"(?i)[0-9a-f]{12,64}")
_EXPORT = "Put the network of this very file there:  fer-edge export --triton FOLDER NAME"


@dataclass(frozen=True)
class Contract:
    """How crops travel to a server, and how its answers are read.

    Attributes
    ----------
    takes, gives : Tensor
        The network's input and output, on the server.
    form : str
        ``grey``: a byte for each pixel; ``colour``: three; ``float``: three numbers of four bytes, as the ONNX file itself
        takes them.
    same_network : bool or None
        Whether it is that of the local file by its sha256; None where the server does not tell.
    """

    takes: Tensor
    gives: Tensor
    form: str
    same_network: Optional[bool]

    def bytes_for_a_face(self, spec: ModelSpec) -> int:
        """Return how large a crop is on its way; in JSON it is longer."""
        return spec.input_size**2 * {GREY: 1, COLOUR: 3, FLOAT: 12}[self.form]


def agreed(
    model: ServerModel, spec: ModelSpec, sha256: str, server: str, quoted: Callable[[str], str] = printable
) -> Contract:
    """Hold what a server says of its network against the local one.

    Parameters
    ----------
    model : ServerModel
        What it says.
    spec : ModelSpec
        Of the local file, which gives labels, crop and the values of the input.
    sha256 : str
        Of the local file.
    server : str
        The server, for messages.
    quoted : callable
        Makes of a server's words what a message may show.

    Raises
    ------
    ServerUnfit
        It is another network, or takes or gives something else.
    """
    form = next((form for form in _forms(spec) if _takes(model.inputs, *_shape(form, spec))), None)
    gives = model.outputs[0] if len(model.outputs) == 1 else None
    fits = (
        gives is not None
        and gives.datatype in ("FP16", "FP32", "FP64")
        and len(gives.shape) == 2
        and gives.shape[0] < 1
        and gives.shape[1] == len(LABELS)
    )
    if form is None or gives is None or not fits:
        wanted = " or ".join(_in_words(*_shape(form, spec)) for form in _forms(spec))
        raise ServerUnfit(
            f"The network {quoted(model.name)} on {server} is not that of the local file: it takes "
            f"{_told(model.inputs, quoted)} and gives {_told(model.outputs, quoted)}, where {wanted} is taken, and "
            f"FP32 [-1, {len(LABELS)}] given.",
            _EXPORT,
        )
    same = _same(model, sha256)
    if same is False:
        raise ServerUnfit(
            f"The network {quoted(model.name)} on {server} was made from another file than the local one, whose sha256 is "
            f"{sha256[:12]}...",
            f"{_EXPORT}   or name the file that it was made from with --model.",
        )
    return Contract(model.inputs[0], gives, form, same)


class RemoteTensors:
    """Writes crops as a contract wants them, and reads the answers.

    Parameters
    ----------
    contract : Contract
        With the server.
    spec : ModelSpec
        Of the local file.
    """

    def __init__(self, contract: Contract, spec: ModelSpec) -> None:
        self.contract = contract
        self._spec = spec
        self._tensors = NetworkTensors(spec)

    def batch(self, crops: NDArray[np.uint8]) -> NDArray[Any]:
        """Return N x size x size x 3 crops, BGR, as the server takes them: N x 1 or 3 x size x size, contiguous."""
        if self.contract.form == GREY:
            return gray_of(crops)[:, None]
        if self.contract.form == COLOUR:
            return np.ascontiguousarray(crops[..., ::-1].transpose(0, 3, 1, 2))
        return self._tensors.feed(crops)

    def expressions(self, answer: NDArray[Any], count: int, server: str) -> Tuple[Expression, ...]:
        """Read the answer for `count` faces.

        Raises
        ------
        ServerGarbled
            It is of another shape, or not made of numbers.
        """
        if answer.shape != (count, len(LABELS)):
            raise ServerGarbled(
                f"{server} gave {list(answer.shape)} for {count} faces, not {[count, len(LABELS)]}.",
                "What it runs is no expression network for fer-edge, whatever it says of it.",
            )
        if not np.isfinite(answer).all():
            raise ServerGarbled(
                f"{server} gave no numbers (NaN) for a face.", "See to the network or the processor there."
            )
        return self._tensors.expressions(answer)


def _forms(spec: ModelSpec) -> Tuple[str, ...]:
    return (GREY, FLOAT) if spec.colour == "gray" else (COLOUR, FLOAT)


def _shape(form: str, spec: ModelSpec) -> Tuple[str, Tuple[int, ...]]:
    size = spec.input_size
    return "FP32" if form == FLOAT else "UINT8", (1 if form == GREY else 3, size, size)


def _takes(inputs: Tuple[Tensor, ...], datatype: str, shape: Tuple[int, ...]) -> bool:
    # Some servers write 0 where any number is taken.
    return (
        len(inputs) == 1
        and inputs[0].datatype == datatype
        and inputs[0].shape[1:] == shape
        and inputs[0].shape[0] < 1
        and datatype in DATATYPES
    )


def _in_words(datatype: str, shape: Tuple[int, ...]) -> str:
    return f"{datatype} {[-1, *shape]}"


def _told(tensors: Tuple[Tensor, ...], quoted: Callable[[str], str]) -> str:
    if not tensors:
        return "what it does not tell"
    return ", ".join(f"{quoted(one.datatype)} {list(one.shape)}" for one in tensors[:4])


def _same(model: ServerModel, sha256: str) -> Optional[bool]:
    """Compare by the parameter, else by a version that is the beginning of a sha256."""
    told = model.parameters.get(SHA256, "")
    # A decimal number of twelve digits is a date, not a hash.
    hashes = [told] if told else [one for one in model.versions if _HEX.fullmatch(one) and not one.isdecimal()]
    return any(sha256.lower().startswith(one.lower()) for one in hashes) if hashes else None
