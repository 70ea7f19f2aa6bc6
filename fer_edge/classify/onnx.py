"""Expression networks on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Tuple, Union

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import ModelShapeError
from fer_edge.onnx_session import OnnxSession, open_session
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
    ) -> None:
        self._session = open_session(model, threads=threads)
        try:
            self.spec = ModelSpec.from_metadata({**self._session.metadata, **metadata}, str(model))
            self._input = _checked_input(self._session, self.spec, str(model))
        except Exception:
            self._session.close()
            raise
        self.provider = self._session.provider
        self._order = [self.spec.labels.index(label) for label in LABELS]
        self._factor = [self.spec.scale / std for std in self.spec.std]
        self._offset = [-mean / std for mean, std in zip(self.spec.mean, self.spec.std)]
        self.classify(np.zeros((1, self.spec.input_size, self.spec.input_size, 3), np.uint8))

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Name the expression of each crop, all in one batch."""
        if not len(crops):
            return ()
        (logits,) = self._session.run({self._input: self._prepare(crops)})
        return tuple(self._expression(row) for row in self._probabilities(logits))

    def close(self) -> None:
        """Free the network."""
        self._session.close()

    def _prepare(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        count, size = len(crops), self.spec.input_size
        fed = np.empty((count, 3, size, size), np.float32)
        if self.spec.colour == "gray":
            # One call for the whole batch: the crops lie below each other.
            gray = cv2.cvtColor(crops.reshape(count * size, size, 3), cv2.COLOR_BGR2GRAY).reshape(count, size, size)
            channels = [gray] * 3
        else:
            channels = [crops[..., 2], crops[..., 1], crops[..., 0]]
        for index, channel in enumerate(channels):
            np.multiply(channel, np.float32(self._factor[index]), out=fed[:, index])
            if self._offset[index]:
                fed[:, index] += np.float32(self._offset[index])
        return fed

    def _probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled = logits.astype(np.float64)[:, self._order] / self.spec.temperature
        # A network that answers NaN or infinity knows nothing, and must not end the program or reach a file.
        scaled[~np.isfinite(scaled).all(axis=1)] = 0.0
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return probabilities

    def _expression(self, probabilities: NDArray[np.float32]) -> Expression:
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return Expression(probabilities, LABELS[best], confidence, uncertain=confidence < self.spec.uncertain_below)


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
    fits_out = len(gives) == 1 and len(gives[0].shape) == 2 and gives[0].shape[1] == len(LABELS)
    if not fits_in or not fits_out:
        found_in = ", ".join(f"{tensor.name} {list(tensor.shape)} {tensor.type}" for tensor in takes)
        found_out = ", ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in gives)
        raise ModelShapeError(
            f"{model} is no expression network for fer-edge: it takes {found_in} and gives {found_out}.",
            f"Needed: one float32 input [N, 3, {size}, {size}] with N left open, and one output [N, {len(LABELS)}].",
        )
    return takes[0].name
