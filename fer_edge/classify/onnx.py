"""Expression networks on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Sequence, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.classify.tensors import NetworkTensors
from fer_edge.errors import ModelShapeError
from fer_edge.inference.onnx_session import OnnxSession, Provider, open_session
from fer_edge.types import LABELS, Expression

DEFAULT_THREADS = 1
"""Inference threads: with detection in a thread of its own, a second one costs more than it brings on two cores."""


class OnnxClassifier(ExpressionClassifier):
    """Runs an expression network that carries its own metadata, whoever trained it.

    Parameters
    ----------
    model : str or Path
        The ONNX file: input N x 3 x size x size, float32; output N x 7 logits.
    threads : int
        Inference threads.
    metadata : mapping of str to str, optional
        What the file does not say about itself, in the form of `ModelSpec.to_metadata`; wins over what it does say.
    providers : sequence of Provider
        ONNX Runtime's, the preferred one first; `provider` says which it really took.
    precision : str
        What these compute in, for reports; what the file says where nothing is said here.
    warm_up : int
        Size of the batch that is run once at the start.

    Raises
    ------
    ModelError
        The file is missing or damaged, has no metadata, or is no network of this kind.
    MissingExtra
        ONNX Runtime is not installed.
    """

    def __init__(
        self,
        model: Union[str, Path],
        threads: int = DEFAULT_THREADS,
        metadata: Mapping[str, str] = {},
        providers: Sequence[Provider] = ("CPUExecutionProvider",),
        precision: str = "",
        warm_up: int = 1,
    ) -> None:
        self._session = open_session(model, threads=threads, providers=providers)
        try:
            self.spec = ModelSpec.from_metadata({**self._session.metadata, **metadata}, str(model))
            self._input = _checked_input(self._session, self.spec, str(model))
        except Exception:
            self._session.close()
            raise
        self.precision = precision or self.spec.precision
        self.provider = self._session.provider
        # ONNX Runtime computes in the thread that calls it; a GPU has one queue whoever calls.
        self.concurrent = self.provider == "CPUExecutionProvider"
        self._tensors = NetworkTensors(self.spec)
        try:
            self.classify(np.zeros((warm_up, self.spec.input_size, self.spec.input_size, 3), np.uint8))
        except Exception:
            self._session.close()
            raise

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Name the expression of each crop, all in one batch; see `ExpressionClassifier.classify`.

        Raises
        ------
        ModelShapeError
            The network gave another shape than the file says.
        """
        if not len(crops):
            return ()
        (logits,) = self._session.run({self._input: self._tensors.feed(crops)})
        if logits.shape != (len(crops), len(LABELS)):
            raise ModelShapeError(
                f"{self._session.path} gave {list(logits.shape)} for {len(crops)} faces, not {[len(crops), len(LABELS)]}.",
                "The file is no expression network for fer-edge, whatever it says.",
            )
        return self._tensors.expressions(logits)

    def close(self) -> None:
        """Free the network."""
        self._session.close()


def read_contract(model: Union[str, Path]) -> Tuple[ModelSpec, str]:
    """Read what an ONNX file says about itself, and the name of its input.

    Raises
    ------
    ModelError
        The file is missing or damaged, has no metadata, or is no network of this kind.
    """
    session = open_session(model, threads=1)
    try:
        spec = ModelSpec.from_metadata(session.metadata, str(model))
        return spec, _checked_input(session, spec, str(model))
    finally:
        session.close()


def _checked_input(session: OnnxSession, spec: ModelSpec, model: str) -> str:
    size = spec.input_size
    takes, gives = session.inputs, session.outputs
    fits_in = (
        len(takes) == 1
        and takes[0].type == "tensor(float)"
        and len(takes[0].shape) == 4
        and not isinstance(takes[0].shape[0], int)
        and takes[0].shape[1:] == (3, size, size)
    )
    fits_out = (
        len(gives) == 1
        and gives[0].type in ("tensor(float)", "tensor(float16)", "tensor(double)")
        and len(gives[0].shape) == 2
        and gives[0].shape[1] == len(LABELS)
    )
    if not fits_in or not fits_out:
        found_in = ", ".join(f"{tensor.name!r} {list(tensor.shape)} {tensor.type}" for tensor in takes)
        found_out = ", ".join(f"{tensor.name!r} {list(tensor.shape)} {tensor.type}" for tensor in gives)
        raise ModelShapeError(
            f"{model} is no expression network for fer-edge: it takes {found_in} and gives {found_out}.",
            f"Needed: one float32 input [N, 3, {size}, {size}] with N left open, and one output [N, {len(LABELS)}] of numbers.",
        )
    return takes[0].name
