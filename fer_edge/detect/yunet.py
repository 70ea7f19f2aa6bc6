"""YuNet on ONNX Runtime: finds smaller faces than BlazeFace, and gives the corners of the mouth.

Network: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023, doi:10.1007/s11633-023-1423-y; the file
``face_detection_yunet_2023mar.onnx`` of OpenCV's model zoo. Decoding follows OpenCV's ``FaceDetectorYN``, which is not used
itself because OpenCV before 4.8, such as JetPack's, cannot load that file.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge import errors
from fer_edge.detect.base import FaceDetector, check_output, check_points
from fer_edge.detect.letterbox import Letterbox
from fer_edge.detect.nms import group
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_session import OnnxSession, open_session
from fer_edge.types import Box, Face, Image

LANDMARKS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")
"""In the order of the network's output; right and left are the person's."""

STRIDES = (8, 16, 32)
OVERLAP = 0.3
"""Candidates that overlap more are the same face (``FaceDetectorYN``'s default)."""

_OUTPUTS = tuple(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES)
_WIDTHS = (1, 1, 4, 10)
_FILE_SIDE = 640


class YuNetDetector(FaceDetector):
    """Finds faces with YuNet.

    Parameters
    ----------
    threads : int
        For one operation of the network.
    min_score : float
        From 0 to 1; candidates under it are not considered.
    side : int
        Width and height of the network's input, a multiple of 32 from 128 on. Faces down to about a sixteenth of the
        image's width are found at 320; a larger input finds smaller ones, at a cost that rises with its square.
    model : path, optional
        Another file with the same inputs and outputs; the fetched one otherwise.

    Raises
    ------
    MissingExtra, ModelNotFound, ModelCorrupt, ModelShapeError
        See `fer_edge.inference.onnx_session.open_session`.
    """

    name = "yunet"

    def __init__(
        self,
        threads: int = 1,
        min_score: float = 0.5,
        side: int = 320,
        model: Optional[Union[str, os.PathLike[str]]] = None,
    ) -> None:
        if side % 32 or not 128 <= side <= 4096:
            raise ValueError(f"the side of YuNet's input must be a multiple of 32 from 128 to 4096, not {side}")
        if not 0.0 <= min_score <= 1.0:
            raise ValueError(f"min_score must lie between 0 and 1, not {min_score}")
        self._min_score = min_score
        self._cells, self._strides = _grid(side)
        self._letterbox = Letterbox(side, centred=True)
        path = find_model(model if model is not None else "yunet")
        self._session = open_session(path, threads=threads, edit=lambda content: _with_side(content, side))
        self._input = _check(self._session, side)
        names = [info.name for info in self._session.outputs]
        self._order = [names.index(name) for name in _OUTPUTS]
        self._shapes = [(1, (side // stride) ** 2, width) for width in _WIDTHS for stride in STRIDES]

    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Find faces; see `FaceDetector.detect`.

        Raises
        ------
        ValueError
            `image` is not H x W x 3 of uint8, or is empty.
        StageFailed
            The network gave no numbers.
        """
        tensor, placement = self._letterbox.fit(image)
        results = self._session.run({self._input: tensor})
        for index, shape in zip(self._order, self._shapes):
            check_output(self.name, results[index], shape)
        outputs = [results[index][0] for index in self._order]
        likelihood, objectness = (np.concatenate(outputs[first : first + 3])[:, 0] for first in (0, 3))
        scores = np.sqrt(np.clip(likelihood, 0.0, 1.0) * np.clip(objectness, 0.0, 1.0)).astype(np.float64)
        chosen = np.flatnonzero(scores >= self._min_score)
        if not chosen.size:
            return ()
        boxes, marks = (np.concatenate(outputs[first : first + 3])[chosen] for first in (6, 9))
        points = _decode(boxes, marks, self._cells[chosen], self._strides[chosen])
        check_points(self.name, points)
        best = [members[0] for members in group(points[:, :2].reshape(-1, 4), scores[chosen], OVERLAP)]
        return tuple(_face(placement.to_image(points[one]), float(scores[chosen[one]])) for one in best)

    def close(self) -> None:
        """Free the network. May be called twice."""
        self._session.close()


def _grid(side: int) -> Tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cells' positions (N x 2, in cells) and strides (N), in the order of the network's outputs."""
    cells: List[NDArray[np.float64]] = []
    strides: List[NDArray[np.float64]] = []
    for stride in STRIDES:
        count = side // stride
        y, x = np.divmod(np.arange(count * count), count)
        cells.append(np.stack([x, y], axis=1).astype(np.float64))
        strides.append(np.full(count * count, float(stride)))
    return np.concatenate(cells), np.concatenate(strides)


def _decode(
    boxes: NDArray[np.float32], marks: NDArray[np.float32], cells: NDArray[np.float64], strides: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return N x 7 x 2 points in pixels of the input: upper left corner, lower right corner, and the five landmarks."""
    centres = boxes[:, :2] + cells
    # Where it would overflow, the box is refused anyhow.
    half = np.exp(np.minimum(boxes[:, 2:].astype(np.float64), 50.0)) / 2.0
    corners = np.stack([centres - half, centres + half], axis=1)
    points = np.concatenate([corners, marks.reshape(-1, 5, 2) + cells[:, None]], axis=1)
    scaled: NDArray[np.float64] = points * strides[:, None, None]
    return scaled


def _face(points: NDArray[np.float64], score: float) -> Face:
    (left, top), (right, bottom), *landmarks = points.tolist()
    named = {name: (x, y) for name, (x, y) in zip(LANDMARKS, landmarks)}
    return Face(Box(left, top, right - left, bottom - top), score, named)


def _with_side(content: bytes, side: int) -> bytes:
    """Return the file's content with another size of the input than it prescribes.

    The graph works at any multiple of 32, only its description of the input fixes 640. In the file that is a protobuf
    record whose numbers take two bytes, as any from 128 to 16383 does, so nothing else moves. A file in which the record
    does not stand, such as one that leaves the size open, stays as it is.
    """
    return content.replace(_input_record(_FILE_SIDE), _input_record(side))


def _input_record(side: int) -> bytes:
    number = bytes([side & 0x7F | 0x80, side >> 7])
    dimension = b"\n\x03\x08" + number
    return b"\n\x05input\x12\x18\n\x16\x08\x01\x12\x12\n\x02\x08\x01\n\x02\x08\x03" + dimension + dimension


def _check(session: OnnxSession, side: int) -> str:
    """Return the name of the input, or say how the file differs from YuNet."""
    shapes: Dict[str, Tuple[Any, ...]] = {info.name: info.shape for info in session.inputs}
    names = {info.name for info in session.outputs}
    open_or_equal = [
        all(not isinstance(found, int) or found == wanted for found, wanted in zip(shape, (1, 3, side, side)))
        and len(shape) == 4
        for shape in shapes.values()
    ]
    if open_or_equal != [True] or not names.issuperset(_OUTPUTS):
        raise errors.ModelShapeError(
            f"{session.path} is not a YuNet of 2023 that takes {side} x {side}: it takes {shapes} and gives "
            f"{sorted(names)}.",
            f"It should take one input of (1, 3, {side}, {side}) and give {', '.join(_OUTPUTS)}.",
        )
    return session.inputs[0].name
