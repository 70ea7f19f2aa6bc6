"""What a program may give to the functions for Python: each argument is checked as a setting is, and named as it is there."""

from __future__ import annotations

import os
from numbers import Real
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np

from fer_edge.detect.letterbox import LARGEST
from fer_edge.detect.regions import Polygon
from fer_edge.errors import UsageError
from fer_edge.settings import check_value
from fer_edge.types import Image

Region = Union[Tuple[int, int, int, int], Sequence[Tuple[int, int]]]
"""Left, top, width and height, or the corners of a polygon."""


def model_name(model: Union[str, os.PathLike[str]]) -> str:
    """Return the name or path of a network, checked."""
    name: str = check_value("model", os.fspath(model) if isinstance(model, os.PathLike) else model)
    return name


def text_of(source: Union[str, int, os.PathLike[str]], name: str = "source") -> str:
    """Return what was given for a source, or for a picture file, as ``--camera`` takes it."""
    if isinstance(source, int) and not isinstance(source, bool) and source >= 0:
        return str(source)
    text = os.fspath(source) if isinstance(source, os.PathLike) else source
    if isinstance(text, str) and text.strip() and "\0" not in text:
        return text
    raise UsageError(
        f"{name}: {source!r:.80} will not do: it must be text, a path, or the number of a camera.",
        "Give what --camera takes, or a fer_edge.Source of your own.",
    )


def if_given(name: str, value: Any, told: str = "") -> Any:
    """Return what was given for an option, checked; None where nothing was."""
    if value is None:
        return None
    try:
        return check_value(name, list(value) if isinstance(value, (tuple, list)) else value)
    except UsageError as error:
        raise UsageError(error.message.replace(name, told or name, 1), error.remedy) from None


def regions_of(regions: Optional[Sequence[Region]]) -> Optional[Tuple[Polygon, ...]]:
    """Return regions that were given, checked; None where none were. Arrays and numpy's numbers will do."""
    checked: Optional[Tuple[Polygon, ...]] = None
    if regions is not None:
        checked = if_given("region", _plain(regions), "regions")
    return checked


def _plain(value: Any) -> Any:
    """Return lists for tuples and arrays, and Python's whole numbers for numpy's, as a settings file has them."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, np.integer) else value


def number_of(name: str, value: Any) -> float:
    """Return a number that was given for an option, checked; numpy's are as good as Python's."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    checked: float = check_value(name, float(value) if number else value)
    return checked


def refuse_too_large(image: Image) -> None:
    """Raise UsageError for an image that is larger than OpenCV can cut faces out of."""
    height, width = image.shape[:2]
    if max(height, width) > LARGEST:
        raise UsageError(
            f"image: {width} x {height} pixels will not do: a side has at most {LARGEST}.",
            "Reduce it, for instance with cv2.resize, or give the part that is to be read: roi=(left, top, width, height).",
        )


def image_of(image: object) -> Image:
    """Return an image that was given, checked."""
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if isinstance(image, np.ndarray) and fits and image.size:
        return image
    what = f"an array of {list(image.shape)}, {image.dtype}" if isinstance(image, np.ndarray) else f"{image!r:.80}"
    raise UsageError(
        f"image: {what} will not do: it must be an array of height x width x 3, uint8, BGR, or a picture file.",
        "cv2.imread gives such an array, and cv2.cvtColor makes one of others.",
    )
