"""Photos in HEIC, and AVIF where OpenCV does not read it: whole, by pillow-heif or by Pillow."""

from __future__ import annotations

import io
from typing import Any, Iterator, Optional

import numpy as np

from fer_edge.capture.file.animation import Picture
from fer_edge.capture.file.orientation import exif_orientation, turned
from fer_edge.capture.file.signature import AVIF
from fer_edge.capture.file.unreadable import COPY_AGAIN, Unreadable, too_large
from fer_edge.capture.limits import fits
from fer_edge.errors import MissingExtra
from fer_edge.system.installation import pip_install
from fer_edge.types import Image

REMEDY = f"Install what reads it:  {pip_install('heif')}"


def heif_pictures(data: bytes, kind: str, is_all: bool) -> Iterator[Picture]:
    """Return the pictures of a HEIC or AVIF file, each put together of its tiles and turned upright.

    A file may hold several, as of a burst; previews and depth maps are none.

    Raises
    ------
    Unreadable
        It is damaged or too large, or what reads it is not installed.
    """
    pillow_heif = _installed()
    if pillow_heif is not None and (kind != AVIF or _reads_avif(pillow_heif)):
        return _by_pillow_heif(pillow_heif, data, is_all)
    image = _avif_by_pillow(data) if kind == AVIF else None
    if image is not None:
        return iter([Picture(image)])
    raise Unreadable(
        f"it is a picture in {kind}, which what is installed does not read",
        REMEDY,
        MissingExtra,
    )


def _installed() -> Any:
    try:
        import pillow_heif
    except ImportError:
        return None
    return pillow_heif


def _reads_avif(pillow_heif: Any) -> bool:
    # Releases from 1.0 on leave AVIF to Pillow, which reads it from 11.3 on.
    return hasattr(pillow_heif, "register_avif_opener") and bool(pillow_heif.libheif_info().get("AVIF"))


def _by_pillow_heif(pillow_heif: Any, data: bytes, is_all: bool) -> Iterator[Picture]:
    try:
        opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True, bgr_mode=True)
        chosen = range(len(opened)) if is_all else [opened.primary_index]
        for number in chosen:
            one = opened[number]
            if not fits(*one.size):
                raise too_large(*one.size)
            # libheif has turned it as irot and imir say, which is all that counts: EXIF tells the same once more.
            # A copy: the array lies in libheif's memory, which older releases free with `one` all the same.
            yield Picture(_bgr(np.array(one)))
    except (OSError, ValueError, EOFError, RuntimeError, SyntaxError) as error:
        raise Unreadable(f"it is cut off or damaged ({error})", COPY_AGAIN) from error


def _avif_by_pillow(data: bytes) -> Optional[Image]:
    try:
        from PIL import Image as PillowImage
        from PIL import UnidentifiedImageError, features
    except ImportError:
        return None
    if "avif" not in features.modules or not features.check("avif"):
        return None
    try:
        with PillowImage.open(io.BytesIO(data), formats=["AVIF"]) as opened:
            if not fits(*opened.size):
                raise too_large(*opened.size)
            exif = opened.info.get("exif", b"")
            image = np.asarray(opened.convert("RGB"))[..., ::-1].copy()
    except (UnidentifiedImageError, OSError, ValueError, EOFError, SyntaxError) as error:
        raise Unreadable("it is cut off or damaged", COPY_AGAIN) from error
    # Pillow does not turn it, but writes irot and imir into the EXIF data.
    return turned(image, exif_orientation(exif[6:] if exif.startswith(b"Exif\0\0") else exif))


def _bgr(array: Any) -> Image:
    """Return gray, BGR or BGRA as BGR, alpha dropped."""
    if array.ndim == 2:
        return np.repeat(array[..., None], 3, axis=2)
    return np.ascontiguousarray(array[..., :3]) if array.shape[2] >= 3 else np.repeat(array[..., :1], 3, axis=2)
