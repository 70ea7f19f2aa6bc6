"""From a face in a frame to the classifier's input: a square, upright image in which every face lies alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.spec import ModelSpec
from fer_edge.types import Face, Image, Point

EYES_TO_MOUTH = 1.1
"""Distance from the eyes to the mouth, in distances between the eyes, of a frontal face as BlazeFace marks it."""

LARGEST_TURNED = 4.2
"""A face of more than this many times the crop's side is halved, as often as it takes, before it is turned upright."""

LARGEST_HALVED = 32
"""A face of up to this many times the crop's side is averaged from all of its pixels. A larger one, which hardly a frame of 4K
(3840 x 2160) has, is sampled coarsely rather than slowly."""

OVERSAMPLING, COARSE_OVERSAMPLING = 2, 8
"""Samples along a side of each of the crop's pixels, at most: of a face that needs no halving any more, and of one that is too
large for it. A third and fourth sample would double the time, and change the label of one face in 300 (docs/performance.md)."""


@dataclass(frozen=True)
class FacePose:
    """Where a face lies and how it is turned, from its landmarks.

    Attributes
    ----------
    eyes, mouth : Point
        Middle between the eyes, and of the mouth, in pixels.
    scale : float
        Distance between the eyes as it would be seen from the front, in pixels.
    roll : float
        Angle of the line through the eyes in radians, positive when the head is turned clockwise in the image.
    turn : float
        How far the head looks aside: offset of the nose from the middle of the eyes along the line through the eyes, in
        `scale`. Around 0 from the front, 0.5 and more in profile. 0 when there is no nose.
    """

    eyes: Point
    mouth: Point
    scale: float
    roll: float
    turn: float


def pose_of(face: Face) -> FacePose:
    """Read the pose of a face from its landmarks.

    Both the distance between the eyes and the distance from the eyes to the mouth are looked at, and the larger counts:
    the first shrinks when the head turns aside, the second when it nods.
    """
    (right_x, right_y), (left_x, left_y) = _point(face, "right_eye"), _point(face, "left_eye")
    x, y = (right_x + left_x) / 2, (right_y + left_y) / 2
    between = math.hypot(left_x - right_x, left_y - right_y)
    roll = math.atan2(left_y - right_y, left_x - right_x) if between > 0 else 0.0
    mouth_x, mouth_y = _mouth(face, x, y, between, roll)
    scale = max(between, math.hypot(mouth_x - x, mouth_y - y) / EYES_TO_MOUTH, 1.0)
    turn = 0.0
    if "nose" in face.landmarks:
        nose_x, nose_y = _point(face, "nose")
        turn = ((nose_x - x) * math.cos(roll) + (nose_y - y) * math.sin(roll)) / scale
    return FacePose((x, y), (mouth_x, mouth_y), scale, roll, turn)


def _point(face: Face, name: str) -> Point:
    # A detector's numbers may be NumPy's, which are slow one by one.
    x, y = face.landmarks[name]
    return float(x), float(y)


def _mouth(face: Face, x: float, y: float, between: float, roll: float) -> Point:
    points = [_point(face, name) for name in ("mouth", "right_mouth", "left_mouth") if name in face.landmarks]
    if points:
        return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
    down = between * EYES_TO_MOUTH
    return x - down * math.sin(roll), y + down * math.cos(roll)


class FaceCropper:
    """Cuts faces out of frames as a network was trained to see them.

    Parameters
    ----------
    spec : ModelSpec
        Gives the size of the crop in pixels, its side (`crop_margin`, in distances between the eyes), its centre
        (`crop_centre`, on the way from the eyes to the mouth), and whether the face is turned upright.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._size = spec.input_size
        self._margin = spec.crop_margin
        self._centre = spec.crop_centre
        self._upright = spec.alignment == "eyes"

    def crop(self, image: Image, faces: Sequence[Face], out: Optional[NDArray[np.uint8]] = None) -> NDArray[np.uint8]:
        """Cut out `faces`.

        Parameters
        ----------
        image : Image
            The frame.
        faces : sequence of Face
            With landmarks in pixels of `image`; a face may reach outside, where the edge of the frame is continued.
        out : NDArray[np.uint8], optional
            N x size x size x 3, contiguous: where to write the crops, for instance a part of a larger batch.

        Returns
        -------
        NDArray[np.uint8]
            N x size x size x 3, BGR; `out` where it was given.
        """
        crops = np.empty((len(faces), self._size, self._size, 3), np.uint8) if out is None else out
        for crop, face in zip(crops, faces):
            self._cut(image, pose_of(face), crop)
        return crops

    def _cut(self, image: Image, pose: FacePose, crop: Image) -> None:
        side = pose.scale * self._margin
        roll = pose.roll if self._upright else 0.0
        cosine, sine = math.cos(roll), math.sin(roll)
        x = pose.eyes[0] + self._centre * (pose.mouth[0] - pose.eyes[0])
        y = pose.eyes[1] + self._centre * (pose.mouth[1] - pose.eyes[1])
        if LARGEST_TURNED < side / self._size <= LARGEST_HALVED:
            # OpenCV halves a picture ten times as fast as it turns one. All that is sampled is halved, and a pixel around it.
            reach = side * ((abs(cosine) + abs(sine)) / 2 + 1 / self._size)
            columns, rows = _within(x, reach, image.shape[1]), _within(y, reach, image.shape[0])
            image, x, y = image[rows, columns], x - columns.start, y - rows.start
            while side / self._size > LARGEST_TURNED and min(image.shape[:2]) >= 2:
                height, width = image.shape[0] // 2, image.shape[1] // 2
                image = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
                # Pixel centres lie at half coordinates.
                side, x, y = side / 2, x / 2 - 0.25, y / 2 - 0.25
        # A larger face is cut larger than the crop and averaged, since bilinear sampling alone would alias.
        most = OVERSAMPLING if side / self._size <= LARGEST_TURNED else COARSE_OVERSAMPLING
        oversampling = min(max(1, round(side / self._size)), most)
        size = self._size * oversampling
        cosine, sine = cosine * size / side, sine * size / side
        middle = (size - 1) / 2
        matrix = np.array(
            [[cosine, sine, middle - cosine * x - sine * y], [-sine, cosine, middle + sine * x - cosine * y]]
        )
        cut = cv2.warpAffine(
            image,
            matrix,
            (size, size),
            dst=crop if oversampling == 1 else None,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if oversampling > 1:
            cv2.resize(cut, (self._size, self._size), dst=crop, interpolation=cv2.INTER_AREA)


def _within(middle: float, reach: float, length: int) -> slice:
    """Return the pixels of a row or column of `length` around a point; those at the nearer end where it lies outside."""
    first = min(max(math.floor(middle - reach), 0), length - 1)
    return slice(first, max(first + 1, min(math.ceil(middle + reach) + 1, length)))
