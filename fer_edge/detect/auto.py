"""Both BlazeFace networks together: faces near and far, at a cost near the short-range network's.

`fer_edge.detect.looks` has how they look, `fer_edge.detect.parts` where, and `fer_edge.detect.search_plan` when.
"""

from __future__ import annotations

from typing import Tuple

from fer_edge.detect.auto_search import AutoSearch
from fer_edge.detect.base import FaceDetector, FaceSearch
from fer_edge.detect.letterbox import check_image
from fer_edge.detect.looks import Looks
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.types import Face, Image


class AutoDetector(FaceDetector):
    """Finds faces near and far with both BlazeFace networks.

    A single image is searched everywhere. `search` gives what looks at one camera's frames at a fraction of that cost.

    Parameters
    ----------
    threads : int
        For one operation of a network.
    min_score : float
        From 0 to 1; faces under it are left out.

    Raises
    ------
    ValueError
        `min_score` is no share.
    MissingExtra, ModelNotFound, ModelCorrupt, ModelShapeError
        See `fer_edge.inference.onnx_session.open_session`.

    Examples
    --------
    >>> import cv2
    >>> from fer_edge.capture.synthetic import PORTRAIT
    >>> detector = AutoDetector()
    >>> len(detector.detect(cv2.imread(str(PORTRAIT))))
    1
    >>> detector.close()
    """

    name = "auto"

    def __init__(self, threads: int = 1, min_score: float = 0.5) -> None:
        self._looks = Looks(threads, min_score)

    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Find faces everywhere; see `FaceDetector.detect`.

        Raises
        ------
        ValueError
            `image` is not H x W x 3 of uint8, or is empty.
        StageFailed
            A network gave no numbers.
        """
        check_image(image)
        return tuple(self._looks.everywhere(image))

    def search(self, wanted: Search = EVERYTHING, hold: bool = False) -> FaceSearch:
        """Return what looks at the frames of one camera; see `FaceDetector.search`."""
        return AutoSearch(self._looks, wanted, hold)

    def close(self) -> None:
        """Free both networks. May be called twice."""
        self._looks.close()
