"""From encoded pictures to one stack of equal squares, with the damaged ones named and left out."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import DataSetError
from fer_edge.training.faces import FaceCutter

LARGEST_SIDE = 64
"""Side of the networks' input: what a larger picture shows beyond that, no network sees."""

_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises at damaged files; its UnidentifiedImageError is an OSError."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Form:
    """How a set's faces are wanted.

    Attributes
    ----------
    side
        Height and width in pixels; None takes that of the set's first picture, `LARGEST_SIDE` at most.
    colour
        ``gray`` for one channel, ``rgb`` for three.
    """

    side: int | None = None
    colour: str = "gray"


def open_picture(file: Path | bytes) -> Image.Image:
    """Decode a picture completely, upright.

    Raises
    ------
    OSError, ValueError, SyntaxError, EOFError
        If it is damaged, as Pillow says it.
    """
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as picture:
        picture.load()
        return ImageOps.exif_transpose(picture)


class NoFaceFound(ValueError):
    """A photograph in which the detector that should cut the face out finds none."""


def cut_out(picture: Image.Image, cutter: FaceCutter) -> Image.Image:
    """Return the best face in a photograph, RGB.

    Raises
    ------
    NoFaceFound
        If the cutter's detector finds none.
    """
    cut = cutter.cut(np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1]))
    if cut is None:
        raise NoFaceFound(f"{cutter.detector.name} finds no face in it")
    return Image.fromarray(np.ascontiguousarray(cut[:, :, ::-1]))


def data_cutter(detector: FaceDetector, side: int) -> FaceCutter:
    """Return what cuts faces of ``side`` pixels, in the margin that the shipped networks are trained with."""
    return FaceCutter(detector, FaceCropper(ModelSpec(name="data set", input_size=side)))


class PictureStack:
    """Collects the pictures of a set in one form.

    Parameters
    ----------
    where
        The set's file or folder, for messages.
    form
        How the faces are wanted.
    """

    def __init__(self, where: Path, form: Form) -> None:
        self.skipped: list[str] = []
        self.without_face: list[str] = []
        self._where = where
        self._side = form.side
        self._mode = "L" if form.colour == "gray" else "RGB"
        self._images: list[npt.NDArray[np.uint8]] = []

    def add(self, name: str, read: Callable[[], Image.Image]) -> bool:
        """Take in what ``read`` gives, or leave it out.

        If it fails, log ``name``, remember it as skipped (and as without a face, if it raised `NoFaceFound`) and
        return False.
        """
        try:
            picture = read()
            side = self._side = self._side or min(max(picture.size), LARGEST_SIDE)
            picture = picture.convert(self._mode)
        except _UNREADABLE as error:
            self.skipped.append(name)
            if isinstance(error, NoFaceFound):
                self.without_face.append(name)
            _log.warning("%s: picture %s skipped: %s", self._where, name, error)
            return False
        if picture.size != (side, side):
            # The middle square: stretching would change the expression.
            picture = ImageOps.fit(picture, (side, side), Image.Resampling.BILINEAR)
        self._images.append(np.asarray(picture, dtype=np.uint8).reshape(side, side, -1))
        return True

    def images(self) -> npt.NDArray[np.uint8]:
        """Return the stack, N x S x S x C.

        Raises
        ------
        DataSetError
            If there is not one picture in it.
        """
        if not self._images:
            raise DataSetError(
                f"{self._where} holds no picture that can be read ({len(self.skipped)} were skipped).",
                "The log names each with the reason; check the files, or fetch them again.",
            )
        return np.stack(self._images)
