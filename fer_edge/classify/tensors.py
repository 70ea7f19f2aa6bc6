"""From crops to what a network is fed, and from its logits to expressions: the same for every backend."""

from __future__ import annotations

from typing import Optional, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.answer import answer
from fer_edge.classify.softmax import softmax
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import StageFailed
from fer_edge.types import LABELS, Expression


def gray_of(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return N x size x size x 3, BGR, as N x size x size, grey."""
    count, size = crops.shape[:2]
    # One call for the whole batch: the crops lie below each other.
    gray = cv2.cvtColor(crops.reshape(count * size, size, 3), cv2.COLOR_BGR2GRAY)
    return np.asarray(gray).reshape(count, size, size)


class NetworkTensors:
    """Reads and writes the tensors of a network as its `ModelSpec` says.

    Parameters
    ----------
    spec : ModelSpec
        Colour, scale, mean, std and size of the input; order and temperature of the output.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._order = [spec.labels.index(label) for label in LABELS]
        self._factor = [spec.scale / std for std in spec.std]
        self._offset = [-mean / std for mean, std in zip(spec.mean, spec.std)]
        self._alike = spec.colour == "gray" and len({*zip(self._factor, self._offset)}) == 1

    def feed(self, crops: NDArray[np.uint8], out: Optional[NDArray[np.float32]] = None) -> NDArray[np.float32]:
        """Make the input of a batch.

        Parameters
        ----------
        crops : NDArray[np.uint8]
            N x size x size x 3, BGR, N at least 1.
        out : NDArray[np.float32], optional
            N x 3 x size x size, contiguous: where to write it, for instance page-locked memory.

        Returns
        -------
        NDArray[np.float32]
            N x 3 x size x size; `out` where it was given.
        """
        count, size = len(crops), self._spec.input_size
        fed = np.empty((count, 3, size, size), np.float32) if out is None else out
        gray = self._spec.colour == "gray"
        channels = [gray_of(crops)] * 3 if gray else [crops[..., 2], crops[..., 1], crops[..., 0]]
        for index, channel in enumerate(channels):
            if index and self._alike:
                fed[:, index] = fed[:, 0]
                continue
            np.multiply(channel, np.float32(self._factor[index]), out=fed[:, index])
            if self._offset[index]:
                fed[:, index] += np.float32(self._offset[index])
        return fed

    def expressions(self, logits: NDArray[np.float32]) -> Tuple[Expression, ...]:
        """Name the expression of each row of N x 7 logits.

        Raises
        ------
        StageFailed
            One is no number: a GPU that overheats gives such, and a new start may heal it.
        """
        if not np.isfinite(logits).all():
            raise StageFailed(
                f"The network {self._spec.name} gave no numbers (NaN) for a face.",
                "With half precision, try --precision fp32; else the model file or the processor is faulty.",
            )
        return tuple(answer(row, self._spec.uncertain_below) for row in self._probabilities(logits))

    def _probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return softmax(logits[:, self._order], self._spec.temperature).astype(np.float32)
