"""From a face in a frame to the classifier's input: a square, upright image in which every face lies alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.spec import ModelSpec
from fer_edge.types import Face, Image, Point

EYES_TO_MOUTH = 1.1
"""Distance from the eyes to the mouth, in distances between the eyes, of a frontal face as BlazeFace marks it."""

LARGEST_OVERSAMPLING = 8
"""A face more than this many times larger than the crop is sampled coarsely rather than slowly."""


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
    right, left = np.asarray(face.landmarks["right_eye"]), np.asarray(face.landmarks["left_eye"])
    eyes = (right + left) / 2
    across = left - right
    between = float(np.hypot(*across))
    roll = math.atan2(across[1], across[0]) if between > 0 else 0.0
    mouth = _mouth(face, eyes, roll)
    scale = max(between, float(np.hypot(*(mouth - eyes))) / EYES_TO_MOUTH, 1.0)
    turn = 0.0
    if "nose" in face.landmarks:
        axis = np.asarray((math.cos(roll), math.sin(roll)))
        turn = float(np.dot(np.asarray(face.landmarks["nose"]) - eyes, axis)) / scale
    return FacePose((float(eyes[0]), float(eyes[1])), (float(mouth[0]), float(mouth[1])), scale, roll, turn)


def _mouth(face: Face, eyes: NDArray[np.float64], roll: float) -> NDArray[np.float64]:
    points = [face.landmarks[name] for name in ("mouth", "right_mouth", "left_mouth") if name in face.landmarks]
    if points:
        mouth: NDArray[np.float64] = np.asarray(points, np.float64).mean(axis=0)
        return mouth
    right, left = np.asarray(face.landmarks["right_eye"]), np.asarray(face.landmarks["left_eye"])
    down = np.asarray((-math.sin(roll), math.cos(roll)))
    return eyes + down * float(np.hypot(*(left - right))) * EYES_TO_MOUTH


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

    def crop(self, image: Image, faces: Sequence[Face]) -> NDArray[np.uint8]:
        """Cut out `faces`.

        Parameters
        ----------
        image : Image
            The frame.
        faces : sequence of Face
            With landmarks in pixels of `image`; a face may reach outside, where the edge of the frame is continued.

        Returns
        -------
        NDArray[np.uint8]
            N x size x size x 3, BGR.
        """
        crops = np.empty((len(faces), self._size, self._size, 3), np.uint8)
        for crop, face in zip(crops, faces):
            crop[...] = self._cut(image, pose_of(face))
        return crops

    def _cut(self, image: Image, pose: FacePose) -> Image:
        side = pose.scale * self._margin
        # A large face is first cut larger and then averaged, since bilinear sampling alone would alias.
        oversampling = min(max(1, round(side / self._size)), LARGEST_OVERSAMPLING)
        size = self._size * oversampling
        zoom = size / side
        roll = pose.roll if self._upright else 0.0
        cosine, sine = zoom * math.cos(roll), zoom * math.sin(roll)
        x = pose.eyes[0] + self._centre * (pose.mouth[0] - pose.eyes[0])
        y = pose.eyes[1] + self._centre * (pose.mouth[1] - pose.eyes[1])
        # Pixel centres lie at half coordinates, so the middle of the crop is at (size - 1) / 2.
        middle = (size - 1) / 2
        matrix = np.array(
            [[cosine, sine, middle - cosine * x - sine * y], [-sine, cosine, middle + sine * x - cosine * y]]
        )
        cut: Image = cv2.warpAffine(
            image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if oversampling > 1:
            cut = cv2.resize(cut, (self._size, self._size), interpolation=cv2.INTER_AREA)
        return cut
