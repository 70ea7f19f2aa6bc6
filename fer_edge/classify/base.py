"""The seam between fer-edge and whatever names an expression."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.spec import ModelSpec
from fer_edge.server_use import ServerUse
from fer_edge.types import Expression


class ExpressionClassifier(ABC):
    """Names the expressions of cropped faces. Built and used in one thread, unless it is `concurrent`.

    Attributes
    ----------
    spec : ModelSpec
        How the network wants its input, and what it is.
    provider : str
        What it runs on, for reports: for example ``CPUExecutionProvider``.
    precision : str
        What it computes in: ``fp32``, ``fp16`` or ``int8``.
    concurrent : bool
        Whether several threads may call `classify` at once, each of which then keeps a core of its own busy. False for what
        belongs to one thread, as a context of a GPU does.
    """

    spec: ModelSpec
    provider: str
    precision: str = "fp32"
    concurrent: bool = False

    @abstractmethod
    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Name the expression of each crop, all in one batch.

        Parameters
        ----------
        crops : NDArray[np.uint8]
            N x size x size x 3, BGR, as `fer_edge.classify.crop.FaceCropper` makes them for `spec`. N may be 0.

        Returns
        -------
        tuple of Expression
            One for each crop, in the same order.

        Raises
        ------
        StageFailed
            The network gave something that is no number.
        """

    def trouble(self) -> str:
        """Return what does not work as it should while it answers all the same, for people; any thread may ask."""
        return ""

    def server_use(self) -> Optional[ServerUse]:
        """Return what was asked of a server in this run; None where none is asked. Any thread may ask."""
        return None

    def close(self) -> None:  # noqa: B027  (a classifier that holds nothing has nothing to give back)
        """Release what the classifier holds. May be called twice."""
