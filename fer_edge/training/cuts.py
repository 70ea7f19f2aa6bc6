"""Training faces as the running program would cut them: with the shifts, sizes and tilts that a detector really makes."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect import open_detector
from fer_edge.training.faces import through_detector
from fer_edge.zoo.fernet import INPUT_SIZE

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cuts:
    """Images cut by a detector.

    Attributes
    ----------
    images
        N x `INPUT_SIZE` x `INPUT_SIZE` x C uint8; black where no face was found.
    found
        N booleans.
    """

    images: npt.NDArray[np.uint8]
    found: npt.NDArray[np.bool_]


def cut_by_detector(images: npt.NDArray[np.uint8], detector_name: str) -> Cuts:
    """Find the best face of each image, and cut it with the framing of `ModelSpec`.

    Parameters
    ----------
    images
        N x H x W x C uint8, C 1 (grey) or 3 (RGB).
    detector_name
        As ``--detector`` takes it.

    Raises
    ------
    UsageError, ModelError
        If there is no such detector.
    """
    channels = images.shape[3]
    cuts = np.zeros((len(images), INPUT_SIZE, INPUT_SIZE, channels), np.uint8)
    found = np.zeros(len(images), np.bool_)
    _log.info("cutting %d faces as %s finds them", len(images), detector_name)
    with closing(open_detector(detector_name)) as detector:
        crop = through_detector(detector, FaceCropper(ModelSpec(name="", input_size=INPUT_SIZE)))
        for index, image in enumerate(images):
            cut = crop(image)
            if cut is not None:
                # A crop is BGR, and grey in all three where the image was.
                cuts[index], found[index] = cut[:, :, ::-1][:, :, :channels], True
    return Cuts(cuts, found)
